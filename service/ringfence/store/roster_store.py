"""The roster and its history (`app.hr.ports.RosterStore`): read whole at start, changed by differences, each in one
transaction."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from sys import intern
from typing import Any, TypeVar

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.audit_facts import facts_of_roster
from ringfence.app.hr.ports import Committed, CoverageRow, HrRun, PlanRow, RosterCommit, RosterNote
from ringfence.app.paging import Before
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.record import HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange, SourceState, Tenure
from ringfence.domain.numbers import Did
from ringfence.store import roster_history
from ringfence.store.audit_rows import append
from ringfence.store.database import Database, understood
from ringfence.store.portions import remove_rows, rows_of, write_rows
from ringfence.store.roster_json import entries_of, entries_text, record_of, record_text
from ringfence.store.tables import fitting
from ringfence.store.tables_roster import hr_records, hr_sources, person_aliases, person_entries, releases, tenures

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SqlRosterStore:
    """Implements `app.hr.ports.RosterStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Roster:
        roster = Roster()
        # The reading itself is inside as well: a time that was edited by hand is turned into a value there.
        with understood("The roster"):
            async with self._database.reading() as connection:
                async for row in rows_of(connection, select(hr_records)):
                    id_ = RecordId(intern(row.source), intern(row.id), intern(row.post))
                    with understood(f"The record {id_.id!r} (post {id_.post!r}) of source {id_.source}"):
                        roster.records[id_] = _state(row, id_)
                async for row in rows_of(connection, select(person_entries)):
                    with understood(f"What was entered for {row.person}"):
                        roster.entries[PersonKey(intern(row.person))] = entries_of(row.entries)
                await _load_the_rest(connection, roster)
        return roster

    async def commit(self, commit: RosterCommit) -> Committed:
        async def work(connection: AsyncConnection) -> Committed:
            await _store(connection, commit.change)
            stored = await roster_history.store(connection, commit)
            await append(connection, list(facts_of_roster(commit)))
            return stored

        return await self._database.write(work)

    async def wipe(self) -> None:
        await self._database.wipe()

    async def runs(self, limit: int, source: str | None = None, before: Before | None = None) -> list[HrRun]:
        return await roster_history.runs(self._database, limit, source=source, before=before)

    async def runs_since(self, at: datetime) -> list[HrRun]:
        return await roster_history.runs(self._database, None, since=at)

    async def plans(self, limit: int, *, only_open: bool = False, before: Before | None = None) -> list[PlanRow]:
        return await roster_history.plans(self._database, limit, only_open=only_open, before=before)

    async def plan(self, id_: int) -> PlanRow | None:
        return await roster_history.plan(self._database, id_)

    async def notes(self, limit: int, person: str | None = None, before: Before | None = None) -> list[RosterNote]:
        return await roster_history.notes(self._database, limit, person, before)

    async def add_coverage(self, row: CoverageRow) -> None:
        await roster_history.add_coverage(self._database, row)

    async def coverage(self, limit: int, before: Before | None = None) -> list[CoverageRow]:
        return await roster_history.coverage_rows(self._database, limit, before)

    async def prune(self, before: datetime) -> int:
        return await roster_history.prune(self._database, before)


async def _load_the_rest(connection: AsyncConnection, roster: Roster) -> None:
    async for row in rows_of(connection, select(tenures).order_by(tenures.c.did, tenures.c.position)):
        did = Did(intern(row.did))
        tenure = Tenure(did, PersonKey(intern(row.person)), row.since, row.until)
        roster.tenures[did] = (*roster.tenures.get(did, ()), tenure)
    async for row in rows_of(connection, select(releases)):
        roster.releases[Did(intern(row.did))] = row.at
    async for row in rows_of(connection, select(hr_sources)):
        roster.sources[row.name] = SourceState(**row._mapping)
    async for row in rows_of(connection, select(person_aliases)):
        roster.aliases[PersonKey(intern(row.old))] = PersonKey(intern(row.person))


def _state(row: Row[Any], id_: RecordId) -> RecordState:
    base = HrRecord(id_.id, PersonKey(intern(row.person)), id_.post)
    said = record_of(row.said, base)
    # Most records are accepted as they were said: they are held once.
    accepted = said if row.accepted_as_said else None if row.accepted is None else record_of(row.accepted, base)
    return RecordState(
        said=said,
        accepted=accepted,
        said_at=row.said_at,
        rejected=None if row.rejected is None else record_of(row.rejected, base),
        absent_since=row.absent_since,
        absence_rejected=row.absence_rejected,
        inactive_since=row.inactive_since,
    )


async def _store(connection: AsyncConnection, change: RosterChange) -> None:
    """What is removed goes first, so that a row that is written anew is not the one that was there."""
    records = hr_records.c
    await remove_rows(connection, (records.source, records.id, records.post), _gone(change.records))
    await write_rows(connection, hr_records, (_record_row(*item) for item in _there(change.records)))
    await remove_rows(connection, (person_entries.c.person,), ((key,) for key in _gone(change.entries)))
    entries = ({"person": key, "entries": entries_text(value)} for key, value in _there(change.entries))
    await write_rows(connection, person_entries, entries)
    await remove_rows(connection, (tenures.c.did,), ((did,) for did in change.tenures))
    await write_rows(connection, tenures, _tenure_rows(change.tenures))
    await remove_rows(connection, (releases.c.did,), ((did,) for did in _gone(change.releases)))
    await write_rows(connection, releases, ({"did": did, "at": at} for did, at in _there(change.releases)))
    await write_rows(connection, hr_sources, map(_source_row, change.sources.values()))
    await remove_rows(connection, (person_aliases.c.old,), ((old,) for old in _gone(change.aliases)))
    await write_rows(connection, person_aliases, ({"old": old, "person": new} for old, new in _there(change.aliases)))


def _gone(changes: Mapping[K, object | None]) -> Iterator[K]:
    return (key for key, value in changes.items() if value is None)


def _there(changes: Mapping[K, V | None]) -> Iterator[tuple[K, V]]:
    return ((key, value) for key, value in changes.items() if value is not None)


def _record_row(id_: RecordId, state: RecordState) -> dict[str, Any]:
    base = HrRecord(id_.id, state.said.key, id_.post)
    as_said = state.accepted == state.said
    return {
        "source": id_.source,
        "id": id_.id,
        "post": id_.post,
        "person": state.said.key,
        "said": record_text(state.said, base),
        "said_at": state.said_at,
        "accepted": None if as_said or state.accepted is None else record_text(state.accepted, base),
        "accepted_as_said": as_said,
        "rejected": None if state.rejected is None else record_text(state.rejected, base),
        "absent_since": state.absent_since,
        "absence_rejected": state.absence_rejected,
        "inactive_since": state.inactive_since,
    }


def _tenure_rows(changed: Mapping[Did, tuple[Tenure, ...]]) -> Iterator[dict[str, Any]]:
    for did, held in changed.items():
        for position, tenure in enumerate(held, start=1):
            yield {
                "did": did,
                "position": position,
                "person": tenure.person,
                "since": tenure.since,
                "until": tenure.until,
            }


def _source_row(state: SourceState) -> dict[str, Any]:
    return fitting(hr_sources, asdict(state))
