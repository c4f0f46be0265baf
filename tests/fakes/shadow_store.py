"""What shadow mode notes, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from ringfence.app.shadow_report import ShadowDesk
from ringfence.app.snapshot import SnapshotHolder
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Span
from ringfence.domain.shadow import NoteKind, ShadowNote
from tests.fakes.clock import FakeClock
from tests.fakes.stores import FakeJournalStore, FakeOutageStore, Faulty


class FakeShadowStore(Faulty):
    """Implements `app.shadow.ShadowStore`; the calls are the journal's."""

    def __init__(self, journal: FakeJournalStore | None = None) -> None:
        self.journal = journal or FakeJournalStore()
        self.kept: list[ShadowNote] = []

    async def add(self, notes: Sequence[ShadowNote]) -> None:
        self._answer()
        self.kept.extend(notes)

    async def notes(self, until: datetime) -> list[ShadowNote]:
        self._answer()
        return [note for note in self.kept if note.at <= until]

    async def last(self, kinds: Iterable[NoteKind]) -> ShadowNote | None:
        self._answer()
        wanted = set(kinds)
        return next((note for note in reversed(self.kept) if note.kind in wanted), None)

    async def calls(self, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        self._answer()
        yield [call for call in self.journal.calls if span.since <= call.ended_at <= span.until]

    async def prune(self, before: datetime) -> None:
        self._answer()
        self.kept = [note for note in self.kept if note.at >= before]


def shadow_desk(
    journal: FakeJournalStore, history: FakeOutageStore, clock: FakeClock, holder: SnapshotHolder, trunks: Iterable[str]
) -> ShadowDesk:
    """The real desk, of a node that is in shadow mode if its snapshot says so."""
    store, seen = FakeShadowStore(journal), holder.current
    return ShadowDesk(seen.shadow, store, history, clock, lambda: holder.current, list(trunks))
