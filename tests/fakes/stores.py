"""The stores in memory. Set `fault` on one to have it raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ringfence.app.once import Done, KeptAnswer
from ringfence.app.once_mark import OnceMark
from ringfence.app.override_preview import Tally
from ringfence.app.paging import Before, from_here
from ringfence.app.ports import OutageChange, Passed, VersionConflict
from ringfence.app.second_person import PendingOrder
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import CallRecord
from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.domain.history import HistoryRow
from ringfence.domain.moment import Moment
from ringfence.domain.outage import ScopeState
from ringfence.domain.override import Override, OverrideTarget


class Faulty:
    fault: Exception | None = None

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault


class FakeOutageStore(Faulty):
    """Implements `ports.OutageStore`, its version guard and its repeatable keys included."""

    def __init__(self) -> None:
        self.states: dict[str, ScopeState] = {}
        self.overrides: dict[OverrideTarget, Override] = {}
        self.changes: list[OutageChange] = []
        self.mark: Callable[[OnceMark | None, Done, datetime], None] = lambda once, done, at: None

    async def load_states(self, now: Moment) -> dict[str, ScopeState]:
        self._answer()
        return dict(self.states)

    async def load_overrides(self) -> list[Override]:
        self._answer()
        return list(self.overrides.values())

    async def commit(self, change: OutageChange) -> None:
        self._answer()
        if any(stored.key == change.key for stored in self.changes):
            return
        if change.state is not None:
            stored_state = self.states.get(change.state.scope)
            if (stored_state.version if stored_state else 0) != change.state.version - 1:
                raise VersionConflict(f"{change.state.scope} was changed by somebody else.")
            self.states[change.state.scope] = change.state
        if change.override_set is not None:
            self.overrides[change.override_set.target] = change.override_set
        if change.override_released is not None:
            self.overrides.pop(change.override_released, None)
        self.changes.append(change)
        if change.at is not None:
            self.mark(change.once, Done(change.override_set, change.override_released), change.at)

    async def history(self, limit: int, before: Before | None = None, scope: str | None = None) -> list[HistoryRow]:
        self._answer()
        rows = [row for change in reversed(self.changes) if (row := _row(change)) and scope in (None, row.scope)]
        return from_here(rows, lambda row: row.at, before)[:limit]


def _row(change: OutageChange) -> HistoryRow:
    at = change.at
    assert at is not None
    if change.transition is not None:
        t = change.transition
        return HistoryRow(
            at, t.scope, t.before.value, t.after.value, t.reason.value, t.evidence, change.who, change.why
        )
    if change.override_set is not None:
        said = change.override_set
        return HistoryRow(at, str(said.target), "", said.kind.value, "person", (), change.who, change.why)
    return HistoryRow(at, str(change.override_released), "", "released", "person", (), change.who, change.why)


class FakeSpool(Faulty):
    """Implements `ports.Spool`."""

    def __init__(self) -> None:
        self.changes: list[OutageChange] = []

    async def append(self, change: OutageChange) -> None:
        self._answer()
        self.changes.append(change)

    async def waiting(self, now: Moment) -> list[OutageChange]:
        self._answer()
        return list(self.changes)

    async def remove(self, keys: Sequence[str]) -> None:
        self._answer()
        self.changes = [change for change in self.changes if change.key not in keys]


class FakeJournalStore(Faulty):
    """Implements `ports.JournalStore`."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    async def append(self, calls: Sequence[CallRecord]) -> None:
        self._answer()
        self.calls.extend(calls)

    async def recent(self, limit: int, did: str | None = None, before: Before | None = None) -> list[CallRecord]:
        self._answer()
        found = [call for call in reversed(self.calls) if did is None or call.did == did]
        return from_here(found, lambda call: call.ended_at, before)[:limit]

    async def find(self, call_id: str) -> CallRecord | None:
        self._answer()
        return next((call for call in self.calls if call.call_id == call_id), None)

    async def forget_callers(self, before: datetime) -> int:
        self._answer()
        gone = sum(1 for call in self.calls if call.ended_at < before and call.caller)
        self.calls = [replace(call, caller="") if call.ended_at < before else call for call in self.calls]
        return gone

    async def tally(self, windows: Sequence[tuple[datetime, datetime]]) -> dict[str, Tally]:
        self._answer()
        found: dict[str, Tally] = {}
        for call in self.calls:
            if any(begin <= call.ended_at < end for begin, end in windows):
                known = found.get(call.did, Tally(0, 0))
                found[call.did] = Tally(known.calls + 1, known.milliseconds + call.duration_ms)
        return found

    async def oldest(self) -> datetime | None:
        self._answer()
        return min((call.ended_at for call in self.calls), default=None)

    async def prune(self, before: datetime) -> int:
        self._answer()
        kept = [call for call in self.calls if call.ended_at >= before]
        gone = len(self.calls) - len(kept)
        self.calls = kept
        return gone


