"""The audit chain as a whole (`app.audit.AuditStore`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.audit import MAX_PAGE_ROWS, AuditQuery
from ringfence.app.ports import StoreCorrupt
from ringfence.domain.audit import AuditFact
from ringfence.domain.audit_chain import Anchor, AuditRow, time_text
from ringfence.store.audit_rows import append, pseudonym
from ringfence.store.database import Database
from ringfence.store.tables_audit import audit_head, audit_rows

PORTION_ROWS: Final = 2_000

_ROWS = audit_rows.c


class SqlAuditStore:
    """Implements `app.audit.AuditStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, facts: Sequence[AuditFact]) -> None:
        await self._database.write(lambda connection: append(connection, facts))

    async def head(self) -> Anchor:
        async with self._database.reading() as connection:
            return await _head(connection)

    async def page(self, query: AuditQuery, limit: int) -> tuple[AuditRow, ...]:
        async with self._database.reading() as connection:
            wanted = _chosen(query, "" if query.about is None else await _salt(connection))
            newest = wanted.order_by(_ROWS.number.desc()).limit(min(limit, MAX_PAGE_ROWS + 1))
            return tuple(_row(row) for row in (await connection.execute(newest)).all())

    async def chain(self) -> AsyncIterator[tuple[Sequence[AuditRow], Anchor]]:
        async with self._database.reading() as connection:
            head, after = await _head(connection), None
            while True:
                # By number, not in one long answer: between two portions the event loop gets its turn.
                portion = select(audit_rows).order_by(_ROWS.number).limit(PORTION_ROWS)
                if after is not None:
                    portion = portion.where(_ROWS.number > after)
                rows = [_row(row) for row in (await connection.execute(portion)).all()]
                yield rows, head
                if len(rows) < PORTION_ROWS:
                    return
                after = rows[-1].number

    async def pseudonyms(self, keys: Sequence[str]) -> dict[str, str]:
        async with self._database.reading() as connection:
            salt = await _salt(connection)
        # 100,000 people take a quarter of a second.
        return await asyncio.to_thread(lambda: {pseudonym(key, salt): key for key in keys})


def _chosen(query: AuditQuery, salt: str) -> Select[Any]:
    wanted = select(audit_rows)
    if query.before is not None:
        wanted = wanted.where(_ROWS.number < query.before)
    if query.kind is not None:
        wanted = wanted.where(_ROWS.kind == query.kind.value)
    if query.who is not None:
        wanted = wanted.where(_ROWS.who == query.who)
    if query.about is not None:
        wanted = wanted.where(or_(_ROWS.about == query.about, _ROWS.about == pseudonym(query.about, salt)))
    if query.since is not None:
        wanted = wanted.where(_ROWS.at >= time_text(query.since))
    if query.until is not None:
        wanted = wanted.where(_ROWS.at < time_text(query.until))
    return wanted


async def _head(connection: AsyncConnection) -> Anchor:
    found = (await connection.execute(select(audit_head))).first()
    return Anchor(0, "missing") if found is None else Anchor(found.number, str(found.digest))


async def _salt(connection: AsyncConnection) -> str:
    found = (await connection.execute(select(audit_head.c.salt))).first()
    if found is None:
        raise StoreCorrupt("The end of the audit record is missing.", "`ringfence audit verify` says more.")
    return str(found.salt)


def _row(row: Row[Any]) -> AuditRow:
    """Whatever somebody wrote into it by hand: as text, it is compared like everything else."""
    said = (row.at, row.kind, row.action, row.about, row.who, row.why, row.by, row.detail, row.digest)
    return AuditRow(row.number, *map(str, said))
