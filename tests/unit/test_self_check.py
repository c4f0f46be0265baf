"""What the watchdog is fed for, and what it is not: only what a restart would mend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringfence.app.self_check import LATE_SECONDS, TURN_SECONDS, Feeder, self_check_fault
from ringfence.domain.moment import Moment
from tests.fakes.clock import NOON, FakeClock, settle

NOW = Moment(NOON, 1_000.0)
INTERVAL_SECONDS = 5.0


def test_a_loop_in_time_and_a_writer_that_turns_are_fine() -> None:
    assert self_check_fault(NOW, due=NOW, turned_at=NOW) is None
    assert self_check_fault(NOW, due=NOW.plus(-LATE_SECONDS), turned_at=NOW.plus(-TURN_SECONDS)) is None


def test_before_the_first_turn_nothing_is_asked_of_the_writer() -> None:
    assert self_check_fault(NOW, due=NOW, turned_at=None) is None


def test_a_late_loop_is_named() -> None:
    assert self_check_fault(NOW, due=NOW.plus(-LATE_SECONDS - 0.6), turned_at=NOW) == "the event loop was 6 s late"


def test_a_writer_that_stands_still_is_named() -> None:
    fault = self_check_fault(NOW, due=NOW, turned_at=NOW.plus(-TURN_SECONDS - 0.6))
    assert fault == "the writer of the mode has not taken a turn for 21 s"


class Fed:
    """A feeder between fakes: when the watchdog was fed, and a writer that turns whenever it is told to."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.turned_at: Moment | None = self.clock.now()
        self.count = 0
        self.feeder = Feeder(self.clock, self._feed, lambda: self.turned_at)
        self.task = asyncio.ensure_future(self.feeder.run(INTERVAL_SECONDS))

    async def pass_by(self, seconds: float, *, turning: bool) -> int:
        """How often it was fed meanwhile."""
        before, end = self.count, self.clock.now().plus(seconds)
        while self.clock.now().monotonic < end.monotonic:
            await self.clock.advance(1.0)
            if turning:
                self.turned_at = self.clock.now()
        return self.count - before

    def _feed(self) -> None:
        self.count += 1


@pytest_asyncio.fixture
async def fed() -> AsyncIterator[Fed]:
    fed = Fed()
    await settle()
    yield fed
    fed.task.cancel()
    await settle()


async def test_it_is_fed_at_every_interval(fed: Fed) -> None:
    assert await fed.pass_by(60.0, turning=True) == 12
    assert fed.feeder.fault is None


async def test_a_writer_that_stands_still_starves_it_and_one_that_goes_on_feeds_it_again(
    fed: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    assert await fed.pass_by(TURN_SECONDS, turning=False) == TURN_SECONDS / INTERVAL_SECONDS, (
        "the supervisor goes first"
    )
    assert await fed.pass_by(60.0, turning=False) == 0
    assert fed.feeder.fault is not None and "writer" in fed.feeder.fault

    fed.turned_at = fed.clock.now()
    assert await fed.pass_by(20.0, turning=True) == 4
    assert fed.feeder.fault is None
    assert [record.message for record in caplog.records if "self-check" in record.message] == [
        "self-check failed, the watchdog is not fed",
        "self-check passes again",
    ], "an edge, and not a line at every look"


async def test_a_loop_that_comes_late_is_not_fed_for_that_look(fed: Fed) -> None:
    # Both clocks jump while nobody is woken: so it looks to a process that was stopped.
    fed.clock._now = fed.clock.now().plus(30.0)
    fed.turned_at = fed.clock.now()
    assert await fed.pass_by(1.0, turning=True) == 0
    assert await fed.pass_by(20.0, turning=True) > 0
