"""The counts on their way to the store and back, without ever waiting for it; and which days each platform has off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from ringfence.app.ports import StoreError
from ringfence.app.usual import Key, UsualWatch
from ringfence.app.usual_keeper import LOAD_AGAIN_SECONDS, LOOK_SECONDS, SAVE_SECONDS, UsualKeeper, calendars_of
from ringfence.config.usual_settings import UsualSettings
from ringfence.domain.directory import DidAssignment, Directory, Site
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.numbers import Did
from ringfence.domain.usual import Calendar, HourCounts, UsualPolicy, hour_of
from tests.fakes.calls import a_call
from tests.fakes.clock import FakeClock, settle

PLATFORM, OTHER = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.PLATFORM, "second")
TRUNK = TargetId(TargetRole.TRUNK, "carrier")
CHRISTMAS, EASTER = date(2030, 12, 25), date(2030, 4, 22)
LONDON = "Europe/London"


class FakeUsualStore:
    """Implements `usual_keeper.UsualStore`. `gone`: as a database that does not answer."""

    def __init__(self) -> None:
        self.rows: dict[Key, HourCounts] = {}
        self.gone = False
        self.pruned: list[int] = []

    async def load(self, oldest_hour: int) -> dict[Key, HourCounts]:
        self._answer()
        return {key: counts for key, counts in self.rows.items() if key[1] >= oldest_hour}

    async def add(self, counts: Mapping[Key, HourCounts]) -> None:
        self._answer()
        for key, counted in counts.items():
            self.rows.setdefault(key, HourCounts()).add(counted)

    async def prune(self, oldest_hour: int) -> None:
        self._answer()
        self.pruned.append(oldest_hour)

    def _answer(self) -> None:
        if self.gone:
            raise StoreError("The database does not answer.")


class Kept:
    """A watch that listens, and its keeper."""

    def __init__(self, directory: Directory | None = None) -> None:
        self.clock, self.store, self.changes = FakeClock(), FakeUsualStore(), 0
        self.watch = UsualWatch(["uc"], ["carrier"], UsualPolicy(), Calendar(ZoneInfo(LONDON)))
        self.watch.link(True)
        self.keeper = UsualKeeper(
            self.watch, self.store, self.clock, UsualPolicy(), lambda: directory, LONDON, self._changed
        )

    def _changed(self) -> None:
        self.changes += 1

    def call(self) -> None:
        self.watch.ended(a_call(), self.clock.now())

    @property
    def stored_calls(self) -> int:
        return sum(counts.calls for (target, _), counts in self.store.rows.items() if target == TRUNK)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.keeper.keep()), asyncio.create_task(self.keeper.look_on())]
        await settle()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_counts_are_stored_now_and_then_and_at_the_end() -> None:
    kept = Kept()
    async with kept.running():
        kept.call()
        assert kept.stored_calls == 0
        await kept.clock.advance(SAVE_SECONDS)
        assert kept.stored_calls == 1
        assert kept.store.pruned != []
        kept.call()
    assert kept.stored_calls == 2


async def test_while_the_database_is_gone_counts_wait() -> None:
    kept = Kept()
    kept.store.gone = True
    async with kept.running():
        kept.call()
        await kept.clock.advance(LOAD_AGAIN_SECONDS)
        kept.store.gone = False
        await kept.clock.advance(LOAD_AGAIN_SECONDS)
        kept.store.gone = True
        kept.call()
        await kept.clock.advance(2 * SAVE_SECONDS)
        assert kept.stored_calls == 0
        kept.store.gone = False
        await kept.clock.advance(SAVE_SECONDS)
        assert kept.stored_calls == 2


async def test_what_an_earlier_process_counted_is_usual_for_this_one() -> None:
    kept = Kept()
    now = hour_of(kept.clock.now().wall)
    for week in range(1, 5):
        for beside in (-1, 0, 1):
            kept.store.rows[TRUNK, now - 168 * week + beside] = HourCounts(3600, 200)
    async with kept.running():
        for _ in range(int(900 / LOOK_SECONDS)):
            await kept.clock.advance(LOOK_SECONDS)
    assert kept.watch.view().quiet_trunks != {}
    assert kept.changes == 1, "told once"


def dids(first: int, number: int, site: str, scope: str) -> list[DidAssignment]:
    return [DidAssignment(Did(f"+44113496{first + n:04}"), None, site, scope) for n in range(number)]


DIRECTORY = Directory.of(
    assignments=[*dids(0, 3, "Leeds", "uc"), *dids(10, 1, "Paris", "uc"), *dids(20, 4, "Paris", "second")],
    sites=[Site("Leeds", holidays=(CHRISTMAS, EASTER)), Site("Paris", time_zone="Europe/Paris", holidays=(CHRISTMAS,))],
)


def test_a_platform_goes_by_the_sites_of_its_dids_and_a_trunk_by_all() -> None:
    found = calendars_of(DIRECTORY, (PLATFORM, OTHER, TRUNK), LONDON)
    assert found == {
        PLATFORM: Calendar(ZoneInfo(LONDON), frozenset({CHRISTMAS, EASTER})),
        OTHER: Calendar(ZoneInfo("Europe/Paris"), frozenset({CHRISTMAS})),
        TRUNK: Calendar(ZoneInfo("Europe/Paris"), frozenset({CHRISTMAS})),
    }
    assert calendars_of(Directory(), (PLATFORM,), LONDON) == {PLATFORM: Calendar(ZoneInfo(LONDON))}


@pytest.mark.parametrize("bad", [{"learn_from": "1.2.2030"}, {"weeks": 4, "min_weeks": 5}, {"weeks": 3}])
def test_settings_that_make_no_sense_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        UsualSettings(**bad)  # type: ignore[arg-type]


def test_settings_are_the_policy() -> None:
    assert UsualSettings().policy == UsualPolicy()
    assert UsualSettings(learn_from="2030-01-31").policy.learn_from == date(2030, 1, 31)
