"""A dialplan that asks the real daemon over FastAGI: answered while it is well, and no call lost while the process is
stopped as a whole, or killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM
from tests.scenarios.own_dial import ASK, OWN, own_dialplan


@pytest_asyncio.fixture(scope="module")
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM, more="[fastagi]\nenabled = true\n") as stage:
        etc = stage.lab.asterisk.etc
        for name, text in own_dialplan(ASK, "ringfence-uc").items():
            with (etc / name.removeprefix("own_")).open("a") as file:
                file.write(f"\n{text}")
        await stage.lab.asterisk.reload()
        yield stage


async def _call(stage: Stage, person: int) -> str:
    """Where the call went: `platform` or `plan`, and what the daemon had said."""
    did, caller = stage.organisation.did(person), f"+44163296{person:04}"
    call = await stage.lab.caller.call(did, from_=caller, headers=OWN, give_up_seconds=25)
    assert call.answered
    taken = "platform" if caller in [leg.caller for leg in stage.lab.platform.calls()] else "plan"
    return f"{taken}, told {await _value(stage, 'lab/heard', did[1:])}"


async def _value(stage: Stage, family: str, key: str) -> str:
    told = await stage.lab.asterisk.cli(f"database get {family} {key}")
    return told.partition("Value: ")[2].strip()


async def test_daemon_is_asked_and_outlived(stage: Stage) -> None:
    async def signed() -> bool:
        return bool(await _value(stage, "ringfence", "door"))

    await wait_until(signed, what="the door's sign", deadline_seconds=10)
    assert await _call(stage, 0) == "platform, told platform."
    await stage.order("dr")
    assert await _call(stage, 1) == "plan, told plan."
    # DR stays published: by AstDB alone these calls do not go to the platform either.
    await stage.node.process.freeze()
    try:
        frozen = await asyncio.gather(*(_call(stage, person) for person in range(2, 8)))
    finally:
        stage.node.process.thaw()
    assert frozen == ["plan, told ."] * 6
    await stage.node.process.kill()
    assert await asyncio.gather(*(_call(stage, person) for person in range(8, 11))) == ["plan, told ."] * 3
