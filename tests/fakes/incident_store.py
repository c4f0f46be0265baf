"""Incidents, gaps and Asterisk's own records in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

from ringfence.app.incident_ports import CallBackTaken, Claim, Found, RecordsUnreadable
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import Gap, GapReason, Incident, Note, Span
from ringfence.domain.missed_calls import CallBack, in_the_way, newest
from tests.fakes.stores import FakeJournalStore, Faulty


class FakeIncidentStore(Faulty):
    """Implements `incident_ports.IncidentStore`; incidents and changes are the test's to put in. Calls are the
    journal's."""

    def __init__(self, journal: FakeJournalStore) -> None:
        self._journal = journal
        self.kept: dict[int, Incident] = {}
        self.history: list[HistoryRow] = []
        self.written: dict[int, list[Note]] = {}
        self.said: dict[int, dict[str, CallBack]] = {}
        self.facts: list[AuditFact] = []
        self.handed_over: set[tuple[int, bool]] = set()
        self.scans = 0

    async def incidents(
        self, limit: int, before: int | None = None, scope: str | None = None, is_open: bool | None = None
    ) -> list[Incident]:
        self._answer()
        found = [
            one
            for one in sorted(self.kept.values(), key=lambda one: -one.id)
            if (before is None or one.id < before)
            and scope in (None, one.scope)
            and is_open in (None, one.closed_at is None)
        ]
        return found[:limit]

    async def incident(self, number: int) -> Incident | None:
        self._answer()
        return self.kept.get(number)

    async def changes(self, span: Span) -> list[HistoryRow]:
        self._answer()
        return [change for change in self.history if span.has(change.at)]

    async def calls(self, scope: str | None, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        self._answer()
        self.scans += scope is not None
        found = [call for call in self._journal.calls if span.has(call.ended_at) and scope in (None, call.scope)]
        for call in sorted(found, key=lambda call: call.ended_at):
            yield [call]

    async def notes(self, incident: int) -> list[Note]:
        self._answer()
        return list(self.written.get(incident, []))

    async def add_note(self, incident: int, note: Note, fact: AuditFact) -> Note:
        self._answer()
        kept = self.written.setdefault(incident, [])
        kept.append(replace(note, id=len(kept) + 1))
        self.facts.append(fact)
        return kept[-1]

    async def call_backs(self, incident: int) -> dict[str, CallBack]:
        self._answer()
        return dict(self.said.get(incident, {}))

    async def claim(self, claim: Claim, fact: AuditFact) -> None:
        self._answer()
        said = self.said.setdefault(claim.incident, {})
        held = newest(said[call_id] for call_id in claim.calls if call_id in said)
        if held is not None and not claim.take_over and in_the_way(held, claim.last_at, claim.call_back.who):
            raise CallBackTaken(held)
        said[claim.calls[-1]] = claim.call_back
        self.facts.append(fact)

    async def untold(self, limit: int) -> list[Incident]:
        self._answer()
        return [one for one in self.kept.values() if (one.id, one.closed_at is not None) not in self.handed_over]

    async def told(self, incident: Incident) -> None:
        self._answer()
        self.handed_over |= {(incident.id, False), (incident.id, incident.closed_at is not None)}

    async def abandon(self, incident: Incident, note: Note, fact: AuditFact) -> None:
        self._answer()
        self.kept[incident.id] = replace(incident, closed_at=note.at)
        self.handed_over |= {(incident.id, True)}
        await self.add_note(incident.id, note, fact)

    async def prune(self, before: datetime) -> int:
        self._answer()
        old = [one.id for one in self.kept.values() if one.closed_at is not None and one.closed_at < before]
        for number in old:
            del self.kept[number]
        return len(old)


class FakeGapStore(Faulty):
    """Implements `incident_ports.GapStore`."""

    def __init__(self, journal: FakeJournalStore) -> None:
        self._journal = journal
        self.kept: dict[int, Gap] = {}
        self.heard_at: datetime | None = None

    async def heard(self, at: datetime) -> None:
        self._answer()
        self.heard_at = at

    async def last_heard(self) -> datetime | None:
        self._answer()
        return self.heard_at

    async def add_gap(self, span: Span, reason: GapReason) -> Gap:
        self._answer()
        gap = Gap(len(self.kept) + 1, span.since, span.until, reason, None, 0, "")
        self.kept[gap.id] = gap
        return gap

    async def settle(self, gap: Gap) -> None:
        self._answer()
        self.kept[gap.id] = gap

    async def gaps(self, span: Span, limit: int) -> list[Gap]:
        self._answer()
        return [gap for gap in self.kept.values() if gap.ended >= span.since and gap.began <= span.until][:limit]

    async def unknown(self, calls: Sequence[CallRecord]) -> list[CallRecord]:
        self._answer()
        known = {call.call_id for call in self._journal.calls}
        return list({call.call_id: call for call in calls if call.call_id not in known}.values())

    async def uncovered(self, limit: int) -> list[Gap]:
        self._answer()
        return [gap for gap in self.kept.values() if gap.covered is None][:limit]


class FakeCallRecords:
    """Implements `incident_ports.CallRecords`."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.trouble = ""
        self.absent = False
        self.asked: list[Span] = []

    async def read(self, span: Span) -> AsyncIterator[Sequence[CallRecord] | Found]:
        self.asked.append(span)
        if self.absent:
            raise RecordsUnreadable("There is no such file.", "Have Asterisk write one.")
        for call in self.calls:
            if span.has(call.ended_at):
                yield [call]
        yield Found(self.trouble)
