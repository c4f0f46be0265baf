"""The directory: read whole at start, changed by a difference in one transaction, with a line for who and what.

Whoever changes it writes that line, so that one look at the newest tells whether what was read still holds: an import
of ten changed rows reads back no 100,000.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.audit_facts import fact_of_directory
from ringfence.app.directory_import import StoredDirectory
from ringfence.app.ports import VersionConflict
from ringfence.domain.did_range import directory_of
from ringfence.domain.directory import DefaultNumber, Directory
from ringfence.domain.directory_diff import DirectoryDiff, compare
from ringfence.store.audit_rows import append
from ringfence.store.database import Database, understood
from ringfence.store.directory_rows import (
    assignment_of,
    did_row,
    number_rows,
    person_of,
    person_row,
    range_of,
    range_row,
    site_of,
    site_row,
    team_of,
    team_row,
)
from ringfence.store.portions import remove_rows, rows_of, write_rows
from ringfence.store.tables import default_numbers, did_ranges, dids, directory_changes, people, sites, teams

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
        self._last = StoredDirectory(Directory(), 0)  # as read or stored here
        self._last_at: datetime | None = None  # when that version was stored

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
            if (await _newest(connection))[0] != before.version:
                raise VersionConflict(
                    "Somebody else changed the directory in the meantime.",
                    "Nothing was stored; look at the difference again and repeat the import.",
                )
            await _apply(connection, change)
            await connection.execute(insert(directory_changes).values(log_row))
            await append(connection, [fact_of_directory(version, log_row["summary"], who, why, at)])

        await self._database.write(work)
        self._last, self._last_at = StoredDirectory(after, version), at
        return self._last

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
            version, at = await _newest(connection)
            if version and (version, at) == (self._last.version, self._last_at):
                return self._last
            all_sites = [site_of(row) async for row in rows_of(connection, select(sites))]
            all_teams = [team_of(row) async for row in rows_of(connection, select(teams).order_by(teams.c.name))]
            numbers: dict[str, list[DefaultNumber]] = {}
            in_order = select(default_numbers).order_by(default_numbers.c.person, default_numbers.c.position)
            async for row in rows_of(connection, in_order):
                number = DefaultNumber(row.e164, row.ring_seconds, press_one=row.press_one)
                numbers.setdefault(row.person, []).append(number)
            # Strings that come again and again are shared: a directory may hold 100,000 DIDs.
            everybody = [
                person_of(row, tuple(numbers.pop(row.key, ())))
                async for row in rows_of(connection, select(people).order_by(people.c.key))
            ]
            assignments = [assignment_of(row) async for row in rows_of(connection, select(dids).order_by(dids.c.did))]
            in_order = select(did_ranges).order_by(did_ranges.c.first)
            ranges = [range_of(row) async for row in rows_of(connection, in_order)]
        directory = await asyncio.to_thread(directory_of, everybody, assignments, all_sites, all_teams, ranges)
        self._last, self._last_at = StoredDirectory(directory, version), at
        return self._last


async def _newest(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """The version and when it was stored: a database that was begun anew counts from one again."""
    columns = (directory_changes.c.version, directory_changes.c.at)
    row = (await connection.execute(select(*columns).order_by(directory_changes.c.version.desc()).limit(1))).first()
    return (0, None) if row is None else (row.version, row.at)


async def _apply(connection: AsyncConnection, change: DirectoryDiff) -> None:
    """Additions from the referred to the referring table, removals the other way: at no time does a row dangle."""
    now_sites = [*change.sites.added, *(new for _, new in change.sites.changed)]
    now_people = [*change.people.added, *(new for _, new in change.people.changed)]
    now_teams = [*change.teams.added, *(new for _, new in change.teams.changed)]
    now_dids = [*change.assignments.added, *(new for _, new in change.assignments.changed)]
    now_ranges = [*change.ranges.added, *(new for _, new in change.ranges.changed)]
    await write_rows(connection, sites, map(site_row, now_sites))
    await write_rows(connection, people, map(person_row, now_people))
    await remove_rows(connection, (default_numbers.c.person,), ((new.key,) for _, new in change.people.changed))
    await write_rows(connection, default_numbers, (row for person in now_people for row in number_rows(person)))
    await write_rows(connection, teams, map(team_row, now_teams))
    await write_rows(connection, dids, map(did_row, now_dids))
    await write_rows(connection, did_ranges, map(range_row, now_ranges))
    ends = (did_ranges.c.first, did_ranges.c.last)
    await remove_rows(connection, ends, ((one.first, one.last) for one in change.ranges.removed))
    await remove_rows(connection, (dids.c.did,), ((assignment.did,) for assignment in change.assignments.removed))
    await remove_rows(connection, (teams.c.name,), ((team.name,) for team in change.teams.removed))
    await remove_rows(connection, (people.c.key,), ((person.key,) for person in change.people.removed))
    await remove_rows(connection, (sites.c.name,), ((site.name,) for site in change.sites.removed))


def _log_row(change: DirectoryDiff, version: int, who: str, why: str, at: datetime) -> dict[str, Any]:
    lines = list(islice(change.lines(), MAX_LOGGED_LINES))
    return {"version": version, "at": at, "who": who, "why": why, "summary": change.summary(), "lines": lines}
