"""The directory: read whole at start, changed by a difference in one transaction, with a line for who and what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from sys import intern
from typing import Any, Final

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.audit_facts import fact_of_directory
from ringfence.app.directory_import import StoredDirectory
from ringfence.app.ports import VersionConflict
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.directory_diff import DirectoryDiff, compare
from ringfence.domain.numbers import Did
from ringfence.store.audit_rows import append
from ringfence.store.database import Database, understood
from ringfence.store.portions import remove_rows, rows_of, write_rows
from ringfence.store.tables import default_numbers, dids, directory_changes, people, sites

MAX_LOGGED_LINES: Final = 1_000


@dataclass(frozen=True, slots=True)
class DirectoryChangeRow:
    """One line of the directory's log. `lines` are those of `DirectoryDiff.lines`, at most 1,000."""

    version: int
    at: datetime
    who: str
    why: str
    summary: str
    lines: tuple[str, ...]


class SqlDirectoryStore:
    """Implements `directory_import.DirectoryStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> StoredDirectory:
        """May raise StoreError."""
        with understood("The directory"):
            return await self._load()

    async def replace(
        self, before: StoredDirectory, after: Directory, who: str, why: str, at: datetime
    ) -> StoredDirectory:
        """Stores the difference, all or nothing. Raises VersionConflict when the stored directory is no longer
        `before`, and StoreError."""
        change = await asyncio.to_thread(compare, before.directory, after)
        if not change:
            return before
        version = before.version + 1
        log_row = await asyncio.to_thread(_log_row, change, version, who, why, at)

        async def work(connection: AsyncConnection) -> None:
            if await _version(connection) != before.version:
                raise VersionConflict(
                    "Somebody else changed the directory in the meantime.",
                    "Nothing was stored; look at the difference again and repeat the import.",
                )
            await _apply(connection, change)
            await connection.execute(insert(directory_changes).values(log_row))
            await append(connection, [fact_of_directory(version, log_row["summary"], who, why, at)])

        await self._database.write(work)
        return StoredDirectory(after, version)

    async def changes(self, limit: int) -> list[DirectoryChangeRow]:
        """Newest first. May raise StoreError."""
        newest = select(directory_changes).order_by(directory_changes.c.version.desc()).limit(min(limit, 1_000))
        async with self._database.reading() as connection:
            rows = (await connection.execute(newest)).all()
        return [
            DirectoryChangeRow(row.version, row.at, row.who, row.why, row.summary, tuple(row.lines)) for row in rows
        ]

    async def _load(self) -> StoredDirectory:
        async with self._database.reading() as connection:
            version = await _version(connection)
            all_sites = [
                Site(intern(row.name), row.fallback_number, intern(row.announcement), row.time_zone)
                async for row in rows_of(connection, select(sites))
            ]
            numbers: dict[str, list[DefaultNumber]] = {}
            in_order = select(default_numbers).order_by(default_numbers.c.person, default_numbers.c.position)
            async for row in rows_of(connection, in_order):
                numbers.setdefault(row.person, []).append(DefaultNumber(row.e164, row.ring_seconds))
            # Strings that come again and again are shared: a directory may hold 100,000 DIDs.
            everybody = [
                _person(row, tuple(numbers.get(row.key, ())))
                async for row in rows_of(connection, select(people).order_by(people.c.key))
            ]
            assignments = [_assignment(row) async for row in rows_of(connection, select(dids).order_by(dids.c.did))]
        return StoredDirectory(await asyncio.to_thread(Directory.of, everybody, assignments, all_sites), version)


async def _version(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.max(directory_changes.c.version)))).scalar_one_or_none() or 0


async def _apply(connection: AsyncConnection, change: DirectoryDiff) -> None:
    """Additions from the referred to the referring table, removals the other way: at no time does a row dangle."""
    now_sites = [*change.sites.added, *(new for _, new in change.sites.changed)]
    now_people = [*change.people.added, *(new for _, new in change.people.changed)]
    now_dids = [*change.assignments.added, *(new for _, new in change.assignments.changed)]
    await write_rows(connection, sites, map(_site_row, now_sites))
    await write_rows(connection, people, map(_person_row, now_people))
    await remove_rows(connection, (default_numbers.c.person,), ((new.key,) for _, new in change.people.changed))
    await write_rows(connection, default_numbers, (row for person in now_people for row in _number_rows(person)))
    await write_rows(connection, dids, map(_did_row, now_dids))
    await remove_rows(connection, (dids.c.did,), ((assignment.did,) for assignment in change.assignments.removed))
    await remove_rows(connection, (people.c.key,), ((person.key,) for person in change.people.removed))
    await remove_rows(connection, (sites.c.name,), ((site.name,) for site in change.sites.removed))


def _log_row(change: DirectoryDiff, version: int, who: str, why: str, at: datetime) -> dict[str, Any]:
    lines = list(islice(change.lines(), MAX_LOGGED_LINES))
    return {"version": version, "at": at, "who": who, "why": why, "summary": change.summary(), "lines": lines}


def _site_row(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "fallback_number": site.fallback_number,
        "announcement": site.announcement,
        "time_zone": site.time_zone,
    }


def _person_row(person: Person) -> dict[str, Any]:
    return {"key": person.key, "name": person.name, "site": person.site, "team": person.team}


def _number_rows(person: Person) -> list[dict[str, Any]]:
    return [
        {"person": person.key, "position": position, "e164": number.e164, "ring_seconds": number.ring_seconds}
        for position, number in enumerate(person.default_numbers, start=1)
    ]


def _did_row(assignment: DidAssignment) -> dict[str, Any]:
    return {
        "did": assignment.did,
        "owner": assignment.owner,
        "site": assignment.site,
        "scope": assignment.scope,
        "kind": assignment.kind,
        "critical": assignment.critical,
    }


def _person(row: Row[Any], numbers: tuple[DefaultNumber, ...]) -> Person:
    return Person(PersonKey(intern(row.key)), row.name, intern(row.site), numbers, team=intern(row.team))


def _assignment(row: Row[Any]) -> DidAssignment:
    return DidAssignment(
        did=Did(intern(row.did)),
        owner=None if row.owner is None else PersonKey(intern(row.owner)),
        site=intern(row.site),
        scope=intern(row.scope),
        kind=LineKind(row.kind),
        critical=row.critical,
    )
