"""The users and groups that an identity provider has pushed (`scim_ports.ScimStore`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource
from ringfence.store.database import Database, understood
from ringfence.store.tables import scim_resources

_ROWS = scim_resources.c


class SqlScimStore:
    """Implements `scim_ports.ScimStore` for one source; several lie in one table and see nothing of each other."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    async def get(self, kind: ScimKind, id_: str) -> ScimResource | None:
        found = await self._read(_ROWS.kind == kind.value, _ROWS.id == id_)
        return found[0] if found else None

    async def find(
        self, kind: ScimKind, *, name: str | None = None, external_id: str | None = None
    ) -> list[ScimResource]:
        wanted = [_ROWS.kind == kind.value]
        if name is not None:
            wanted.append(_ROWS.name == name)
        if external_id is not None:
            wanted.append(_ROWS.external_id == external_id)
        return await self._read(*wanted)

    async def page(
        self, kinds: Sequence[ScimKind], limit: int, *, offset: int = 0, after: ScimResource | None = None
    ) -> list[ScimResource]:
        wanted = [_any_of(kinds)]
        if after is not None:
            same_moment = and_(_ROWS.created == after.created, _ROWS.id > after.id)
            wanted.append(or_(_ROWS.created > after.created, same_moment))
        return await self._read(*wanted, limit=limit, offset=offset)

    async def count(self, kinds: Sequence[ScimKind]) -> int:
        query = select(func.count()).select_from(scim_resources).where(self._own, _any_of(kinds))
        async with self._database.reading() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def add(self, resource: ScimResource) -> None:
        async def work(connection: AsyncConnection) -> None:
            try:
                await connection.execute(insert(scim_resources).values(self._row(resource)))
            except IntegrityError:
                raise _taken() from None

        await self._database.write(work)

    async def replace(self, resource: ScimResource, version: str) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            place = (self._own, _ROWS.id == resource.id, _ROWS.version == version)
            try:
                changed = await connection.execute(update(scim_resources).where(*place).values(self._row(resource)))
            except IntegrityError:
                raise _taken() from None
            return changed.rowcount == 1

        return await self._database.write(work)

    async def remove(self, resource: ScimResource) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            place = (self._own, _ROWS.id == resource.id, _ROWS.version == resource.version)
            return (await connection.execute(delete(scim_resources).where(*place))).rowcount == 1

        return await self._database.write(work)

    @property
    def _own(self) -> ColumnElement[bool]:
        return _ROWS.source == self._source

    async def _read(
        self, *wanted: ColumnElement[bool], limit: int | None = None, offset: int = 0
    ) -> list[ScimResource]:
        query = select(scim_resources).where(self._own, *wanted).order_by(_ROWS.created, _ROWS.id)
        if limit is not None:
            query = query.limit(limit).offset(offset)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        with understood("A SCIM resource"):
            return [_resource(row) for row in rows]

    def _row(self, resource: ScimResource) -> dict[str, Any]:
        return {
            "source": self._source,
            "id": resource.id,
            "kind": resource.kind.value,
            "version": resource.version,
            "created": resource.created,
            "modified": resource.modified,
            "name": resource.name,
            "external_id": resource.external_id,
            "body": dict(resource.body),
        }


def _any_of(kinds: Sequence[ScimKind]) -> ColumnElement[bool]:
    return _ROWS.kind.in_([kind.value for kind in kinds])


def _resource(row: Row[Any]) -> ScimResource:
    assert isinstance(row.body, dict)
    return ScimResource(
        ScimKind(row.kind), row.id, row.version, row.created, row.modified, row.name, row.external_id, row.body
    )


def _taken() -> ScimNameTaken:
    # Without the name: the message may end in a log.
    return ScimNameTaken("Another user has this userName.", "Look it up and change that one.")
