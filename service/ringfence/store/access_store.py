"""Sessions, API keys and what is known of the sealed accounts (`access.ports.AccessStore`)."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.access.ports import AccessChange, KeyRow, SealedRow, SessionRow, StoredAccess
from ringfence.domain.access import Permission, Role, SignedInBy
from ringfence.store import audit_rows
from ringfence.store.database import Database, understood, upsert
from ringfence.store.tables_access import api_keys, sealed_accounts, sessions

E = TypeVar("E", bound=StrEnum)


class SqlAccessStore:
    """Implements `access.ports.AccessStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> StoredAccess:
        """A role or permission this version does not know (written by a newer one) is passed over: less is granted."""
        async with self._database.reading() as connection:
            session_rows = (await connection.execute(select(sessions))).all()
            key_rows = (await connection.execute(select(api_keys))).all()
            sealed_rows = (await connection.execute(select(sealed_accounts))).all()
        with understood("A session, an API key or a sealed account"):
            return StoredAccess(
                tuple(_session(row) for row in session_rows),
                tuple(_key(row) for row in key_rows),
                tuple(SealedRow(row.name, row.fingerprint, row.renewed, row.used) for row in sealed_rows),
            )

    async def commit(self, change: AccessChange) -> None:
        async def work(connection: AsyncConnection) -> None:
            await upsert(connection, sessions, [_session_row(row) for row in change.begun])
            await upsert(connection, api_keys, [_key_row(row) for row in change.keys])
            await upsert(connection, sealed_accounts, [_sealed_row(row) for row in change.sealed])
            if change.ended:
                await connection.execute(
                    delete(sessions).where(sessions.c.id == bindparam("ended")),
                    [{"ended": id_} for id_ in change.ended],
                )
            for table, column, times in ((sessions, "seen", change.seen), (api_keys, "used", change.used)):
                if times:
                    moved = update(table).where(table.c.id == bindparam("which")).values({column: bindparam("at")})
                    await connection.execute(moved, [{"which": id_, "at": at} for id_, at in times.items()])
            await audit_rows.append(connection, change.facts)

        await self._database.write(work)


def _session(row: Row[Any]) -> SessionRow:
    roles = _known(Role, row.roles)
    return SessionRow(
        row.id, row.digest, row.name, roles, SignedInBy(row.by), row.person, row.begun, row.seen, row.until
    )


def _session_row(row: SessionRow) -> dict[str, object]:
    return {
        "id": row.id,
        "digest": row.digest,
        "name": row.name,
        "roles": _joined(row.roles),
        "by": row.by.value,
        "person": row.person,
        "begun": row.begun,
        "seen": row.seen,
        "until": row.until,
    }


def _key(row: Row[Any]) -> KeyRow:
    return KeyRow(
        row.id,
        row.digest,
        row.name,
        _known(Permission, row.permissions),
        row.made,
        row.made_by,
        row.expires,
        row.used,
        row.revoked,
        row.revoked_by,
    )


def _key_row(row: KeyRow) -> dict[str, object]:
    return {
        "id": row.id,
        "digest": row.digest,
        "name": row.name,
        "permissions": _joined(row.permissions),
        "made": row.made,
        "made_by": row.made_by,
        "expires": row.expires,
        "used": row.used,
        "revoked": row.revoked,
        "revoked_by": row.revoked_by,
    }


def _sealed_row(row: SealedRow) -> dict[str, object]:
    return {"name": row.name, "fingerprint": row.fingerprint, "renewed": row.renewed, "used": row.used}


def _joined(members: Collection[StrEnum]) -> str:
    return ",".join(sorted(members))


def _known(kind: type[E], text: str) -> frozenset[E]:
    names = set(text.split(","))
    return frozenset(member for member in kind if member.value in names)
