"""What of a backup must not come back to life, and its end: the audit record says that it was put back.

A backup knows what was true when it was made. Who is signed in, which keys open the doors and what is still to be told
is of now, and a copy of then is wrong about it, on the dangerous side.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, false, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.notify.ports import OPEN, DeliveryState
from ringfence.domain.audit import AuditFact
from ringfence.store.audit_rows import append
from ringfence.store.tables import overrides, scope_states, transitions
from ringfence.store.tables_access import api_keys, sessions
from ringfence.store.tables_incidents import incidents
from ringfence.store.tables_notices import deliveries, staff_messages
from ringfence.store.tables_orders import pending_orders

REVOKED_BY: Final = "a backup was put back"
_SAID: Final = "It waited when the backup was made that was put back."


@dataclass(frozen=True, slots=True)
class Settled:
    """Names of API keys that are closed now; people's words that are in force again, as their targets."""

    closed_keys: tuple[str, ...]
    words: tuple[str, ...]


async def valid_keys(connection: AsyncConnection) -> frozenset[str]:
    """Ids of the API keys that open a door in this database."""
    found = await connection.execute(select(api_keys.c.id).where(api_keys.c.revoked.is_(None)))
    return frozenset(found.scalars())


async def settle(connection: AsyncConnection, at: datetime, keys: Collection[str] | None, fact: AuditFact) -> Settled:
    """In the transaction that filled the database. `keys`: ids of the API keys that may go on, None for all. The mode
    is not of then either: it is what Asterisk holds, or what the daemon finds."""
    for table in (sessions, pending_orders, staff_messages, scope_states):
        await connection.execute(delete(table))
    open_ = [state.value for state in OPEN]
    given_up = {"state": DeliveryState.GIVEN_UP.value, "said": _SAID}
    await connection.execute(update(deliveries).where(deliveries.c.state.in_(open_)).values(given_up))
    await connection.execute(update(transitions).where(transitions.c.told_at.is_(None)).values(told_at=at))
    told = update(incidents).where(incidents.c.opened_told.is_(false()) | incidents.c.closed_told.is_(false()))
    await connection.execute(told.values(opened_told=True, closed_told=True))
    closed = []
    for row in (await connection.execute(select(api_keys).where(api_keys.c.revoked.is_(None)))).all():
        if keys is None or row.id in keys:
            continue
        closed.append(row.name)
        gone = update(api_keys).where(api_keys.c.id == row.id).values(revoked=at, revoked_by=REVOKED_BY)
        await connection.execute(gone)
    words = (await connection.execute(select(overrides.c.target).order_by(overrides.c.target))).scalars().all()
    await append(connection, [fact])
    return Settled(tuple(closed), tuple(words))
