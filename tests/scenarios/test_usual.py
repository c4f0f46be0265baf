"""Platforms that answer every probe and are of no use, told by real calls: they are degraded, and no call is moved.

Weeks of history lie in the database before the daemon starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from ringfence.app.usual import Key
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.usual import HOURS_A_WEEK, HourCounts, hour_of
from ringfence.store.database import Database
from ringfence.store.usual_store import SqlUsualStore
from tests.lab.behaviour import Behaviour
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, log_lines, modes_in_history, status, until

WEEKS = 4
USUAL = HourCounts(3600, 100, 100, 95)
SOONER = "[usual]\nfalse_alarms_per_year = 1000\n"
CALLERS = 14

ANNOUNCES = Behaviour(ring_status=100, answer_delay_ms=0, hang_up_after_ms=300)


def history() -> dict[Key, HourCounts]:
    """Of the hours around now in each week, far enough that a change of the clocks does not matter."""
    now = hour_of(datetime.now(UTC))
    targets = (TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.TRUNK, "carrier"))
    hours = [now - HOURS_A_WEEK * week + beside for week in range(1, WEEKS + 1) for beside in range(-3, 5)]
    return {(target, hour): USUAL for target in targets for hour in hours}


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    """Healthy, with weeks behind it."""
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=SOONER) as stage:
        await stage.node.process.stop()
        database = await Database.open(stage.node.state_dir / "ringfence.db")
        try:
            store = SqlUsualStore(database)
            await store.prune(hour_of(datetime.now(UTC)) + 1)  # what the first start counted of this hour
            await store.add(history())
        finally:
            await database.close()
        await stage.node.start()
        yield stage


async def call(stage: Stage, number: int) -> None:
    """One caller, who does not wait for long."""
    did, caller = ORGANISATION.did(number), f"+4416329611{number:02}"
    await stage.lab.caller.call(did, from_=caller, hold_seconds=1.0, cancel_after_seconds=1.0, give_up_seconds=10)


async def verdict(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = (await status(stage))["scopes"][0]["verdict"]
    return found


async def spoken_against(stage: Stage, kind: str) -> str:
    """Calls everybody until that kind of evidence speaks against the platform, and returns its words."""
    await asyncio.gather(*(call(stage, number) for number in range(CALLERS)))

    async def told() -> bool:
        return any((line["kind"], line["speaks"]) == (kind, "against") for line in (await verdict(stage))["evidence"])

    await until(stage, kind, told)
    seen = await verdict(stage)
    assert (seen["state"], seen["reason"]) == ("degraded", "unusual_calls")
    return "; ".join(line["words"] for line in seen["evidence"] if line["kind"] == kind)


async def test_platforms_that_ring_for_ever_or_announce_are_degraded_and_move_nothing(stage: Stage) -> None:
    assert (await verdict(stage))["state"] == "up"
    await stage.lab.platform.ring_for_ever()
    ringing = await spoken_against(stage, "endless_ringing")
    assert "nobody answered; usual at this hour: 95 % are answered" in ringing

    await stage.lab.platform.behave(ANNOUNCES)
    assert "an announcement, not a person" in await spoken_against(stage, "announcing")

    assert await stage.node.mode() == "NORMAL" and await modes_in_history(stage) == []
    assert await stage.published() == "normal"
    assert log_lines(stage, "calls are not as usual") > 0
