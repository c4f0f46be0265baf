"""Incidents as people look back on them (`incident_ports.IncidentStore`). They are opened and closed elsewhere, in the
transaction of the mode change (`incident_rows`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, delete, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.incident_ports import CallBackTaken, Claim
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import Incident, Note, Span
from ringfence.domain.missed_calls import CallBack, CallBackState, in_the_way, newest
from ringfence.store import tables
from ringfence.store.audit_rows import append
from ringfence.store.database import Database, understood, upsert
from ringfence.store.outage_store import history_row
from ringfence.store.tables_incidents import call_backs, call_gaps, incident_notes, incidents

MAX_INCIDENTS: Final = 1_000
MAX_CHANGES: Final = 5_000
MAX_NOTES: Final = 5_000
MAX_CALL_BACKS: Final = 50_000
PORTION_ROWS: Final = 500  # few enough that the event loop hardly notices one
KEYS_AT_ONCE: Final = 500
PRUNED_AT_ONCE: Final = 100

# In the record's own order, and then what a portion is told from the next by.
_CALL_COLUMNS: Final = (*(tables.calls.c[field.name] for field in fields(CallRecord)), tables.calls.c.id)
_ANSWERED_BY: Final = [field.name for field in fields(CallRecord)].index("answered_by")


class SqlIncidentStore:
    """Implements `incident_ports.IncidentStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def incidents(
        self, limit: int, before: int | None = None, scope: str | None = None, is_open: bool | None = None
    ) -> list[Incident]:
        wanted = select(incidents).order_by(incidents.c.id.desc()).limit(min(limit, MAX_INCIDENTS))
        if before is not None:
            wanted = wanted.where(incidents.c.id < before)
        if scope is not None:
            wanted = wanted.where(incidents.c.scope == scope)
        if is_open is not None:
            wanted = wanted.where(incidents.c.closed_at.is_(None) if is_open else incidents.c.closed_at.is_not(None))
        async with self._database.reading() as connection:
            with understood("An incident"):
                return [_incident(row) for row in (await connection.execute(wanted)).all()]

    async def incident(self, number: int) -> Incident | None:
        async with self._database.reading() as connection:
            with understood("An incident"):
                row = (await connection.execute(select(incidents).where(incidents.c.id == number))).one_or_none()
                return None if row is None else _incident(row)

    async def changes(self, span: Span) -> list[HistoryRow]:
        rows, c = tables.transitions, tables.transitions.c
        wanted = select(rows).where(c.at >= span.since, c.at <= span.until).order_by(c.at, c.id).limit(MAX_CHANGES)
        async with self._database.reading() as connection:
            with understood("The history"):
                return [history_row(row) for row in (await connection.execute(wanted)).all()]

    async def calls(self, scope: str | None, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        c = tables.calls.c
        wanted = select(*_CALL_COLUMNS).where(c.ended_at >= span.since, c.ended_at <= span.until)
        if scope is not None:
            wanted = wanted.where(c.scope == scope)
        wanted = wanted.order_by(c.ended_at, c.id).limit(PORTION_ROWS)
        after: tuple[Any, ...] | None = None
        while True:
            portion = wanted if after is None else wanted.where(tuple_(c.ended_at, c.id) > after)
            async with self._database.reading() as connection:
                with understood("A call record"):
                    rows = (await connection.execute(portion)).all()
                    found = [_call(row) for row in rows]
            if found:
                yield found
            if len(rows) < PORTION_ROWS:
                return
            after = (rows[-1].ended_at, rows[-1].id)

    async def notes(self, incident: int) -> list[Note]:
        mine = select(incident_notes).where(incident_notes.c.incident == incident)
        async with self._database.reading() as connection:
            with understood("A note"):
                rows = (await connection.execute(mine.order_by(incident_notes.c.id).limit(MAX_NOTES))).all()
                return [Note(row.id, row.at, row.who, row.text) for row in rows]

    async def add_note(self, incident: int, note: Note, fact: AuditFact) -> Note:
        async def work(connection: AsyncConnection) -> int:
            number = await _write_note(connection, incident, note)
            await append(connection, [fact])
            return number

        return Note(await self._database.write(work), note.at, note.who, note.text)

    async def call_backs(self, incident: int) -> dict[str, CallBack]:
        mine = select(call_backs).where(call_backs.c.incident == incident).limit(MAX_CALL_BACKS)
        async with self._database.reading() as connection:
            with understood("A call back"):
                return {row.call_id: _call_back(row) for row in (await connection.execute(mine)).all()}

    async def claim(self, claim: Claim, fact: AuditFact) -> None:
        async def work(connection: AsyncConnection) -> None:
            # Two agents at once: the second waits here, and then sees the first one's word.
            one = select(incidents.c.id).where(incidents.c.id == claim.incident).with_for_update()
            await connection.execute(one)
            held = await _held(connection, claim)
            said = claim.call_back
            if held is not None and not claim.take_over and in_the_way(held, claim.last_at, said.who):
                raise CallBackTaken(held)
            values = {"state": said.state, "who": said.who, "at": said.at, "note": said.note}
            row = {"incident": claim.incident, "call_id": claim.calls[-1], **values}
            await upsert(connection, call_backs, [tables.fitting(call_backs, row)])
            await append(connection, [fact])

        await self._database.write(work)

    async def untold(self, limit: int) -> list[Incident]:
        c = incidents.c
        wanted = or_(c.opened_told.is_(False), and_(c.closed_at.is_not(None), c.closed_told.is_(False)))
        async with self._database.reading() as connection:
            with understood("An incident"):
                rows = (await connection.execute(select(incidents).where(wanted).order_by(c.id).limit(limit))).all()
                return [_incident(row) for row in rows]

    async def told(self, incident: Incident) -> None:
        values = {"opened_told": True} | ({"closed_told": True} if incident.closed_at is not None else {})

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(incidents).where(incidents.c.id == incident.id).values(**values))

        await self._database.write(work)

    async def abandon(self, incident: Incident, note: Note, fact: AuditFact) -> None:
        async def work(connection: AsyncConnection) -> None:
            mine = (incidents.c.id == incident.id) & incidents.c.closed_at.is_(None)
            at = max(note.at, incident.opened_at)
            closed = update(incidents).where(mine).values(closed_at=at, opened_told=True, closed_told=True)
            if (await connection.execute(closed)).rowcount:
                await _write_note(connection, incident.id, note)
                await append(connection, [fact])

        await self._database.write(work)

    async def prune(self, before: datetime) -> int:
        total = 0
        while deleted := await self._database.write(lambda connection: _prune(connection, before)):
            total += deleted
        return total


async def _held(connection: AsyncConnection, claim: Claim) -> CallBack | None:
    said: list[CallBack] = []
    for start in range(0, len(claim.calls), KEYS_AT_ONCE):
        mine = call_backs.c.call_id.in_(claim.calls[start : start + KEYS_AT_ONCE])
        rows = await connection.execute(select(call_backs).where(call_backs.c.incident == claim.incident, mine))
        with understood("A call back"):
            said += [_call_back(row) for row in rows.all()]
    return newest(said)


async def _write_note(connection: AsyncConnection, incident: int, note: Note) -> int:
    row = tables.fitting(incident_notes, {"incident": incident, "at": note.at, "who": note.who, "text": note.text})
    added = await connection.execute(insert(incident_notes).values(row).returning(incident_notes.c.id))
    return int(added.scalar_one())


async def _prune(connection: AsyncConnection, before: datetime) -> int:
    await connection.execute(delete(call_gaps).where(call_gaps.c.ended < before))
    old = select(incidents.c.id).where(incidents.c.closed_at < before).limit(PRUNED_AT_ONCE)
    ids = list((await connection.execute(old)).scalars())
    if ids:
        await connection.execute(delete(incidents).where(incidents.c.id.in_(ids)))
    return len(ids)


def _incident(row: Row[Any]) -> Incident:
    return Incident(row.id, row.scope, row.opened_at, row.closed_at, row.reason, row.late, row.relapses)


def _call(row: Row[Any]) -> CallRecord:
    # By position: a report on a long incident reads tens of thousands.
    values: list[Any] = list(row)[:-1]
    values[_ANSWERED_BY] = AnsweredBy(values[_ANSWERED_BY])
    return CallRecord(*values)


def _call_back(row: Row[Any]) -> CallBack:
    return CallBack(CallBackState(row.state), row.who, row.at, row.note)
