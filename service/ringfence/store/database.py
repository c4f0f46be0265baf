"""One database: opened, checked, migrated, and every failure turned into an error that says what to do.

The stores get their connections here. A write is a task of its own: whoever stops waiting for it (the mode
writer does after 200 ms) is free at once, and the connection still ends its transaction properly. Whether it
was stored is then unknown, which is why every change that may be repeated carries a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreCorrupt, StoreError, StoreUnavailable
from ringfence.store import (
    sqlite,
    tables_access,  # noqa: F401  puts its tables into the shared metadata
    tables_audit,  # noqa: F401  the same
    tables_incidents,  # noqa: F401  the same
    tables_notices,  # noqa: F401  the same
    tables_orders,  # noqa: F401  the same
    tables_shadow,  # noqa: F401  the same
)
from ringfence.store.about import About
from ringfence.store.migrating import is_current, present_revision, upgrade
from ringfence.store.migrating_aside import upgrade_aside
from ringfence.store.tables import PRIVATE
from ringfence.store.tables_roster import hr_records

if TYPE_CHECKING:
    from ringfence.store.postgresql import Server
    from ringfence.store.sqlite import SqliteFile

QUICK_SECONDS: Final = 0.1  # for the mode writer, whose deadline is 0.2 s
PATIENT_SECONDS: Final = 5.0  # for everything nobody waits for
POOL_SIZE: Final = 5
CLOSE_SECONDS: Final = 5.0

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]


class Database:
    """Open it with `await Database.open(...)`, close it with `await database.close()`: an engine that is
    never disposed keeps the process from ending."""

    def __init__(
        self,
        url: str,
        patience_seconds: float = PATIENT_SECONDS,
        *,
        aside: bool = False,
        as_it_is: bool = False,
        copies: Path | None = None,
        copied: bool = False,
        password: str = "",
        sole: bool = False,
    ) -> None:
        self._aside = aside
        self._as_it_is = as_it_is
        self._copies = copies
        self._copied = copied
        self._patience_seconds = patience_seconds
        self._file = sqlite.SqliteFile(url, POOL_SIZE) if sqlite.is_sqlite(url) else None
        self._engine: SqliteFile | Server = self._file or _server(url, password, sole=sole)
        self._inode: int | None = None
        self._prepared = False
        self._running: set[asyncio.Task[Any]] = set()
        self._reopening = asyncio.Lock()

    @classmethod
    def at(
        cls,
        place: Path | str,
        patience_seconds: float = PATIENT_SECONDS,
        *,
        aside: bool = False,
        as_it_is: bool = False,
        copies: Path | None = None,
        password: str = "",
        sole: bool = False,
    ) -> Database:
        """Neither opened nor checked: for a daemon that has to run whatever state its database is in. `aside`: it is
        brought up to date in a process of its own, whose memory is free again afterwards. `as_it_is`: it is not brought
        up to date at all, for a reader beside a program of another version. `copies`: where the copy goes that is made
        before a server's database is brought up to date; SQLite's is made beside it. `password`: the role's, for a
        server that asks for one; it is never part of the address. `sole`: on a server, nobody else who says so may
        write while this is open (on SQLite the state directory's lock sees to that)."""
        url = sqlite.url_of(place) if isinstance(place, Path) else place
        return cls(url, patience_seconds, aside=aside, as_it_is=as_it_is, copies=copies, password=password, sole=sole)

    @classmethod
    async def open(
        cls, place: Path | str, patience_seconds: float = PATIENT_SECONDS, *, password: str = "", sole: bool = False
    ) -> Database:
        """Opens, checks and migrates. `place` is a file, or an SQLAlchemy address; `patience_seconds` is how long a
        write waits for another program's when it does not say otherwise. For the others see `at`. Raises StoreError."""
        database = cls.at(place, patience_seconds, password=password, sole=sole)
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
            await self._by_itself(self._wipe(self._file))

    async def empty_log(self) -> None:
        """After this SQLite's write-ahead log holds nothing of what was removed or overwritten: for values that shrink
        in their place, which `secure_delete` overwrites in the file itself. Raises as `wipe`."""
        if self._file is not None:
            await self._by_itself(self._empty_log(self._file))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on one consistent state. Raises StoreError."""
        with self._translated():
            await self._ready()
            async with self._engine.reading() as connection:
                yield connection

    async def about(self, connection: AsyncConnection) -> About:
        """Of the engine behind this. `connection` is one that reads."""
        return await self._engine.about(connection)

    async def close(self) -> None:
        """Lets running writes end, at most 5 s, and gives the connections back."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=CLOSE_SECONDS)
        await self._engine.close()

    async def prepare(self) -> None:
        """Checks and migrates, a copy made first. After a failure the next use tries again. Raises StoreError."""
        if self._as_it_is:
            self._prepared, self._inode = True, None if self._file is None else sqlite.inode_of(self._file.path)
            return
        with self._translated():
            if self._file is not None:
                await self._file.check(self._patience_seconds)
            if not await self._is_current():
                await self._copy_first()
                if self._aside:
                    await self._upgrade_aside()
                if not self._aside or not await self._is_current():
                    await self._upgrade()
            if isinstance(self._engine, sqlite.SqliteFile):
                self._inode = sqlite.inode_of(self._engine.path)
            else:
                await self._engine.settle()
            self._prepared = True

    async def _is_current(self) -> bool:
        async with self._engine.reading() as connection:
            return await is_current(connection)

    async def _upgrade_aside(self) -> None:
        async with self._engine.writing(self._patience_seconds):
            pass  # one that another node writes into is not brought up to date under its hands
        await upgrade_aside(self._engine.engine.url.render_as_string(hide_password=False))

    async def _upgrade(self) -> None:
        async with self._engine.writing(self._patience_seconds) as connection:
            await self._engine.take_time(connection)
            await upgrade(connection)

    async def _copy_first(self) -> None:
        """Once for each time that it is opened, and not of a new one. Raises StoreError."""
        if self._copied:
            return
        # Here: it brings tar and gzip, for the one start in a hundred that needs them.
        from ringfence.store.copy_first import copy_of_file, copy_of_server

        async with self._engine.reading() as connection:
            present, at = await present_revision(connection), datetime.now(UTC)
            if present is not None and self._file is None:
                if self._copies is None:
                    raise StoreError(
                        f"The database is of an older version (its schema is {present}).",
                        "Start the daemon: it brings the database up to date, and makes a copy first.",
                    )
                await copy_of_server(connection, self._copies, present, at)
        if present is not None and self._file is not None:
            await asyncio.to_thread(copy_of_file, self._file.path, present, at)
        self._copied = True

    async def _by_itself(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work, name="database write")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _wipe(self, file: SqliteFile) -> None:
        # The shared metadata, taken from the module that adds the last of the tables to it.
        private = [table.name for table in hr_records.metadata.sorted_tables if table.info.get(PRIVATE)]
        with self._translated():
            await self._ready()
            await file.wipe(private, self._patience_seconds)

    async def _empty_log(self, file: SqliteFile) -> None:
        with self._translated():
            await self._ready()
            await file.empty_log(self._patience_seconds)

    async def _transact(self, work: Work[T], patience_seconds: float) -> T:
        with self._translated():
            await self._ready()
            async with self._engine.writing(patience_seconds) as connection:
                return await work(connection)

    async def _ready(self) -> None:
        """Prepares what was not prepared, or has been put back since. SQLite goes on writing into a file that was
        removed, and nobody ever sees it again: that is an error here. Raises StoreError."""
        if self._prepared and self._unchanged():
            return
        async with self._reopening:
            if self._prepared and self._unchanged():
                return  # somebody else did it while we waited
            if self._prepared and self._file is not None and sqlite.inode_of(self._file.path) is None:
                raise sqlite.missing(self._file.path)
            await self._engine.engine.dispose()
            await self.prepare()

    def _unchanged(self) -> bool:
        return self._file is None or sqlite.inode_of(self._file.path) == self._inode

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
        found = self._engine.meaning_of(error.orig)
        # The driver's text only: SQLAlchemy's own repeats the parameters, and they hold private numbers.
        return found or StoreUnavailable(f"The database did not do what was asked: {error.orig}.")


@contextmanager
def understood(what: str) -> Iterator[None]:
    """For turning rows into values. Raises StoreCorrupt for what this program never stored."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AssertionError) as error:
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


def _server(url: str, password: str, *, sole: bool) -> Server:
    # Here, because the driver takes 5 MB that a node with its database in a file does not need.
    from ringfence.store.postgresql import Server, address

    return Server(address(url, password), POOL_SIZE, sole=sole)
