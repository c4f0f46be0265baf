"""Measures coverage and keeps its history: when the directory has changed, when a day begins, and when somebody asks.

Below the target is an alarm: it is logged once, and once again when the target is met.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from ringfence.app.hr.ports import CoverageRow
from ringfence.app.paging import Before
from ringfence.app.ports import Clock
from ringfence.domain.coverage import Coverage, CoveragePolicy, coverage
from ringfence.domain.directory import Directory
from ringfence.domain.moment import Moment
from ringfence.domain.routing_policy import RoutingPolicy

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0  # how often a change of the directory or of the day is looked for
FIRST_LOOK_SECONDS = 0.5  # how often the first directory is looked for: whoever asks has to wait for the first answer
FRESH_SECONDS = 60.0  # so old an answer may be: measuring takes some 20 µs a DID
PATIENCE_SECONDS = 0.1  # whoever asks for an older one waits so long for the next, two seconds' work at 100,000 DIDs


class CoverageStore(Protocol):
    """A part of `app.hr.ports.RosterStore`. May raise StoreError."""

    async def add_coverage(self, row: CoverageRow) -> None: ...

    async def coverage(self, limit: int, before: Before | None = None) -> list[CoverageRow]: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Coverage at a moment, and the objective it is held against (percent, 0 to 100)."""

    at: datetime
    coverage: Coverage
    target_percent: float
    confirmed_days: int

    @property
    def below(self) -> bool:
        return self.coverage.percent < self.target_percent


class CoverageWatch:
    """`run` in the daemon's task group. `directory` gives the directory in force, None while there is none."""

    def __init__(
        self,
        clock: Clock,
        directory: Callable[[], Directory | None],
        routing: RoutingPolicy,
        store: CoverageStore,
        target_percent: float,
        policy: CoveragePolicy,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._routing = routing
        self._store = store
        self._target_percent = target_percent
        self._policy = policy
        self._busy = asyncio.Lock()
        self._measuring: asyncio.Task[None] | None = None
        self._measured_at: Moment | None = None
        self._of: Directory | None = None
        self._day: date | None = None
        self._stored: date | None = None
        self.latest: Measured | None = None

    async def run(self) -> None:
        """Measures whatever has changed, and stores one row a day. Raises StoreError; measures all the same."""
        while True:
            if self._directory() is None:
                await self._clock.sleep(FIRST_LOOK_SECONDS)
                continue
            await self._keep_up()
            await self._clock.sleep(LOOK_SECONDS)

    async def current(self, *, patient: bool = True) -> Measured | None:
        """At most a minute old; of a directory so large that nobody should wait for it, the last one that there is,
        while the next is measured. None: there is no directory yet, or, for whoever is not patient, no answer yet."""
        if self._directory() is None:
            return None
        if self._is_old():
            if self._measuring is None or self._measuring.done():
                self._measuring = asyncio.create_task(self._measure_anew(), name="coverage")
            until_there = patient and self.latest is None
            await asyncio.wait({self._measuring}, timeout=None if until_there else PATIENCE_SECONDS)
            if self._measuring.done():
                self._measuring.result()
        return self.latest

    def _is_old(self) -> bool:
        return self._measured_at is None or self._clock.now().since(self._measured_at) >= FRESH_SECONDS

    async def _measure_anew(self) -> None:
        async with self._busy:
            directory = self._directory()
            if directory is not None and self._is_old():
                await self._measure(directory)

    async def history(self, limit: int, before: Before | None = None) -> list[CoverageRow]:
        """One row a day, newest first. Raises StoreError."""
        return await self._store.coverage(limit, before)

    async def _keep_up(self) -> None:
        today = self._clock.now().wall.astimezone(UTC).date()
        async with self._busy:
            directory = self._directory()
            if directory is None:
                return
            changed = directory is not self._of
            another_day = self.latest is None or self.latest.at.astimezone(UTC).date() != today
            if self.latest is None or another_day or (changed and self._is_old()):
                await self._measure(directory)
        if self._stored is None:
            rows = await self._store.coverage(1)
            self._stored = rows[0].at.astimezone(UTC).date() if rows else None
        if self._stored != today and self.latest is not None:
            await self._store.add_coverage(_row(self.latest))
            self._stored = today

    async def _measure(self, directory: Directory) -> None:
        now = self._clock.now()
        found = await asyncio.to_thread(self._found, directory, now.wall.date())
        was_below = self.latest is not None and self.latest.below
        self.latest = Measured(now.wall, found, self._target_percent, self._policy.confirmed_days)
        self._measured_at, self._of, self._day = now, directory, now.wall.date()
        if self.latest.below != was_below:
            words = "coverage is below its target" if self.latest.below else "coverage meets its target again"
            extra = {"percent": found.percent, "target_percent": self._target_percent, "dids": found.dids}
            log.log(logging.WARNING if self.latest.below else logging.INFO, words, extra=extra)

    def _found(self, directory: Directory, today: date) -> Coverage:
        """On one day an equal directory is covered as the last one was; comparing them takes a tenth of measuring."""
        if self.latest is not None and today == self._day and directory == self._of:
            return self.latest.coverage
        return coverage(directory, self._routing, self._policy, today)


def _row(measured: Measured) -> CoverageRow:
    found = measured.coverage
    reasons = {reason.value: count for reason, count in found.reasons.items()}
    return CoverageRow(measured.at, found.dids, found.covered, reasons)
