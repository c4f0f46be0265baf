"""Keeps what is usual over restarts, and looks at the calls every few seconds.

The database is never waited for: while it takes nothing the counts wait in memory, and while it tells nothing, nothing
is said to be unusual.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from ringfence.app.ports import Clock, StoreError
from ringfence.app.usual import Key, UsualWatch, hours_kept
from ringfence.domain.directory import Directory
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.usual import Calendar, HourCounts, UsualPolicy, hour_of

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
SAVE_SECONDS: Final = 60.0
LOAD_AGAIN_SECONDS: Final = 10.0
UNSTORED_HOURS: Final = 48
"""Counts that the database would not take for longer are given up."""


class UsualStore(Protocol):
    """May raise StoreError."""

    async def load(self, oldest_hour: int) -> dict[Key, HourCounts]: ...

    async def add(self, counts: Mapping[Key, HourCounts]) -> None:
        """To what is stored of the same hour."""
        ...

    async def prune(self, oldest_hour: int) -> None: ...


class UsualKeeper:
    """`look_on` and `keep` in the daemon's task group."""

    def __init__(
        self,
        watch: UsualWatch,
        store: UsualStore,
        clock: Clock,
        policy: UsualPolicy,
        directory: Callable[[], Directory | None],
        zone: str,
        changed: Callable[[], None],
    ) -> None:
        """`zone` is of sites that name none. `changed`: something that is shown; must not block."""
        self._watch = watch
        self._store = store
        self._clock = clock
        self._policy = policy
        self._directory = directory
        self._zone = zone
        self._changed = changed
        self._seen: Directory | None = None

    async def look_on(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if self._watch.look(self._clock.now()):
                self._changed()

    async def keep(self) -> None:
        """Reads once, writes now and then, and once more at the end."""
        told = False
        while not await self._load(told):
            told = True
            await self._clock.sleep(LOAD_AGAIN_SECONDS)
        pruned_hour = 0
        try:
            while True:
                await self._look_at_the_sites()
                await self._clock.sleep(SAVE_SECONDS)
                await self._save()
                this_hour = hour_of(self._clock.now().wall)
                if pruned_hour != this_hour:
                    pruned_hour = this_hour
                    await self._prune(this_hour - hours_kept(self._policy))
        except asyncio.CancelledError:
            await self._save()
            raise

    async def _load(self, told: bool) -> bool:
        try:
            past = await self._store.load(hour_of(self._clock.now().wall) - hours_kept(self._policy))
        except StoreError as error:
            if not told:
                log.warning("what is usual cannot be read, nothing is said about it", extra={"reason": str(error)})
            return False
        self._watch.know(past)
        log.info("what is usual was read", extra={"rows": len(past)})
        return True

    async def _save(self) -> None:
        taken = self._watch.take_unstored()
        if not taken:
            return
        try:
            await self._store.add(taken)
        except StoreError:
            # The ledger tells the edge.
            self._watch.give_back(taken, hour_of(self._clock.now().wall) - UNSTORED_HOURS)

    async def _prune(self, oldest_hour: int) -> None:
        self._watch.forget(oldest_hour)
        try:
            await self._store.prune(oldest_hour)
        except StoreError:
            return

    async def _look_at_the_sites(self) -> None:
        directory = self._directory()
        if directory is None or directory is self._seen:
            return
        self._seen = directory
        found = await asyncio.to_thread(calendars_of, directory, self._watch.targets, self._zone)
        self._watch.keep_calendars(found)


def calendars_of(directory: Directory, targets: tuple[TargetId, ...], zone: str) -> dict[TargetId, Calendar]:
    """A platform goes by the sites of its DIDs, a trunk by all. The zone is that of most DIDs; a day is a day off when
    it is one for at least half of them."""
    by_scope: dict[str, Counter[str]] = {}
    everywhere: Counter[str] = Counter()
    for item in directory.assignments.values():
        by_scope.setdefault(item.scope, Counter())[item.site] += 1
        everywhere[item.site] += 1
    return {
        target: _calendar(
            directory, by_scope.get(target.name, Counter()) if target.role is TargetRole.PLATFORM else everywhere, zone
        )
        for target in targets
    }


def _calendar(directory: Directory, dids: Counter[str], zone: str) -> Calendar:
    zones: Counter[str] = Counter()
    closed: Counter[date] = Counter()
    for name, number in dids.items():
        site = directory.site(name)
        zones[zone if site is None or site.time_zone is None else site.time_zone] += number
        for day in () if site is None else site.holidays:
            closed[day] += number
    most = max(sorted(zones), key=lambda one: zones[one]) if zones else zone
    half = sum(dids.values()) / 2
    return Calendar(ZoneInfo(most), frozenset(day for day, number in closed.items() if number >= half))
