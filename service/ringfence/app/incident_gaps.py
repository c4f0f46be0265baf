"""Calls that ended while nobody heard Asterisk: the daemon was not running, or not connected. Or that were
heard, and lost while the database took nothing.

A sign that events are heard is stored every few seconds, so that after a restart the time is known in which none were.
What ended in it is read from Asterisk's own records and added to the journal, each call once. Where that cannot be
done, it is said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.collector import resting
from ringfence.app.deadline import within
from ringfence.app.incident_ports import CallRecords, Found, GapStore, RecordsUnreadable
from ringfence.app.ports import Clock, JournalStore
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Gap, GapReason, Span
from ringfence.domain.moment import Moment

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
HEARD_SECONDS: Final = 15.0
# A dead connection is noticed late, and what was heard last may not have been stored.
BEFORE: Final = timedelta(seconds=60)
# Asterisk writes a record shortly after it tells of a call.
AFTER_SECONDS: Final = 5.0
MAX_WAITING: Final = 1_000
GAPS_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class _Missed:
    span: Span
    reason: GapReason


class GapWatch:
    """`link` is told of every change of the event connection; `run` in the daemon's task group."""

    def __init__(
        self,
        store: GapStore,
        journal: JournalStore,
        records: CallRecords,
        clock: Clock,
        lost: Callable[[], Span | None] = lambda: None,
    ) -> None:
        """`lost`: `Journal.take_lost`."""
        self._lost = lost
        self._store = store
        self._journal = journal
        self._records = records
        self._clock = clock
        self._up = False
        self._began = False
        self._deaf_since: Moment | None = clock.now()
        self._waiting: deque[_Missed] = deque(maxlen=MAX_WAITING)
        self._heard_at: Moment | None = None
        self._first_up: Moment | None = None
        self._wake = asyncio.Event()

    @property
    def deaf_since(self) -> Moment | None:
        """Since when no events are heard; None while they are."""
        return self._deaf_since

    def link(self, up: bool, at: Moment) -> None:
        """The event connection came up or went down."""
        if up and self._first_up is None:
            self._first_up = at
        elif up and self._deaf_since is not None:
            self._waiting.append(_Missed(_span(self._deaf_since.wall, at.wall), GapReason.DISCONNECTED))
        if up:
            self._up, self._deaf_since, self._heard_at = True, None, None
        elif self._deaf_since is None:
            self._up, self._deaf_since = False, at
        self._wake.set()

    async def run(self) -> None:
        """Notes the gaps and completes them. Raises StoreError; nothing is forgotten by it."""
        while True:
            self._wake.clear()
            await self.look()
            # A change of the connection is noted at once: the process may end the next moment.
            with suppress(TimeoutError):
                await within(self._clock, LOOK_SECONDS, self._wake.wait())

    async def look(self) -> None:
        """One turn of `run`."""
        if self._first_up is not None and not self._began:
            await self._recall(self._first_up)
        self._take_lost()
        while self._waiting:
            missed = self._waiting[0]
            await self._store.add_gap(missed.span, missed.reason)
            self._waiting.popleft()
            log.warning(
                "calls may have ended unheard",
                extra={"since": missed.span.since.isoformat(), "reason": missed.reason.words},
            )
        await self._note_heard()
        await self._complete()

    async def _recall(self, up: Moment) -> None:
        last = await self._store.last_heard()
        if last is not None:
            self._waiting.appendleft(_Missed(_span(last, up.wall), GapReason.STOPPED))
        self._began = True

    def _take_lost(self) -> None:
        """While the database takes nothing there is one more at each look: they are one gap."""
        lost = self._lost()
        if lost is None:
            return
        if self._waiting and self._waiting[-1].reason is GapReason.OVERFLOWED:
            lost = self._waiting.pop().span.with_(lost)
        self._waiting.append(_Missed(lost, GapReason.OVERFLOWED))

    async def _note_heard(self) -> None:
        """Only after everything unheard is stored: it is the end of what is known."""
        now = self._clock.now()
        if not self._up or not self._began or self._waiting:
            return
        if self._heard_at is None or now.since(self._heard_at) >= HEARD_SECONDS:
            await self._store.heard(now.wall)
            self._heard_at = now

    async def _complete(self) -> None:
        latest = self._clock.now().wall - timedelta(seconds=AFTER_SECONDS)
        for gap in await self._store.uncovered(GAPS_AT_ONCE):
            if gap.ended <= latest:
                await self._store.settle(await self._completed(gap))

    async def _completed(self, gap: Gap) -> Gap:
        added = 0
        trouble = ""
        try:
            with resting():
                async for found in self._found(gap):
                    if isinstance(found, Found):
                        trouble = found.trouble
                    else:
                        added += await self._added(found)
        except RecordsUnreadable as error:
            trouble = error.message
        log.log(
            logging.WARNING if trouble else logging.INFO,
            "calls that ended unheard cannot all be completed" if trouble else "calls that ended unheard are completed",
            extra={"calls": added, "reason": trouble or gap.reason.words},
        )
        return replace(gap, covered=not trouble, calls=added, detail=trouble)

    def _found(self, gap: Gap) -> AsyncIterator[Sequence[CallRecord] | Found]:
        # A little longer: what was told twice is stored once.
        return self._records.read(Span(gap.began, gap.ended + timedelta(seconds=AFTER_SECONDS)))

    async def _added(self, found: Sequence[CallRecord]) -> int:
        new = await self._store.unknown(found)
        if new:
            await self._journal.append(new)
        return len(new)


def _span(began: datetime, ended: datetime) -> Span:
    # The wall clock may have been stepped back meanwhile: calls carry the time it showed before, too.
    return Span(min(began, ended) - BEFORE, max(began, ended))
