"""Asterisk's own opinion of an endpoint, and when it is worth nothing."""

from __future__ import annotations

import asyncio

from ringfence.app.ports import AsteriskUnavailable
from ringfence.asterisk.contact_status import ContactStatusReader
from ringfence.domain.health import Observation, TargetId, TargetRole
from tests.fakes.clock import FakeClock, settle

UC = TargetId(TargetRole.PLATFORM, "uc")
HOUR = 3600


class Ari:
    """Says `online`, or nothing while it is `gone`."""

    def __init__(self) -> None:
        self.gone = False

    async def endpoint_state(self, name: str) -> str | None:
        if self.gone:
            raise AsteriskUnavailable("ARI does not answer.")
        return "online"


async def test_an_asterisk_whose_clock_was_put_back_has_no_opinion_until_it_is_there_again() -> None:
    """It plans its questions by that clock: for an hour it asks nobody, and goes on saying what was so before."""
    clock, seen = FakeClock(), list[Observation]()
    reader = ContactStatusReader(Ari(), {"uc": UC}, clock)

    async def said() -> bool | None:
        await reader.read_all(seen.append)
        return seen[-1].passed

    assert await said() is True
    clock.step_wall(-HOUR)
    assert await said() is None
    assert "put back" in seen[-1].detail
    await clock.advance(HOUR - 1)
    assert await said() is None
    await clock.advance(2)
    assert await said() is True
    clock.step_wall(HOUR)
    assert await said() is True
    clock.step_wall(-HOUR)
    assert await said() is None
    clock.step_wall(HOUR)
    assert await said() is True


async def test_an_asterisk_that_cannot_be_asked_has_no_opinion() -> None:
    ari, seen = Ari(), list[Observation]()
    ari.gone = True
    reader = ContactStatusReader(ari, {"uc": UC}, FakeClock())
    task = asyncio.create_task(reader.run(seen.append))
    await settle()
    assert [one.passed for one in seen] == [None]
    ari.gone = False
    reader.heard(True)
    await settle()
    assert [one.passed for one in seen] == [None, True]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
