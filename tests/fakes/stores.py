"""The stores in memory. Set `fault` on one to have it raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ringfence.app.ports import OutageChange, Passed, TransitionRow, VersionConflict
from ringfence.domain.calls import CallRecord
from ringfence.domain.health import EvidenceKind, TargetId
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

    async def history(self, limit: int) -> list[TransitionRow]:
        self._answer()
        return [_row(change) for change in reversed(self.changes)][:limit]


def _row(change: OutageChange) -> TransitionRow:
    at = change.at
    assert at is not None
    if change.transition is not None:
        t = change.transition
        return TransitionRow(
            at, t.scope, t.before.value, t.after.value, t.reason.value, t.evidence, change.who, change.why
        )
    if change.override_set is not None:
        said = change.override_set
        return TransitionRow(at, str(said.target), "", said.kind.value, "person", (), change.who, change.why)
    return TransitionRow(at, str(change.override_released), "", "released", "person", (), change.who, change.why)


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

    async def recent(self, limit: int, did: str | None = None) -> list[CallRecord]:
        self._answer()
        return [call for call in reversed(self.calls) if did is None or call.did == did][:limit]

    async def prune(self, before: datetime) -> int:
        self._answer()
        kept = [call for call in self.calls if call.ended_at >= before]
        gone = len(self.calls) - len(kept)
        self.calls = kept
        return gone


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
