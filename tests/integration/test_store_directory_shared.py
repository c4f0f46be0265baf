"""A directory that nobody has changed is not read again: the very same object."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.directory_import import StoredDirectory
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.numbers import Did
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.tables import default_numbers, dids, directory_changes, people, sites
from tests.integration.stores import NOW, later

ADA, BO = PersonKey("p1"), PersonKey("p2")
DIRECTORY = Directory.of(
    (Person(ADA, "Ada", "Leeds", (DefaultNumber("+447700900123"),)), Person(BO, "Bo", "Leeds")),
    (DidAssignment(Did("+441134960123"), ADA, "Leeds", "uc"),),
    (Site("Leeds"),),
)
RENAMED = replace(DIRECTORY, people={**DIRECTORY.people, BO: replace(DIRECTORY.people[BO], name="Bob")})


async def test_what_was_stored_or_read_here_is_not_read_again(database: Database) -> None:
    store = SqlDirectoryStore(database)
    stored = await store.replace(StoredDirectory(Directory(), 0), DIRECTORY, "test", "", NOW.wall)
    assert await store.load() is stored
    after_a_start = SqlDirectoryStore(database)
    read = await after_a_start.load()
    assert read == stored
    assert await after_a_start.load() is read


async def test_what_somebody_else_has_changed_is_read(database: Database) -> None:
    store, other = SqlDirectoryStore(database), SqlDirectoryStore(database)
    stored = await store.replace(StoredDirectory(Directory(), 0), DIRECTORY, "test", "", NOW.wall)
    await other.replace(await other.load(), RENAMED, "another", "", later(1))
    changed = await store.load()
    assert (changed.version, changed.directory.people[BO].name) == (stored.version + 1, "Bob")


async def test_a_database_that_was_begun_anew_is_read(database: Database) -> None:
    store, other = SqlDirectoryStore(database), SqlDirectoryStore(database)
    await store.replace(StoredDirectory(Directory(), 0), DIRECTORY, "test", "", NOW.wall)
    await database.write(_emptied)
    await other.replace(StoredDirectory(Directory(), 0), RENAMED, "test", "", later(60))
    again = await store.load()
    assert (again.version, again.directory.people[BO].name) == (1, "Bob")


async def _emptied(connection: AsyncConnection) -> None:
    for table in (dids, default_numbers, people, sites, directory_changes):
        await connection.execute(delete(table))
