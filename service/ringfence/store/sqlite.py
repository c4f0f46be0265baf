"""All that is SQLite's own: pragmas, immediate transactions, the check at start, and what its error codes
mean."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ringfence.app.ports import StoreCorrupt, StoreError, StoreUnavailable
from ringfence.store.about import About

PATIENCE: Final = "ringfence_patience_seconds"
READ_ONLY: Final = "ringfence_read_only"
BARE: Final = "ringfence_bare"  # no transaction: for what SQLite refuses to do inside one

_CORRUPT_FIX: Final = (
    "Calls go on by the table in Asterisk. Stop Ringfence, move the file and its -wal and -shm away, put the last "
    "backup in its place (or start without one and run `ringfence import`), start again."
)
_FIXES: Final = {
    sqlite3.SQLITE_BUSY: ("is locked by another program", "End whatever holds it open: `fuser` names it."),
    sqlite3.SQLITE_LOCKED: ("is locked by another program", "End whatever holds it open: `fuser` names it."),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "Free some space; what waits is then stored by itself."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Check that its folder exists and is writable for this user."),
    sqlite3.SQLITE_READONLY: ("may not be written", "Check the owner and the mode of the file and its folder."),
    sqlite3.SQLITE_PERM: ("may not be opened", "Check the owner and the mode of the file and its folder."),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: the disk reports an error", "Check the disk (`dmesg`)."),
}
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def url_of(path: Path) -> str:
    """The address of a database file."""
    return f"sqlite+aiosqlite:///{path}"


def file_of(url: str) -> Path:
    """The database file behind an address."""
    return Path(url.split(":///", 1)[1].split("?", 1)[0])


STATEMENTS: Final = 32
"""That each connection keeps prepared. They take some 30 KiB each; of Python's 128 the last came after days."""


class SqliteFile:
    """A database in a file, as `Database` uses it."""

    def __init__(self, url: str, connections: int) -> None:
        self.path = file_of(url)
        self.engine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=1.0,
            hide_parameters=True,
            connect_args={"cached_statements": STATEMENTS},
        )
        # In WAL with foreign keys; a writing transaction takes its lock at the beginning, never half-way.
        event.listen(self.engine.sync_engine, "connect", _on_connect)
        event.listen(self.engine.sync_engine, "begin", _on_begin)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent state. Raises DBAPIError."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(**{READ_ONLY: True})

    @asynccontextmanager
    async def writing(self, patience_seconds: float) -> AsyncIterator[AsyncConnection]:
        """A transaction in which nobody else writes; committed at the end. Raises DBAPIError."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{PATIENCE: patience_seconds})
            async with connection.begin():
                yield connection

    async def check(self, patience_seconds: float) -> None:
        """Raises StoreCorrupt when its pages contradict each other."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{BARE: True})
            await check(connection, self.path)
            await allow_readers_beside_a_writer(connection, patience_seconds)

    async def wipe(self, tables: Sequence[str], patience_seconds: float) -> None:
        """Writes these tables anew, and empties the log (`Database.wipe`)."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{BARE: True, PATIENCE: patience_seconds})
            await rebuild(connection, tables)
            await empty_log(connection, patience_seconds)

    async def empty_log(self, patience_seconds: float) -> None:
        """`Database.empty_log`."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{BARE: True, PATIENCE: patience_seconds})
            await empty_log(connection, patience_seconds)

    async def about(self, connection: AsyncConnection) -> About:
        """The file, and what is still in its log."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return About(f"SQLite {sqlite3.sqlite_version}", sum(file.stat().st_size for file in files if file.exists()))

    async def take_time(self, connection: AsyncConnection) -> None:
        """There is no bound on how long a transaction takes."""

    def meaning_of(self, error: BaseException | None) -> StoreError | None:
        """Our error for SQLite's own; None when it is none."""
        return meaning_of(error, self.path)


def _on_connect(connection: Any, record: object) -> None:
    # None: the driver begins no transaction by itself, `_on_begin` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA busy_timeout=100")
        # FULL: what was committed survives a power cut; mode changes are rare and the journal is written in
        # batches.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is removed is overwritten, whole pages too (FAST leaves those); what is sorted or copied stays off the
        # disk. Both because of private numbers that have to be erased.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # Of each connection, in KiB. With SQLite's 2,000 the memory of a small site went up with its journal for days;
        # the machine keeps the file's pages in any case.
        cursor.execute("PRAGMA cache_size=-1000")
    finally:
        cursor.close()


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    patience_ms = int(float(options.get(PATIENCE, 0.1)) * 1000)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={patience_ms}")
    if options.get(BARE):
        return
    connection.exec_driver_sql("BEGIN" if options.get(READ_ONLY) else "BEGIN IMMEDIATE")


async def rebuild(connection: AsyncConnection, tables: Sequence[str]) -> None:
    """Writes these tables anew. `connection` is bare. A page from which SQLite moved rows to another keeps their bytes,
    whatever `secure_delete` says; a whole page that is given back is overwritten."""
    run = connection.exec_driver_sql
    # Rows that refer to one of these are not to go with it for the moment in which it is empty.
    await run("PRAGMA foreign_keys=OFF")
    try:
        await run("BEGIN IMMEDIATE")
        for table in tables:
            # The names are our own (`tables`).
            await run(f"CREATE TEMP TABLE rebuilt AS SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
            await run(f"DELETE FROM {table}")  # noqa: S608
            await run(f"INSERT INTO {table} SELECT * FROM rebuilt ORDER BY rowid")  # noqa: S608
            await run("DROP TABLE rebuilt")
        await run("COMMIT")
    finally:
        await connection.rollback()
        await run("PRAGMA foreign_keys=ON")


async def empty_log(connection: AsyncConnection, patience_seconds: float) -> None:
    """Moves the write-ahead log into the file and cuts it to nothing. Raises StoreUnavailable while somebody reads from
    before for longer than this."""
    deadline = time.monotonic() + patience_seconds
    # It waits for readers with the writers' lock in its hand, so it waits shortly and often: the mode writer has 0.1 s.
    await connection.exec_driver_sql("PRAGMA busy_timeout=20")
    while (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0] != 0:
        if time.monotonic() > deadline:
            raise StoreUnavailable(
                "What was erased still lies in the database's log: another program reads the database all the time.",
                "End whatever holds it open: `fuser` names it.",
            )
        await asyncio.sleep(0.1)


async def check(connection: AsyncConnection, file: Path) -> None:
    """Raises StoreCorrupt when the pages of the file contradict each other."""
    result = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar_one()
    if result != "ok":
        raise StoreCorrupt(f"The database {file} is damaged: {str(result)[:200]}.", _CORRUPT_FIX)


async def allow_readers_beside_a_writer(connection: AsyncConnection, patience_seconds: float) -> None:
    """WAL, which the file remembers. SQLite does not wait for its lock here, so that of two programs that start at once
    one is refused at once; it has to ask again."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


def meaning_of(error: BaseException | None, file: Path) -> StoreError | None:
    """Our error for SQLite's own; None when it is not one of SQLite's."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits tell kinds of the same trouble apart
    if code in _DAMAGED:
        return StoreCorrupt(f"The database {file} is damaged or is no database: {error}.", _CORRUPT_FIX)
    what, fix = _FIXES.get(code, (f"did not do what was asked: {error}", ""))
    return StoreUnavailable(f"The database {file} {what}.", fix)


def inode_of(file: Path) -> int | None:
    """Which file lies at this place; None when there is none."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def missing(file: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database {file} has been removed.",
        "Calls go on. Put the file back, or restart Ringfence to begin an empty one and run `ringfence import`.",
    )
