"""A database file of its own for each test, and another program that holds it.

Cases that every store of a kind has to pass run on the one in memory, on SQLite, and on a server's database where
RINGFENCE_TEST_DATABASE has its SQLAlchemy address: one that may be emptied.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from ringfence.app.hr.ports import RosterStore
from ringfence.domain.moment import Moment
from ringfence.store.database import Database
from ringfence.store.roster_store import SqlRosterStore
from ringfence.store.tables_roster import hr_records
from tests.fakes.roster_store import FakeRosterStore
from tests.lab import new_database

SERVER = os.environ.get("RINGFENCE_TEST_DATABASE")
STORES = ("memory", "sqlite", *(("server",) if SERVER else ()))
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
    database = await Database.open(file)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def empty_database(kind: str, file: Path) -> AsyncIterator[Database]:
    """One of STORES but "memory", with every table and nothing in them."""
    database = Database.at(SERVER if kind == "server" and SERVER else file)
    try:
        if kind == "server":
            await database.prepare()
            await database.write(lambda connection: connection.run_sync(hr_records.metadata.drop_all))
            await database.write(lambda connection: connection.execute(text("DROP TABLE alembic_version")))
        else:
            await new_database.lay(file)
        await database.prepare()
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
def locked_by_another(file: Path) -> Iterator[None]:
    """Another connection writes and does not end."""
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.close()
