"""Opening and closing incidents inside the transaction that stores a mode change: both are stored, or neither.

A change that comes from the spool, hours later, carries its own time; the incident has that time too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import OutageChange
from ringfence.domain.incident import IncidentStep, incident_step
from ringfence.store.tables_incidents import incidents

_OPENS: Final = frozenset({IncidentStep.OPEN, IncidentStep.OPEN_LATE})


async def follow(connection: AsyncConnection, change: OutageChange) -> None:
    """What this change does to the incident of its scope. An override alone does nothing to any."""
    state, transition = change.state, change.transition
    if state is None:
        return
    mine = (incidents.c.scope == state.scope) & incidents.c.closed_at.is_(None)
    found = (await connection.execute(select(incidents).where(mine))).one_or_none()
    step = incident_step(found is not None, transition.before if transition else None, state.mode)
    at = transition.at.wall if transition else change.at or state.since.wall
    if step in _OPENS:
        row = {
            "scope": state.scope,
            "opened_at": at,
            "reason": transition.reason if transition else state.reason,
            "late": step is IncidentStep.OPEN_LATE,
            "relapses": 0,
            "opened_told": False,
            "closed_told": False,
        }
        await connection.execute(insert(incidents).values(row))
    elif found is not None and step is IncidentStep.RELAPSE:
        again = update(incidents).where(incidents.c.id == found.id).values(relapses=found.relapses + 1)
        await connection.execute(again)
    elif found is not None and step is IncidentStep.CLOSE:
        # The wall clock may have been stepped back meanwhile; no incident ends before it began.
        closed = update(incidents).where(incidents.c.id == found.id).values(closed_at=max(at, found.opened_at))
        await connection.execute(closed)
