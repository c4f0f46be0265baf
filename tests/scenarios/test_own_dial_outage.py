"""Callers on the leg of a dialplan's own Dial when the platform dies: who waits is freed, who talks is rescued, as on
ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest_asyncio

from tests.lab.behaviour import Behaviour
from tests.lab.call_result import CallResult
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, reach, until
from tests.scenarios.own_dial import OWN, own_dialplan

TALKING = replace(Behaviour(), talks=True)
LONGER_THAN_THE_TEST = 60


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    quick = PLATFORM | {"rescue_silence_seconds": "1", "rescue_held_seconds": "600"}
    async with opened(installation, ORGANISATION, platform=quick) as stage:
        own = own_dialplan(
            endpoint="ringfence-uc", ring_seconds=LONGER_THAN_THE_TEST, no_progress_seconds=LONGER_THAN_THE_TEST
        )
        for name, text in own.items():
            with (stage.lab.asterisk.etc / name.removeprefix("own_")).open("a") as file:
                file.write(f"\n{text}")
        await stage.lab.asterisk.reload()
        yield stage


class _Caller:
    """One call to a person's DID, by the trunk whose dialplan is the site's own."""

    def __init__(self, stage: Stage, person: int) -> None:
        self.number = f"+44163296{person:04}"
        self.person = person
        self._lab = stage.lab
        did = stage.organisation.did(person)
        self.task = asyncio.create_task(
            stage.lab.caller.call(did, from_=self.number, headers=OWN, hold_seconds=40, give_up_seconds=40)
        )

    def at_platform(self) -> list[int | None]:
        return [leg.final_status for leg in self._lab.platform.calls() if leg.caller == self.number]

    def taken_outside(self) -> list[str]:
        legs = [*self._lab.mobile_network.calls(), *self._lab.other_mobile_network.calls()]
        return [leg.number for leg in legs if leg.caller == self.number and leg.final_status == 200]

    async def end(self) -> CallResult:
        return await self.task


async def test_who_waits_is_freed_and_who_talks_is_rescued(stage: Stage) -> None:
    await stage.lab.platform.behave(TALKING)
    talking = [_Caller(stage, person) for person in range(2)]
    await until(stage, "the platform to answer", lambda: all(caller.at_platform() == [200] for caller in talking))
    await stage.lab.platform.freeze()
    waiting = [_Caller(stage, person) for person in range(2, 4)]
    await reach(stage, "FAILED_OVER")
    callers = [*talking, *waiting]
    await until(stage, "everybody to be taken outside", lambda: all(caller.taken_outside() for caller in callers))
    assert [caller.taken_outside() for caller in callers] == [[ORGANISATION.mobile(c.person)] for c in callers]
    await stage.lab.mobile_network.hang_up_all()
    await stage.lab.other_mobile_network.hang_up_all()
    assert all([(await caller.end()).answered for caller in callers])
    rows: list[dict[str, Any]] = []

    async def told() -> bool:
        rows[:] = (await stage.node.must("GET", "/v1/calls?limit=10"))["calls"]
        return len(rows) == len(callers)

    await until(stage, "the journal's rows", told)
    assert (
        sorted((row["path"], row["answered_by"]) for row in rows)
        == [("inline", "person")] * 2 + [("rescued", "person")] * 2
    )
