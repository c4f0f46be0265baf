"""What shadow mode notes, and the calls of a time (`app.shadow.ShadowStore`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Span
from ringfence.domain.shadow import NoteKind, ShadowNote
from ringfence.store.database import Database, understood
from ringfence.store.journal_store import call_record
from ringfence.store.tables import calls, fitting
from ringfence.store.tables_shadow import shadow_notes

PORTION_ROWS: Final = 2_000
MAX_NOTES: Final = 100_000


class SqlShadowStore:
    """Implements `app.shadow.ShadowStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, notes: Sequence[ShadowNote]) -> None:
        rows = [
            fitting(
                shadow_notes,
                {"at": note.at, "kind": note.kind, "scope": note.scope, "word": note.word, "reason": note.reason},
            )
            for note in notes
        ]

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(shadow_notes), rows)

        await self._database.write(work)

    async def notes(self, until: datetime) -> list[ShadowNote]:
        wanted = select(shadow_notes).where(shadow_notes.c.at <= until)
        newest = wanted.order_by(shadow_notes.c.at.desc(), shadow_notes.c.id.desc()).limit(MAX_NOTES)
        async with self._database.reading() as connection:
            with understood("A note of shadow mode"):
                rows = (await connection.execute(newest)).all()
                return [_note(row) for row in reversed(rows)]

    async def last(self, kinds: Iterable[NoteKind]) -> ShadowNote | None:
        of_kind = select(shadow_notes).where(shadow_notes.c.kind.in_(list(kinds)))
        newest = of_kind.order_by(shadow_notes.c.at.desc(), shadow_notes.c.id.desc()).limit(1)
        async with self._database.reading() as connection:
            with understood("A note of shadow mode"):
                row = (await connection.execute(newest)).first()
                return None if row is None else _note(row)

    async def calls(self, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        inside = (calls.c.ended_at >= span.since) & (calls.c.ended_at <= span.until)
        async with self._database.reading() as connection:
            first = (await connection.execute(select(func.min(calls.c.id)).where(inside))).scalar()
        last = -1 if first is None else int(first) - 1
        while last >= 0:
            portion = select(calls).where(inside, calls.c.id > last).order_by(calls.c.id).limit(PORTION_ROWS)
            async with self._database.reading() as connection:
                rows = (await connection.execute(portion)).all()
            if not rows:
                return
            last = rows[-1].id
            with understood("A call record"):
                yield [call_record(row) for row in rows]

    async def prune(self, before: datetime) -> None:
        """What was seen earlier; since when the node was live, and when not, is kept."""

        async def work(connection: AsyncConnection) -> None:
            seen = shadow_notes.c.kind.in_((NoteKind.VERDICT, NoteKind.SEEN))
            await connection.execute(delete(shadow_notes).where(seen, shadow_notes.c.at < before))

        await self._database.write(work)


def _note(row: Row[tuple[object, ...]]) -> ShadowNote:
    return ShadowNote(row.at, NoteKind(row.kind), row.scope, row.word, row.reason)
