"""A database file of its own for each test, and another program that holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfence.domain.moment import Moment
from ringfence.store.database import Database

NOW = Moment(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), 1000.0)


def later(seconds: float) -> datetime:
    return NOW.wall + timedelta(seconds=seconds)


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Database]:
    database = await Database.open(file)
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def locked_by_another(file: Path) -> Iterator[None]:
    """Another connection writes and does not end."""
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.close()
