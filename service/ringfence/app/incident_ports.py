"""What the incidents' use cases need from the world. `app.ports` has the base errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringfence.app.ports import RingfenceError
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import Gap, GapReason, Incident, Note, Span
from ringfence.domain.missed_calls import CallBack


class CallBackTaken(RingfenceError):
    """Somebody else has this missed call; `held` says who and since when."""

    def __init__(self, held: CallBack) -> None:
        super().__init__(
            f"state: {held.who} has this one since {held.at.isoformat(timespec='seconds')}: {held.state.words}.",
            "Ask them; `take_over` takes it from them.",
        )
        self.field = "state"
        self.held = held


class RecordsUnreadable(RingfenceError):
    """Asterisk's own call records are not there, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an agent says about one line of the missed calls: `calls` are its ids, oldest first, `last_at` is when the
    last of them came in. `take_over`: whoever else has it, it is now the agent's."""

    incident: int
    calls: tuple[str, ...]
    last_at: datetime
    call_back: CallBack
    take_over: bool


class IncidentStore(Protocol):
    """Incidents, notes, call-backs. May raise StoreError."""

    async def incidents(
        self, limit: int, before: int | None = None, scope: str | None = None, is_open: bool | None = None
    ) -> list[Incident]:
        """Newest first; `before`: only those with smaller ids."""
        ...

    async def incident(self, number: int) -> Incident | None: ...

    async def changes(self, span: Span) -> list[HistoryRow]:
        """Mode changes and people's words, oldest first."""
        ...

    def calls(self, scope: str | None, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        """Calls that ended within the span, by their end, in portions; of every scope where none is given."""
        ...

    async def notes(self, incident: int) -> list[Note]:
        """Oldest first."""
        ...

    async def add_note(self, incident: int, note: Note, fact: AuditFact) -> Note:
        """The note with its number."""
        ...

    async def call_backs(self, incident: int) -> dict[str, CallBack]:
        """Call id -> what was said last."""
        ...

    async def claim(self, claim: Claim, fact: AuditFact) -> None:
        """Raises CallBackTaken when somebody else was faster."""
        ...

    async def untold(self, limit: int) -> list[Incident]:
        """Incidents whose opening or closing nobody has been told of, oldest first."""
        ...

    async def told(self, incident: Incident) -> None:
        """Its opening, and its closing where it is closed, have been handed over."""
        ...

    async def abandon(self, incident: Incident, note: Note, fact: AuditFact) -> None:
        """Closes it at the note's time, without a word to anybody: no failback will. One that is closed stays so."""
        ...

    async def prune(self, before: datetime) -> int:
        """Deletes what closed earlier, and gaps that ended earlier; returns how many incidents."""
        ...


class GapStore(Protocol):
    """When the daemon heard Asterisk, and when not. May raise StoreError."""

    async def heard(self, at: datetime) -> None:
        """Events are heard at this moment."""
        ...

    async def last_heard(self) -> datetime | None: ...

    async def add_gap(self, span: Span, reason: GapReason) -> Gap: ...

    async def settle(self, gap: Gap) -> None:
        """Stores whether it could be covered."""
        ...

    async def gaps(self, span: Span, limit: int) -> list[Gap]:
        """Those that touch the span, oldest first."""
        ...

    async def unknown(self, calls: Sequence[CallRecord]) -> list[CallRecord]:
        """Those the journal does not have; each once."""
        ...

    async def uncovered(self, limit: int) -> list[Gap]:
        """Those that nobody has tried to cover yet, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What Asterisk's own records have of a time. `trouble` says why they do not have all of it; empty: they do."""

    trouble: str = ""


class CallRecords(Protocol):
    """Asterisk's own records of calls that have ended."""

    def read(self, span: Span) -> AsyncIterator[Sequence[CallRecord] | Found]:
        """Calls that ended within the span, in portions, and at last what is to be said of it. Raises
        RecordsUnreadable."""
        ...