class FakeOrderStore(Faulty):
    """Implements `second_person.PendingStore` and `once.AnswerStore`."""

    def __init__(self) -> None:
        self.pending: dict[str, PendingOrder] = {}
        self.answers: dict[str, KeptAnswer] = {}
        self.facts: list[AuditFact] = []
        self.keeps_answers = True  # else the daemon dies each time between what it does and its answer

    async def load_pending(self) -> list[PendingOrder]:
        self._answer()
        return list(self.pending.values())

    async def save_pending(self, pending: PendingOrder, asked: AuditFact, once: OnceMark | None = None) -> None:
        self._answer()
        self.facts.append(asked)
        self.pending[pending.id] = pending
        self.mark(once, Done(pending=pending), asked.at)

    async def mark_pending(self, pending: PendingOrder, once: OnceMark, at: datetime) -> None:
        self._answer()
        self.mark(once, Done(pending=pending), at)

    async def remove_pending(
        self, pending: PendingOrder, rejected: AuditFact | None = None, once: OnceMark | None = None
    ) -> None:
        self._answer()
        self.pending.pop(pending.id, None)
        if rejected is not None:
            self.facts.append(rejected)
            self.mark(once, Done(pending=pending), rejected.at)

    def mark(self, once: OnceMark | None, done: Done, at: datetime) -> None:
        """As the database does in the transaction that stores what was done."""
        if once is not None:
            self.answers[once.key] = KeptAnswer(once.request, done, at)

    async def load_answer(self, key: str) -> KeptAnswer | None:
        self._answer()
        return self.answers.get(key)

    async def load_answers(self, limit: int) -> dict[str, KeptAnswer]:
        self._answer()
        return dict(list(self.answers.items())[-limit:])

    async def save_answer(self, key: str, kept: KeptAnswer) -> None:
        self._answer()
        if self.keeps_answers:
            self.answers[key] = kept

    async def prune_answers(self, before: datetime) -> None:
        self._answer()
        self.answers = {key: kept for key, kept in self.answers.items() if kept.at >= before}


class FakeMemoryStore(Faulty):
    """Implements `ports.MemoryStore`."""

    def __init__(self) -> None:
        self.passed: dict[tuple[TargetId, EvidenceKind], Passed] = {}
        self.delivered: dict[str, datetime] = {}

    async def load_passed(self, since: datetime) -> dict[tuple[TargetId, EvidenceKind], Passed]:
        self._answer()
        return {key: last for key, last in self.passed.items() if last.at >= since}

    async def save_passed(self, passed: Mapping[tuple[TargetId, EvidenceKind], Passed]) -> None:
        self._answer()
        self.passed.update(passed)

    async def load_delivered(self, since: datetime) -> dict[str, datetime]:
        self._answer()
        return {did: at for did, at in self.delivered.items() if at >= since}

    async def save_delivered(self, delivered: Mapping[str, datetime]) -> None:
        self._answer()
        self.delivered.update(delivered)

    async def prune_delivered(self, before: datetime) -> None:
        self._answer()
        self.delivered = {did: at for did, at in self.delivered.items() if at >= before}
