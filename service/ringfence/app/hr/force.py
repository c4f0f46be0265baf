"""Puts the directory in force: derived from what is known, adopted by the keeper, again whenever something changed or
the time has come.

One derivation at a time. What is said while it runs is derived right after it. Calls come first: the table is adopted
before anything that was found is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from ringfence.app.collector import resting
from ringfence.app.deadline import within
from ringfence.app.hr.book import RosterBook
from ringfence.app.ports import Clock
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import Directory
from ringfence.domain.hr.derivation import Effective, changed_owners, derive
from ringfence.domain.hr.roster import Roster
from ringfence.domain.numbers import Did
from ringfence.domain.route_table import TableError

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 5.0
"""How often the wall clock is looked at: it may be set, and a machine may sleep."""
MAX_REST_SECONDS: Final = 2.0
MAX_URGENT_REST_SECONDS: Final = 0.2
SOONEST: Final = timedelta(seconds=0.2)


class InForce:
    """The last derivation, and the duty to make the next."""

    def __init__(
        self,
        book: RosterBook,
        keeper: TableKeeper,
        clock: Clock,
        poke: Callable[[], None],
        owners_changed: Callable[[Set[Did]], None],
    ) -> None:
        self._book = book
        self._keeper = keeper
        self._clock = clock
        self._poke = poke
        self._owners_changed = owners_changed
        self._deriving = asyncio.Lock()
        self._wanted = 1
        self._done = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self.effective: Effective | None = None
        self.derived_at: datetime | None = None
        self.fault = ""

    @property
    def next_change_at(self) -> datetime | None:
        """Never sooner than `SOONEST` after the last derivation: the clock and the derivation may disagree on a moment,
        and must not keep each other busy."""
        if self.effective is None or self.derived_at is None or self.effective.next_change_at is None:
            return None
        return max(self.effective.next_change_at, self.derived_at + SOONEST)

    def want(self, *, urgent: bool = False) -> None:
        """Something has changed. `urgent`: somebody must not be rung any more."""
        self._wanted += 1
        self._wake.set()
        if urgent:
            self._hurry.set()

    async def catch_up(self) -> None:
        """Returns once everything that was wanted is in force, or `fault` says why it is not."""
        wanted = self._wanted
        async with self._deriving:
            if self._done < wanted:
                with resting():
                    await self._derive()

    async def run(self) -> None:
        """Derives when wanted and when `next_change_at` has come."""
        await self._book.loaded.wait()
        while True:
            self._wake.clear()
            self._hurry.clear()
            began = self._clock.now()
            if self._due(began.wall):
                self._wanted += 1
            await self.catch_up()
            # Hundreds of pushes must not have us derive without a pause: they need the machine to be taken in, and
            # while we derive it takes ten times as long.
            rest = min(self._clock.now().since(began), MAX_REST_SECONDS)
            if rest > 0:
                await self._clock.sleep(min(rest, MAX_URGENT_REST_SECONDS))
            if rest > MAX_URGENT_REST_SECONDS:
                await self._wait(self._hurry, rest - MAX_URGENT_REST_SECONDS)
            await self._wait(self._wake, self._seconds_to_next())

    async def with_base(self, base: Directory) -> Effective:
        """What would be in force with another imported directory, now."""
        roster, now = self._book.roster.copy(), self._clock.now().wall
        return await asyncio.to_thread(derive, base, roster, self._book.policy, now)

    async def with_roster(self, roster: Roster) -> Effective:
        """What would be in force with another roster, now."""
        return await asyncio.to_thread(
            derive, self._book.base.directory, roster, self._book.policy, self._clock.now().wall
        )

    async def _derive(self) -> None:
        book, wanted, now = self._book, self._wanted, self._clock.now().wall
        base, tenure_changes = book.base, book.tenure_changes
        effective = await asyncio.to_thread(derive, base.directory, book.roster.copy(), book.policy, now)
        self.effective, self.derived_at = effective, now
        # Version 0: nothing was ever imported here, or the database was lost and begun anew. All DIDs come from the
        # import, so publishing would take every DID's record out of Asterisk, whatever the sources have said since.
        if base.version > 0:
            await self._adopt(effective.directory)
            # A person may have moved tenures meanwhile (a changed key); what we found is then out of date.
            if effective.tenures and tenure_changes == book.tenure_changes:
                changed = changed_owners(effective, book.roster)
                book.tenures_are(effective.tenures)
                if changed:
                    self._owners_changed(changed)
            # The roster has them, and after a first load they are many.
            self.effective = replace(effective, tenures=MappingProxyType({}))
        self._done = wanted
        self._poke()

    async def _adopt(self, directory: Directory) -> None:
        """Too many DIDs in a bucket is all that a table can be refused for. HR adds none, and an import is proved
        publishable before it is stored; so no leaver waits behind this."""
        try:
            await self._keeper.adopt(directory)
        except TableError as error:
            if not self.fault:
                log.error(
                    "the directory in force cannot be published, asterisk keeps its table", extra={"reason": str(error)}
                )
            self.fault = str(error)
        else:
            if self.fault:
                log.info("the directory in force is published again")
            self.fault = ""

    def _due(self, now: datetime) -> bool:
        if self.derived_at is not None and now < self.derived_at:
            return True  # the clock was set back: what had begun may be still to come
        return self.next_change_at is not None and self.next_change_at <= now

    def _seconds_to_next(self) -> float:
        if self.next_change_at is None:
            return TICK_SECONDS
        left = (self.next_change_at - self._clock.now().wall).total_seconds()
        return min(TICK_SECONDS, max(0.0, left))

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await within(self._clock, seconds, event.wait())
