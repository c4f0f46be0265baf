"""When the daemon makes a backup, and what it says of the newest."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from ringfence.app.backup.faults import BackupFault
from ringfence.app.backup.keeper import AGAIN_SECONDS, BackupKeeper, MadeBackup
from ringfence.app.backup.schedule import BackupTimes, is_due, is_late, last_due, next_due
from tests.fakes.clock import FakeClock

NIGHTLY = BackupTimes((time(2, 15),), "Europe/London", timedelta(hours=50))
TWICE = BackupTimes((time(2, 15), time(14, 15)), "Europe/London", timedelta(hours=50))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "now", "last", "following"),
    [
        (NIGHTLY, "2030-01-15T12:00", "2030-01-15T02:15", "2030-01-16T02:15"),
        (NIGHTLY, "2030-01-15T02:14", "2030-01-14T02:15", "2030-01-15T02:15"),
        (NIGHTLY, "2030-01-15T02:15", "2030-01-15T02:15", "2030-01-16T02:15"),
        (NIGHTLY, "2030-07-15T12:00", "2030-07-15T01:15", "2030-07-16T01:15"),  # the zone's, not UTC
        (TWICE, "2030-01-15T12:00", "2030-01-15T02:15", "2030-01-15T14:15"),
        (TWICE, "2030-01-15T23:59", "2030-01-15T14:15", "2030-01-16T02:15"),
        (TWICE, "2030-01-15T00:30", "2030-01-14T14:15", "2030-01-15T02:15"),
    ],
)
def test_the_moments_of_a_schedule(times: BackupTimes, now: str, last: str, following: str) -> None:
    assert (last_due(times, at(now)), next_due(times, at(now))) == (at(last), at(following))


def test_the_clocks_going_forward_skip_no_backup() -> None:
    times = BackupTimes((time(1, 30),), "Europe/London", timedelta(hours=50))
    # 01:30 is not on the clock on 31 March 2030: it goes from 01:00 to 02:00.
    assert next_due(times, at("2030-03-30T12:00")).date().isoformat() == "2030-03-31"


def test_a_night_that_was_slept_through_is_made_up_for_once() -> None:
    now = at("2030-01-15T09:00")
    assert is_due(NIGHTLY, at("2030-01-14T02:16"), now)
    assert not is_due(NIGHTLY, at("2030-01-15T08:59"), now)
    assert is_due(NIGHTLY, None, now)


def test_late_is_without_one_that_is_young_enough() -> None:
    now = at("2030-01-15T09:00")
    assert is_late(NIGHTLY, None, now) and is_late(NIGHTLY, now - timedelta(hours=51), now)
    assert not is_late(NIGHTLY, now - timedelta(hours=49), now)


class Place:
    """Makes backups and keeps the newest."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.held: MadeBackup | None = None
        self.fault: BackupFault | None = None
        self.made = 0

    async def make(self) -> MadeBackup:
        if self.fault is not None:
            raise self.fault
        self.made += 1
        self.held = MadeBackup(self._clock.now().wall, 1_000, 10)
        return self.held

    async def newest(self) -> MadeBackup | None:
        return self.held


async def test_one_is_made_when_it_is_due_and_no_second() -> None:
    clock = FakeClock()
    place, changes = Place(clock), list[int]()
    keeper = BackupKeeper(NIGHTLY, place, place, clock, lambda: changes.append(1))
    for _ in range(3):
        await keeper.look()
    assert (place.made, keeper.view.newest, keeper.view.late) == (1, place.held, False)
    assert len(changes) == 1
    await clock.advance(86_400)
    await keeper.look()
    assert place.made == 2


async def test_a_failure_is_shown_and_tried_again_until_it_succeeds() -> None:
    clock = FakeClock()
    place = Place(clock)
    keeper = BackupKeeper(NIGHTLY, place, place, clock, lambda: None)
    place.fault = BackupFault("The disk is full.", "Make room there.")
    assert await keeper.look() == AGAIN_SECONDS
    assert (keeper.view.newest, keeper.view.late, keeper.view.fault) == (None, True, str(place.fault))
    place.fault = None
    await keeper.look()
    assert (keeper.view.fault, keeper.view.late) == ("", False)
