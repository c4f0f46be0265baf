"""When the daemon heard Asterisk's events, and the times in which it did not (`incident_ports.GapStore`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Gap, GapReason, Span
from ringfence.store import tables
from ringfence.store.database import Database, understood, upsert
from ringfence.store.tables_incidents import call_gaps, listening

MAX_GAPS: Final = 1_000
IDS_AT_ONCE: Final = 500
_ONE: Final = 1


class SqlGapStore:
    """Implements `incident_ports.GapStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self, at: datetime) -> None:
        await self._database.write(lambda connection: upsert(connection, listening, [{"id": _ONE, "at": at}]))

    async def last_heard(self) -> datetime | None:
        async with self._database.reading() as connection:
            with understood("When the daemon was last listening"):
                return (await connection.execute(select(listening.c.at))).scalar_one_or_none()

    async def add_gap(self, span: Span, reason: GapReason) -> Gap:
        values = {"began": span.since, "ended": span.until, "reason": reason, "calls": 0, "detail": ""}

        async def work(connection: AsyncConnection) -> int:
            added = await connection.execute(insert(call_gaps).values(values).returning(call_gaps.c.id))
            return int(added.scalar_one())

        return Gap(await self._database.write(work), span.since, span.until, reason, None, 0, "")

    async def settle(self, gap: Gap) -> None:
        values = {"covered": gap.covered, "calls": gap.calls, "detail": gap.detail}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(call_gaps).where(call_gaps.c.id == gap.id).values(**values))

        await self._database.write(work)

    async def gaps(self, span: Span, limit: int) -> list[Gap]:
        c = call_gaps.c
        wanted = select(call_gaps).where(c.ended >= span.since, c.began <= span.until)
        return await self._gaps(wanted.order_by(c.began, c.id).limit(min(limit, MAX_GAPS)))

    async def unknown(self, calls: Sequence[CallRecord]) -> list[CallRecord]:
        new = {call.call_id: call for call in calls}
        ids = list(new)
        async with self._database.reading() as connection:
            for start in range(0, len(ids), IDS_AT_ONCE):
                known = select(tables.calls.c.call_id).where(
                    tables.calls.c.call_id.in_(ids[start : start + IDS_AT_ONCE])
                )
                for call_id in (await connection.execute(known)).scalars():
                    del new[call_id]
        return list(new.values())

    async def uncovered(self, limit: int) -> list[Gap]:
        wanted = select(call_gaps).where(call_gaps.c.covered.is_(None))
        return await self._gaps(wanted.order_by(call_gaps.c.id).limit(min(limit, MAX_GAPS)))

    async def _gaps(self, wanted: Any) -> list[Gap]:
        async with self._database.reading() as connection:
            with understood("A gap"):
                return [_gap(row) for row in (await connection.execute(wanted)).all()]


def _gap(row: Row[Any]) -> Gap:
    return Gap(row.id, row.began, row.ended, GapReason(row.reason), row.covered, row.calls, row.detail)
