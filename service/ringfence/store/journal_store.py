"""Call records, bounded in time and in number (`ports.JournalStore`). A record never holds a private number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.override_preview import Tally
from ringfence.app.paging import Before
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.store import tables
from ringfence.store.database import Database, understood
from ringfence.store.paging import from_here

MAX_RECENT: Final = 10_000  # rows in one answer
MAX_ROWS: Final = 2_000_000  # kept at most, whatever the retention: some 400 MB
CHUNK_ROWS: Final = 2_000  # in one transaction, so that the mode writer never waits long


class SqlJournalStore:
    """Implements `ports.JournalStore` and `override_preview.CallTallies`."""

    def __init__(self, database: Database, max_rows: int = MAX_ROWS) -> None:
        self._database = database
        self._max_rows = max_rows

    async def append(self, calls: Sequence[CallRecord]) -> None:
        """A call that is stored already is not stored twice."""
        for start in range(0, len(calls), CHUNK_ROWS):
            chunk = calls[start : start + CHUNK_ROWS]

            async def work(connection: AsyncConnection, chunk: Sequence[CallRecord] = chunk) -> None:
                # Here, so that it costs nothing while there is no database to be had.
                rows = {record.call_id: _row(record) for record in chunk}
                known = select(tables.calls.c.call_id).where(
                    tables.calls.c.call_id.in_([row["call_id"] for row in rows.values()])
                )
                present = set((await connection.execute(known)).scalars())
                new = [row for row in rows.values() if row["call_id"] not in present]
                if new:
                    await connection.execute(insert(tables.calls), new)

            await self._database.write(work)

    async def recent(self, limit: int, did: str | None = None, before: Before | None = None) -> list[CallRecord]:
        """Newest first."""
        newest = (
            select(tables.calls)
            .order_by(tables.calls.c.ended_at.desc(), tables.calls.c.id.desc())
            .limit(min(limit, MAX_RECENT))
        )
        newest = from_here(newest, tables.calls.c.ended_at, before)
        if did is not None:
            newest = newest.where(tables.calls.c.did == did)
        async with self._database.reading() as connection:
            rows = (await connection.execute(newest)).all()
        with understood("A call record"):
            return [call_record(row) for row in rows]

    async def find(self, call_id: str) -> CallRecord | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(tables.calls).where(tables.calls.c.call_id == call_id))).first()
        with understood("A call record"):
            return None if row is None else call_record(row)

    async def forget_callers(self, before: datetime) -> int:
        """Blanks the callers of calls that ended earlier, so that nothing of them is left in the database's files;
        returns how many."""
        total = 0
        while blanked := await self._database.write(lambda connection: self._forget_chunk(connection, before)):
            total += blanked
        if total:
            await self._database.empty_log()
        return total

    async def _forget_chunk(self, connection: AsyncConnection, before: datetime) -> int:
        kept = (tables.calls.c.ended_at < before) & (tables.calls.c.caller != "")
        ids = list((await connection.execute(select(tables.calls.c.id).where(kept).limit(CHUNK_ROWS))).scalars())
        if ids:
            await connection.execute(update(tables.calls).where(tables.calls.c.id.in_(ids)).values(caller=""))
        return len(ids)

    async def tally(self, windows: Sequence[tuple[datetime, datetime]]) -> dict[str, Tally]:
        """By DID, of calls that ended in any of these times (the end excluded)."""
        calls, found = tables.calls.c, dict[str, Tally]()
        async with self._database.reading() as connection:
            for begin, end in windows:
                inside = (calls.ended_at >= begin) & (calls.ended_at < end)
                counted = select(calls.did, func.count(), func.sum(calls.duration_ms)).where(inside).group_by(calls.did)
                for did, number, milliseconds in (await connection.execute(counted)).all():
                    before = found.get(did, Tally(0, 0))
                    found[did] = Tally(before.calls + number, before.milliseconds + int(milliseconds or 0))
        return found

    async def oldest(self) -> datetime | None:
        """When the oldest call ended that is kept."""
        async with self._database.reading() as connection:
            found: datetime | None = (await connection.execute(select(func.min(tables.calls.c.ended_at)))).scalar()
            return found

    async def prune(self, before: datetime) -> int:
        """Deletes what ended earlier, and the oldest beyond the row limit; returns how many."""
        total = 0
        while deleted := await self._database.write(lambda connection: self._prune_chunk(connection, before)):
            total += deleted
        return total

    async def _prune_chunk(self, connection: AsyncConnection, before: datetime) -> int:
        newest_id = (await connection.execute(select(func.max(tables.calls.c.id)))).scalar_one_or_none() or 0
        old = (tables.calls.c.ended_at < before) | (tables.calls.c.id <= newest_id - self._max_rows)
        ids = list((await connection.execute(select(tables.calls.c.id).where(old).limit(CHUNK_ROWS))).scalars())
        if ids:
            await connection.execute(delete(tables.calls).where(tables.calls.c.id.in_(ids)))
        return len(ids)


def _row(record: CallRecord) -> dict[str, Any]:
    """A field that a hostile caller made too long is cut."""
    return tables.fitting(tables.calls, {name: getattr(record, name) for name in CallRecord.__slots__})


def call_record(row: Row[Any]) -> CallRecord:
    """Of a row of `calls`."""
    fields = {name: value for name, value in row._mapping.items() if name != "id"}
    return CallRecord(**{**fields, "answered_by": AnsweredBy(row.answered_by)})
