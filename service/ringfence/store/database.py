"""One database: opened, checked, migrated, and every failure turned into an error that says what to do.

The stores get their connections here. A write is a task of its own: whoever stops waiting for it (the mode
writer does after 200 ms) is free at once, and the connection still ends its transaction properly. Whether it
was stored is then unknown, which is why every change that may be repeated carries a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ringfence.app.ports import StoreCorrupt, StoreError, StoreUnavailable
from ringfence.store import (
    sqlite,
    tables_access,  # noqa: F401  puts its tables into the shared metadata
    tables_audit,  # noqa: F401  the same
    tables_incidents,  # noqa: F401  the same
    tables_notices,  # noqa: F401  the same
    tables_orders,  # noqa: F401  the same
)
from ringfence.store.migrating import is_current, upgrade
from ringfence.store.migrating_aside import upgrade_aside
from ringfence.store.tables import PRIVATE
from ringfence.store.tables_roster import hr_records

QUICK_SECONDS: Final = 0.1  # for the mode writer, whose deadline is 0.2 s
PATIENT_SECONDS: Final = 5.0  # for everything nobody waits for
POOL_SIZE: Final = 5
CLOSE_SECONDS: Final = 5.0

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]


class Database:
    """Open it with `await Database.open(...)`, close it with `await database.close()`: an engine that is
    never disposed keeps the process from ending."""

    def __init__(self, url: str, patience_seconds: float = PATIENT_SECONDS, *, aside: bool = False) -> None:
        self.url = url
        self._aside = aside
        self._patience_seconds = patience_seconds
        self._engine = _engine(url)
        self._file = sqlite.file_of(url) if sqlite.is_sqlite(url) else None
        self._inode: int | None = None
        self._prepared = False
        self._running: set[asyncio.Task[Any]] = set()
        self._reopening = asyncio.Lock()

    @classmethod
    def at(cls, place: Path | str, patience_seconds: float = PATIENT_SECONDS, *, aside: bool = False) -> Database:
        """Neither opened nor checked: for a daemon that has to run whatever state its database is in. `aside`: it is
        brought up to date in a process of its own, whose memory is free again afterwards."""
        return cls(sqlite.url_of(place) if isinstance(place, Path) else place, patience_seconds, aside=aside)

    @classmethod
    async def open(cls, place: Path | str, patience_seconds: float = PATIENT_SECONDS) -> Database:
        """Opens, checks and migrates. `place` is a file, or an SQLAlchemy address; `patience_seconds` is how long a
        write waits for another program's when it does not say otherwise. Raises StoreError."""
        database = cls.at(place, patience_seconds)
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(database.close)
            await database.prepare()
            unless_ready.pop_all()
        return database

    async def write(self, work: Work[T], patience_seconds: float | None = None) -> T:
        """Runs `work` in one transaction: all of it or nothing. `patience_seconds`: how long to wait for
        another writer. Raises StoreError."""
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        return await self._by_itself(self._transact(work, patience))

    async def wipe(self) -> None:
        """After this the database's files hold nothing of what was removed or overwritten in the private tables. Other
        writers wait meanwhile, some 0.5 s with 100,000 records. Does nothing on PostgreSQL: there, old rows lie in its
        files until it vacuums, and in its archived log for as long as that is kept. Raises StoreError, and
        StoreUnavailable while somebody goes on reading from before: it is then not done, and may be tried again."""
        if self._file is not None:
            await self._by_itself(self._wipe())

    async def empty_log(self) -> None:
        """After this SQLite's write-ahead log holds nothing of what was removed or overwritten: for values that shrink
        in their place, which `secure_delete` overwrites in the file itself. Raises as `wipe`."""
        if self._file is not None:
            await self._by_itself(self._empty_log())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on one consistent state. Raises StoreError."""
        with self._translated():
            await self._ready()
            async with self._engine.connect() as connection:
                yield await connection.execution_options(**{sqlite.READ_ONLY: True})

    async def close(self) -> None:
        """Lets running writes end, at most 5 s, and gives the connections back."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=CLOSE_SECONDS)
        await self._engine.dispose()

    async def prepare(self) -> None:
        """Checks and migrates. After a failure the next use tries again. Raises StoreError."""
        with self._translated():
            async with self._engine.connect() as connection:
                await connection.execution_options(**{sqlite.BARE: True})
                if self._file is not None:
                    await sqlite.check(connection, self._file)
                    await sqlite.allow_readers_beside_a_writer(connection, self._patience_seconds)
                current = await is_current(connection)
            if not current and self._aside:
                await upgrade_aside(self.url)
                async with self._engine.connect() as connection:
                    await connection.execution_options(**{sqlite.BARE: True})
                    current = await is_current(connection)
            if not current:
                async with self._engine.connect() as connection:
                    await connection.execution_options(**{sqlite.PATIENCE: self._patience_seconds})
                    async with connection.begin():
                        await upgrade(connection)
            if self._file is not None:
                self._inode = sqlite.inode_of(self._file)
            self._prepared = True

    async def _by_itself(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work, name="database write")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _wipe(self) -> None:
        # The shared metadata, taken from the module that adds the last of the tables to it.
        private = [table.name for table in hr_records.metadata.sorted_tables if table.info.get(PRIVATE)]
        with self._translated():
            await self._ready()
            async with self._engine.connect() as connection:
                await connection.execution_options(**{sqlite.BARE: True, sqlite.PATIENCE: self._patience_seconds})
                await sqlite.rebuild(connection, private)
                await sqlite.empty_log(connection, self._patience_seconds)

    async def _empty_log(self) -> None:
        with self._translated():
            await self._ready()
            async with self._engine.connect() as connection:
                await connection.execution_options(**{sqlite.BARE: True, sqlite.PATIENCE: self._patience_seconds})
                await sqlite.empty_log(connection, self._patience_seconds)

    async def _transact(self, work: Work[T], patience_seconds: float) -> T:
        with self._translated():
            await self._ready()
            async with self._engine.connect() as connection:
                await connection.execution_options(**{sqlite.PATIENCE: patience_seconds})
                async with connection.begin():
                    return await work(connection)

    async def _ready(self) -> None:
        """Prepares what was not prepared, or has been put back since. SQLite goes on writing into a file that was
        removed, and nobody ever sees it again: that is an error here. Raises StoreError."""
        if self._prepared and self._unchanged():
            return
        async with self._reopening:
            if self._prepared and self._unchanged():
                return  # somebody else did it while we waited
            if self._prepared and self._file is not None and sqlite.inode_of(self._file) is None:
                raise sqlite.missing(self._file)
            await self._engine.dispose()
            await self.prepare()

    def _unchanged(self) -> bool:
        return self._file is None or sqlite.inode_of(self._file) == self._inode

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it too; nobody waiting is no reason to complain

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout:
            raise StoreUnavailable("The database answers too slowly.", "Check the disk's load.") from None
        except DBAPIError as error:
            raise self._meaning(error) from error
        except SQLAlchemyError as error:
            raise StoreError(f"The database did not do what was asked: {error}.") from error

    def _meaning(self, error: DBAPIError) -> StoreError:
        found = sqlite.meaning_of(error.orig, self._file) if self._file is not None else None
        # The driver's text only: SQLAlchemy's own repeats the parameters, and they hold private numbers.
        return found or StoreUnavailable(f"The database did not do what was asked: {error.orig}.")


@contextmanager
def understood(what: str) -> Iterator[None]:
    """For turning rows into values. Raises StoreCorrupt for what this program never stored."""
    try:
        yield
    except (ValueError, TypeError, AssertionError) as error:
        raise StoreCorrupt(
            f"{what} in the database cannot be understood: {error}.",
            "It was changed by hand, or by a newer version: restore the last backup, or correct the row.",
        ) from error


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts rows; one whose key is there already is overwritten."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite_dialect
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=1.0, hide_parameters=True)
    if sqlite.is_sqlite(url):
        sqlite.prepare(engine)
    return engine
