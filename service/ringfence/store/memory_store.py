"""What must outlive a restart for evidence to be weighed (`ports.MemoryStore`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import Passed
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.store import tables
from ringfence.store.database import Database, upsert


class SqlMemoryStore:
    """Implements `ports.MemoryStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_passed(self, since: datetime) -> dict[tuple[TargetId, EvidenceKind], Passed]:
        """A kind or role this version does not know (written by a newer one) is passed over."""
        lately = select(tables.passed).where(tables.passed.c.at >= since)
        async with self._database.reading() as connection:
            rows = (await connection.execute(lately)).all()
        roles, kinds = set(TargetRole), set(EvidenceKind)
        return {
            (TargetId(TargetRole(row.role), row.name), EvidenceKind(row.kind)): Passed(row.at, row.host_port)
            for row in rows
            if row.role in roles and row.kind in kinds
        }

    async def save_passed(self, passed: Mapping[tuple[TargetId, EvidenceKind], Passed]) -> None:
        rows = [
            {"role": target.role, "name": target.name, "kind": kind, "at": last.at, "host_port": last.host_port}
            for (target, kind), last in passed.items()
        ]

        async def work(connection: AsyncConnection) -> None:
            await upsert(connection, tables.passed, rows)

        await self._database.write(work)

    async def load_delivered(self, since: datetime) -> dict[str, datetime]:
        lately = select(tables.delivered.c.did, tables.delivered.c.at).where(tables.delivered.c.at >= since)
        async with self._database.reading() as connection:
            return {row.did: row.at for row in (await connection.execute(lately)).all()}

    async def save_delivered(self, delivered: Mapping[str, datetime]) -> None:
        rows = [{"did": did, "at": when} for did, when in delivered.items()]

        async def work(connection: AsyncConnection) -> None:
            await upsert(connection, tables.delivered, rows)

        await self._database.write(work)

    async def prune_delivered(self, before: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(tables.delivered).where(tables.delivered.c.at < before))

        await self._database.write(work)
