"""Counts of calls by the hour (`app.usual_keeper.UsualStore`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.usual import Key
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.usual import HourCounts
from ringfence.store.database import Database
from ringfence.store.tables_usual import usual_hours

PORTION_ROWS: Final = 2_000
_COUNTS: Final = tuple(one.name for one in fields(HourCounts))
_ROLES: Final = frozenset(TargetRole)


class SqlUsualStore:
    """Implements `app.usual_keeper.UsualStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, oldest_hour: int) -> dict[Key, HourCounts]:
        """In portions, for with many platforms there are tens of thousands. A role that this version does not know is
        passed over."""
        found: dict[Key, HourCounts] = {}
        columns = (usual_hours.c[name] for name in ("role", "name", "hour", *_COUNTS))
        async with self._database.reading() as connection:
            result = await connection.stream(select(*columns).where(usual_hours.c.hour >= oldest_hour))
            async for rows in result.partitions(PORTION_ROWS):
                for role, name, hour, *counts in rows:
                    if role in _ROLES:
                        found[TargetId(TargetRole(role), name), hour] = HourCounts(*counts)
        return found

    async def add(self, counts: Mapping[Key, HourCounts]) -> None:
        """To what is stored of the same hour, if anything is."""

        async def work(connection: AsyncConnection) -> None:
            for (target, hour), counted in counts.items():
                here = usual_hours.c
                row = (here.role == target.role) & (here.name == target.name) & (here.hour == hour)
                more = {name: here[name] + getattr(counted, name) for name in _COUNTS}
                changed = await connection.execute(update(usual_hours).where(row).values(more))
                if not changed.rowcount:
                    values = {name: getattr(counted, name) for name in _COUNTS}
                    key = {"role": target.role, "name": target.name, "hour": hour}
                    await connection.execute(insert(usual_hours).values(key | values))

        await self._database.write(work)

    async def prune(self, oldest_hour: int) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(usual_hours).where(usual_hours.c.hour < oldest_hour))

        await self._database.write(work)
