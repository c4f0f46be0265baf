"""What shadow mode notes, and the calls of a time, on each engine."""

from __future__ import annotations

from datetime import timedelta

from ringfence.app.shadow import ShadowStore
from ringfence.domain.incident import Span
from ringfence.domain.shadow import NoteKind, ShadowNote
from ringfence.store import shadow_store
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.shadow_store import SqlShadowStore
from tests.fakes.calls import a_call
from tests.integration.stores import NOW, later

STATES = (NoteKind.SHADOW, NoteKind.LIVE)


async def test_notes_come_back_in_order_and_the_times_outlive_pruning(database: Database) -> None:
    store: ShadowStore = SqlShadowStore(database)
    assert await store.last(STATES) is None and await store.notes(NOW.wall) == []
    notes = [
        ShadowNote(later(0), NoteKind.SHADOW),
        ShadowNote(later(1), NoteKind.VERDICT, "uc", "down", "silent"),
        ShadowNote(later(2), NoteKind.LIVE),
        ShadowNote(later(3), NoteKind.VERDICT, "uc", "up", "answering"),
    ]
    await store.add(notes[:2])
    await store.add(notes[2:])
    assert await store.notes(later(9)) == notes
    assert await store.notes(later(1)) == notes[:2]
    assert await store.last(STATES) == notes[2]
    await store.prune(later(9))
    assert await store.notes(later(9)) == [notes[0], notes[2]]


async def test_calls_of_a_time_in_portions_with_what_would_have_become_of_them(database: Database) -> None:
    calls = [
        a_call(call_id=f"box-{n}.1", ended_at=later(n), would="divert|scope-divert|person|1" if n % 2 else "")
        for n in range(shadow_store.PORTION_ROWS + 5)
    ]
    await SqlJournalStore(database).append(calls)
    store = SqlShadowStore(database)
    span = Span(later(1), later(0) + timedelta(days=1))
    found = [portion async for portion in store.calls(span)]
    assert [len(portion) for portion in found] == [shadow_store.PORTION_ROWS, 4]
    assert [call for portion in found for call in portion] == calls[1:]
    assert [portion async for portion in store.calls(Span(later(-9), later(-1)))] == []
