"""A database of its own for each test, on SQLite or on PostgreSQL, and another program that holds it.

Cases that every store of a kind has to pass run on the one in memory and on both engines.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ringfence.app.hr.ports import RosterStore
from ringfence.domain.moment import Moment
from ringfence.store import postgresql
from ringfence.store.database import Database
from ringfence.store.roster_store import SqlRosterStore
from tests.fakes.roster_store import FakeRosterStore
from tests.lab import new_database

ENGINES = ("sqlite", "postgresql")
STORES = ("memory", *ENGINES)
only_sqlite = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
"""For what lies in its file, and what only a file without types can hold."""
NOW = Moment(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), 1000.0)


def later(seconds: float) -> datetime:
    return NOW.wall + timedelta(seconds=seconds)


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Database]:
    """As `opened_or_made`, but a new one is a copy: nearly every test begins with one."""
    await new_database.lay(file)
    async with opened_or_made(file) as database:
        yield database


@asynccontextmanager
async def opened_or_made(file: Path) -> AsyncIterator[Database]:
    async with opened_at(file) as database:
        yield database


@asynccontextmanager
async def empty_database(engine: str, file: Path) -> AsyncIterator[Database]:
    """On one of ENGINES, with every table and nothing in them. `file` is where SQLite's lies."""
    async with empty_place(engine, file) as place, opened_at(place) as database:
        yield database


@asynccontextmanager
async def empty_place(engine: str, file: Path) -> AsyncIterator[Path | str]:
    """As `empty_database`, not opened: for tests that open it more than once."""
    if engine == "sqlite":
        await new_database.lay(file)
        yield file
        return
    server, name = await new_database.server(), await new_database.lay_on_server()
    try:
        yield server.url(name)
    finally:
        server.drop(name)


@asynccontextmanager
async def opened_at(place: Path | str) -> AsyncIterator[Database]:
    database = await Database.open(place)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def roster_store(kind: str, file: Path) -> AsyncIterator[RosterStore]:
    """One of STORES, empty."""
    if kind == "memory":
        yield FakeRosterStore()
        return
    async with empty_database(kind, file) as database:
        yield SqlRosterStore(database)


@contextmanager
def locked_by_another(place: Path | str) -> Iterator[None]:
    """Another connection writes and does not end."""
    if isinstance(place, Path):
        other = sqlite3.connect(place, isolation_level=None)
        try:
            other.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            other.close()
        return
    with psycopg.connect(place.replace("+psycopg", "")) as writer:
        writer.execute("SELECT pg_advisory_xact_lock(%s, %s)", (postgresql.SPACE, postgresql.WRITER))
        yield
