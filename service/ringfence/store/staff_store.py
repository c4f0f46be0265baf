"""Who is to be told that their calls go elsewhere (`app.notify.staff_ports.StaffStore`).

The row without a person is the change itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.notify.staff_ports import StaffRow, StaffRun
from ringfence.domain.directory import PersonKey
from ringfence.store.database import Database, understood
from ringfence.store.tables_notices import staff_messages as table

WAITING: Final = "waiting"
SENT: Final = "sent"
RUN: Final = "run"
CHUNK_ROWS: Final = 500


class SqlStaffStore:
    """Implements `notify.staff_ports.StaffStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_runs(self) -> dict[str, StaffRun]:
        runs = select(table).where(table.c.state == RUN).order_by(table.c.changed_at)
        async with self._database.reading() as connection:
            with understood("A message to staff"):
                rows = (await connection.execute(runs)).all()
                return {row.scope: StaffRun(row.change, row.scope, bool(row.diverted), row.changed_at) for row in rows}

    async def begin(
        self, run: StaffRun, people: Collection[PersonKey] | None, last: StaffRun | None, at: datetime
    ) -> int:
        async def work(connection: AsyncConnection) -> int:
            known = select(table.c.change).where(table.c.change == run.change, table.c.person == "")
            if (await connection.execute(known)).first() is not None:
                return 0
            told: Collection[str] = people or ()
            if people is None and last is not None:
                had_it = select(table.c.person).where(table.c.change == last.change, table.c.state == SENT)
                told = list((await connection.execute(had_it)).scalars())
            # What has not been said yet is no longer so.
            of_before = (table.c.scope == run.scope) & (table.c.state == WAITING)
            await connection.execute(update(table).where(of_before).values(state="overtaken"))
            rows = [_row(run, "", RUN, at), *(_row(run, person, WAITING, at) for person in sorted(told))]
            for start in range(0, len(rows), CHUNK_ROWS):
                await connection.execute(insert(table), rows[start : start + CHUNK_ROWS])
            return len(rows) - 1

        return await self._database.write(work)

    async def due(self, at: datetime, limit: int) -> list[StaffRow]:
        waiting = (
            select(table)
            .where(table.c.state == WAITING, table.c.next_at <= at)
            .order_by(table.c.changed_at, table.c.person)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            with understood("A message to staff"):
                rows = (await connection.execute(waiting)).all()
                return [
                    StaffRow(row.change, row.person, row.scope, bool(row.diverted), row.changed_at, row.tries)
                    for row in rows
                ]

    async def done(self, row: StaffRow, state: str, at: datetime) -> None:
        await self._change(row, state=state, tries=table.c.tries + 1)

    async def put_off(self, row: StaffRow, next_at: datetime) -> None:
        await self._change(row, next_at=next_at, tries=table.c.tries + 1)

    async def prune(self, before: datetime) -> None:
        newest = select(func.max(table.c.changed_at)).where(table.c.state == RUN).group_by(table.c.scope)
        old = delete(table).where(table.c.changed_at < before, table.c.changed_at.not_in(newest))
        await self._database.write(lambda connection: connection.execute(old))

    async def _change(self, row: StaffRow, **values: Any) -> None:
        still = (table.c.change == row.change) & (table.c.person == row.person) & (table.c.state == WAITING)
        statement = update(table).where(still).values(**values)
        await self._database.write(lambda connection: connection.execute(statement))


def _row(run: StaffRun, person: str, state: str, at: datetime) -> dict[str, Any]:
    return {
        "change": run.change,
        "person": person,
        "scope": run.scope,
        "diverted": int(run.diverted),
        "changed_at": run.changed_at,
        "state": state,
        "tries": 0,
        "next_at": at,
    }
