"""All that is PostgreSQL's own: how it is connected to, one writer at a time, and what its errors mean.

The stores were written for SQLite, where a writer is alone from its first statement to its last. Here that is a lock of
the database's own, taken by every writing transaction, so that both engines behave alike: nothing that is read in order
to be changed is changed by somebody else in between.

Loaded only where a database on a server is configured.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Row, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.store.about import About
from ringfence.store.postgresql_errors import Silent, meaning_of, silent

CONNECT_SECONDS: Final = 3
# How long it may be silent: to the first statement of a transaction, and to any other.
HELLO_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 30.0
# After a silence nobody else is made to wait for the same for so long.
REST_SECONDS: Final = 1.0
UPGRADE_SECONDS: Final = 600.0
# A daemon that hangs in the middle of a transaction must not keep the others out for ever.
IDLE_SECONDS: Final = 30

# Advisory locks, of this database: "RING", and which.
SPACE: Final = 0x52494E47
OWNER, WRITER = 1, 2
_LOCK_WRITERS: Final = "SELECT pg_advisory_xact_lock(:space, :which)"
_OWNING: Final = {"space": SPACE, "which": OWNER}
_WHO_HOLDS: Final = (
    "SELECT application_name, client_addr FROM pg_stat_activity JOIN pg_locks USING (pid) "
    "WHERE datname = current_database() AND database = datid AND locktype = 'advisory' AND granted "
    "AND classid = :space AND objid = :which"
)
_HELD_BY: Final = f"{_WHO_HOLDS} AND pid = :pid"

_T = TypeVar("_T")


class Connection(psycopg.AsyncConnection[Any]):
    """Hangs up on a server that is silent for `answer_seconds`: the machine may be gone, or the server stopped, and
    nothing else would tell. To cancel what is asked would wait for an answer again."""

    answer_seconds: float = ANSWER_SECONDS
    _hung_up = False

    async def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        alarm = asyncio.get_running_loop().call_later(self.answer_seconds, self._hang_up)
        try:
            return await super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self._hung_up:
                raise Silent from None
            raise
        finally:
            alarm.cancel()

    def _hang_up(self) -> None:
        """Whoever waits reads the connection's end at once, and cleans up."""
        if not self.closed:
            self._hung_up = True
            with socket.socket(fileno=os.dup(self.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)


def address(url: str, password: str = "") -> URL:
    """Of a URL that holds no password, and the password."""
    parsed = make_url(url)
    return parsed.set(password=password) if password else parsed


class Server:
    """A database on a server, as `Database` uses it. `sole`: nobody else may write into it while we do."""

    def __init__(self, url: URL, connections: int, *, sole: bool) -> None:
        self.engine = _engine(url, connections + sole)
        self._owner = Owner(self.engine) if sole else None
        self._rests_until = 0.0

    async def close(self) -> None:
        if self._owner is not None:
            await self._owner.give_back()
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent state, and nothing can be changed in it. Raises DBAPIError, StoreUnavailable."""
        async with self._connected("SELECT 1", reading=True) as connection:
            yield connection

    async def settle(self) -> None:
        """Returns when everything that was ordered before is stored or gone: the server goes on with the commit of a
        process that was killed in the middle of it, and whoever reads before its end goes on from what is no longer
        stored. Raises DBAPIError when that takes long."""
        if self._owner is not None:
            async with self._connected(_lock_timeout(HELLO_SECONDS)) as connection:
                await say(connection, _LOCK_WRITERS, 2 * HELLO_SECONDS, space=SPACE, which=WRITER)

    @asynccontextmanager
    async def writing(self, patience_seconds: float) -> AsyncIterator[AsyncConnection]:
        """A transaction in which nobody else writes; committed at the end. Raises DBAPIError, and StoreUnavailable
        while another node owns the database."""
        async with self._connected(_lock_timeout(patience_seconds)) as connection:
            await say(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'", HELLO_SECONDS)
            await say(connection, _LOCK_WRITERS, patience_seconds + HELLO_SECONDS, space=SPACE, which=WRITER)
            if self._owner is not None:
                await self._owner.check(connection)
            yield connection
            await connection.commit()

    async def about(self, connection: AsyncConnection) -> About:
        """The server's version, and who of those that say so writes."""
        size = "SELECT pg_database_size(current_database()) AS size, current_setting('server_version') AS version"
        found = await say(connection, size, ANSWER_SECONDS)
        owner = await say(connection, _WHO_HOLDS, HELLO_SECONDS, **_OWNING)
        assert found is not None
        name = None if owner is None else f"{owner.application_name} ({owner.client_addr or 'local'})"
        return About(f"PostgreSQL {found.version}", int(found.size), name)

    async def take_time(self, connection: AsyncConnection) -> None:
        """For what may be silent for long, such as a migration: until the transaction ends."""
        await say(connection, "SET LOCAL statement_timeout = 0", HELLO_SECONDS)
        await _be_patient(connection, UPGRADE_SECONDS)

    def meaning_of(self, error: BaseException | None) -> StoreError | None:
        """Our error for one of PostgreSQL's; None when it is none."""
        if isinstance(error, Silent | psycopg.errors.ConnectionTimeout):
            self._rests_until = time.monotonic() + REST_SECONDS
        return meaning_of(error)

    @asynccontextmanager
    async def _connected(self, hello: str, *, reading: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection in whose transaction the server has just answered `hello`, a statement; rolled back in the end
        where it was not committed. One that the pool kept from before the server's restart is replaced."""
        if time.monotonic() < self._rests_until:
            raise silent()
        for last in (False, True):
            async with self.engine.connect() as connection:
                if reading:
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                try:
                    await say(connection, hello, HELLO_SECONDS)
                except DBAPIError as error:
                    if last or not error.connection_invalidated or isinstance(error.orig, Silent):
                        raise
                    continue
                yield connection
                return


class Owner:
    """The one daemon that writes into a database: as long as a connection of its own holds a lock there. With the
    server's restart the lock is gone, and taken again; it is asked for in every transaction that writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._pid = 0

    async def check(self, connection: AsyncConnection) -> None:
        """Raises StoreUnavailable while it is another's. `connection` holds the writers' lock."""
        if not self._pid or await say(connection, _HELD_BY, HELLO_SECONDS, pid=self._pid, **_OWNING) is None:
            await self.leave()
            await self._take(connection)

    async def give_back(self) -> None:
        """So that the next daemon has it at once, and not when the server has seen our connection end."""
        if self._connection is not None:
            with suppress(DBAPIError):
                await say(self._connection, f"SELECT pg_advisory_unlock({SPACE}, {OWNER})", HELLO_SECONDS)
            await self.leave()

    async def leave(self) -> None:
        """The lock goes with the connection."""
        held, self._connection, self._pid = self._connection, None, 0
        if held is not None:
            await held.invalidate()
            await held.close()

    async def _take(self, connection: AsyncConnection) -> None:
        own = await self._engine.connect()
        try:
            await own.execution_options(isolation_level="AUTOCOMMIT")
            asked = f"SELECT pg_try_advisory_lock({SPACE}, {OWNER}) AS taken, pg_backend_pid() AS pid"
            answer = await say(own, asked, HELLO_SECONDS)
            assert answer is not None
            if not answer.taken:
                raise await _owned_by_another(connection)
            self._connection, self._pid = own, answer.pid
        finally:
            if self._connection is not own:
                await own.close()


async def _owned_by_another(connection: AsyncConnection) -> StoreUnavailable:
    found = await say(connection, _WHO_HOLDS, HELLO_SECONDS, **_OWNING)
    name = "another Ringfence" if found is None else f"{found.application_name!r} ({found.client_addr or 'local'})"
    return StoreUnavailable(
        f"The database belongs to {name}, which runs and writes into it.",
        "Give every node a database of its own (two sites are two pairs), or stop the other one.",
    )


def _lock_timeout(seconds: float) -> str:
    return f"SET LOCAL lock_timeout = {max(1, int(seconds * 1000))}"


async def say(connection: AsyncConnection, statement: str, seconds: float, **values: int) -> Row[Any] | None:
    """One statement that must be answered soon, and its first row. Raises DBAPIError."""
    await _be_patient(connection, seconds)
    result = await connection.execute(text(statement), values)
    await _be_patient(connection, ANSWER_SECONDS)
    return result.first() if result.returns_rows else None


async def _be_patient(connection: AsyncConnection, seconds: float) -> None:
    """So long may the server be silent on this connection from now on."""
    line = (await connection.get_raw_connection()).driver_connection
    assert isinstance(line, Connection)
    line.answer_seconds = seconds


def _engine(url: URL, connections: int) -> AsyncEngine:
    settings = {
        "timezone": "UTC",
        "statement_timeout": f"{ANSWER_SECONDS:.0f}s",
        # The server's side of a line that went dead, so that what we hold there is free again soon.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    arguments = {
        "async_creator_fn": Connection.connect,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"ringfence on {socket.gethostname()}",
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
    }
    given = {name: value for name, value in arguments.items() if name not in url.query}
    return create_async_engine(
        url, connect_args=given, pool_size=connections, max_overflow=0, pool_timeout=1.0, hide_parameters=True
    )
