"""Reading the calls of an incident: counted, grouped into missed ones, and kept for a moment, because a list that many
look at is read by each of them every few seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ringfence.app.collector import resting
from ringfence.app.incident_ports import IncidentStore
from ringfence.app.ports import Clock
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Gap, Incident, Span
from ringfence.domain.incident_calls import CallTally, bucket_seconds, started_at
from ringfence.domain.missed_calls import CallBack, MissedCalls, MissedList, counted
from ringfence.domain.moment import Moment

FRESH_SECONDS: Final = 5.0
READING_SHARE: Final = 20.0  # of the time, at most one in so many seconds is spent on reading one incident
KEPT: Final = 4
# A call belongs to the time in which it came in; it is in the journal once it has ended.
LONGEST_CALL: Final = timedelta(hours=4)
# So long after the failback somebody who got through is taken off the list by that.
REACHED_LATER: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Listed:
    """The call-back list, and how many of its lines are in which state."""

    said: Mapping[str, CallBack]
    lines: tuple[MissedCalls, ...]
    counts: Mapping[str, int]


@dataclass(slots=True)
class Scanned:
    """The calls of one incident as they were at a moment."""

    tally: CallTally
    missed: MissedList
    _listed: Listed | None = field(default=None, repr=False)

    async def listed(self, said: Mapping[str, CallBack]) -> Listed:
        """`said`: see `MissedList.grouped`. Grouping 20,000 calls takes 0.2 s: it is done in a thread, and again only
        when somebody has said something since."""
        found = self._listed
        if found is None or found.said != said:
            with resting():
                found = self._listed = await asyncio.to_thread(_listed, self.missed, said)
        return found


def _listed(missed: MissedList, said: Mapping[str, CallBack]) -> Listed:
    lines = missed.grouped(said)
    return Listed(said, lines, counted(lines))


@dataclass(frozen=True, slots=True)
class _Kept:
    at: Moment
    took_seconds: float
    known: object
    scanned: Scanned


class CallScan:
    """One look at the journal serves everybody who asks within FRESH_SECONDS."""

    def __init__(self, store: IncidentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def of(self, incident: Incident, span: Span, gaps: Sequence[Gap]) -> Scanned:
        """Reads again at once when the incident has closed, or a gap was completed. While somebody reads, the others
        are shown what was there before. Raises StoreError."""
        known = (incident, tuple((gap.id, gap.covered) for gap in gaps))
        kept = self._kept.get(incident.id)
        if kept is not None and (self._one_at_a_time.locked() or self._fresh(kept, known)):
            return kept.scanned
        async with self._one_at_a_time:
            kept = self._kept.get(incident.id)
            if kept is not None and self._fresh(kept, known):
                return kept.scanned
            begun = self._clock.now()
            with resting():
                scanned = await self._scan(incident, span)
            at = self._clock.now()
            self._kept[incident.id] = _Kept(at, at.since(begun), known, scanned)
            self._kept.move_to_end(incident.id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return scanned

    def _fresh(self, kept: _Kept, known: object) -> bool:
        age = self._clock.now().since(kept.at)
        return kept.known == known and age < max(FRESH_SECONDS, kept.took_seconds * READING_SHARE)

    async def calls(self, incident: Incident, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        """Those that came in within the span, in portions. Raises StoreError."""
        async for portion in self._store.calls(incident.scope, Span(span.since, span.until + LONGEST_CALL)):
            yield [call for call in portion if span.has(started_at(call))]

    async def _scan(self, incident: Incident, span: Span) -> Scanned:
        scanned = Scanned(CallTally(bucket_seconds(span)), MissedList())
        async for portion in self.calls(incident, span):
            for call in portion:
                scanned.tally.add(call)
                scanned.missed.add(call)
            await asyncio.sleep(0)  # calls are looked after meanwhile
        if incident.closed_at is not None:
            async for portion in self._store.calls(None, Span(span.until, span.until + REACHED_LATER)):
                for call in portion:
                    scanned.missed.later(call)
                await asyncio.sleep(0)
        return scanned
