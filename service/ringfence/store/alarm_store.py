"""Which alarms people were told of (`app.notify.ports.AlarmStore`)."""

from __future__ import annotations

from sqlalchemy import delete, select

from ringfence.app.notify.ports import StandingAlarm
from ringfence.store.database import Database, understood, upsert
from ringfence.store.tables import fitting
from ringfence.store.tables_notices import standing_alarms


class SqlAlarmStore:
    """Implements `notify.ports.AlarmStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self) -> list[StandingAlarm]:
        async with self._database.reading() as connection:
            with understood("An alarm"):
                rows = (await connection.execute(select(standing_alarms))).all()
                return [StandingAlarm(**row._mapping) for row in rows]

    async def begins(self, alarm: StandingAlarm) -> None:
        row = {name: getattr(alarm, name) for name in ("name", "key", "title", "scope", "since")}
        await self._database.write(
            lambda connection: upsert(connection, standing_alarms, [fitting(standing_alarms, row)])
        )

    async def ends(self, name: str) -> None:
        gone = delete(standing_alarms).where(standing_alarms.c.name == name)
        await self._database.write(lambda connection: connection.execute(gone))
