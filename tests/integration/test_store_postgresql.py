"""PostgreSQL as the world treats it: stopped, restarted, frozen, written into by another, asking for a password."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.store import tables
from ringfence.store.database import Database
from ringfence.store.migrating import configuration
from ringfence.store.portions import write_rows
from ringfence.store.tables_roster import hr_records
from tests.integration.full_database import fill
from tests.integration.stores import NOW, locked_by_another, opened_at
from tests.lab import new_database
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports
from tests.lab.postgres import ROLE, PostgresServer

pytestmark = pytest.mark.parametrize("place", ["postgresql"], indirect=True)
MOBILE = "+447700900123"


async def touch(connection: AsyncConnection) -> None:
    await write_rows(connection, tables.delivered, [{"did": "+441134960123", "at": NOW.wall}])


async def touched(database: Database) -> int:
    async with database.reading() as connection:
        return len((await connection.execute(select(tables.delivered))).all())


async def test_the_tables_are_those_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), hr_records.metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_migration_goes_back_and_forth_with_rows_in_the_tables(database: Database) -> None:
    def there_and_back(connection: Connection) -> None:
        command.downgrade(configuration(connection), "base")
        command.upgrade(configuration(connection), "head")

    await database.write(fill)
    await database.write(lambda connection: connection.run_sync(there_and_back))
    await database.write(touch)
    assert await touched(database) == 1


async def test_a_daemon_that_starts_reads_what_the_one_before_was_killed_while_storing(
    place: Path | str, database: Database
) -> None:
    """The server goes on with a commit whose client is gone; here somebody holds the transaction open instead."""
    stored, go = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection) -> None:
        await touch(connection)
        stored.set()
        await go.wait()

    before = asyncio.create_task(database.write(slow))
    await stored.wait()
    starting = Database.at(str(place), sole=True)
    reading = asyncio.create_task(touched(starting))
    try:
        async with database.reading() as connection:
            waiting = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            while (await connection.execute(waiting)).first() is None:
                assert not reading.done(), "it did not wait for whoever still stores"
        go.set()
        assert await reading == 1
    finally:
        go.set()
        await before
        await starting.close()


async def test_after_a_restart_the_next_use_works(place: Path | str, database: Database) -> None:
    server = await new_database.server()
    await database.write(touch)
    await asyncio.gather(*(touched(database) for _ in range(5)))  # every connection of the pool has been used
    await server.stop()
    with pytest.raises(StoreUnavailable, match=r"PostgreSQL cannot be reached: .*Is the server running"):
        await database.write(touch)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await touched(database)
    await server.start()
    assert await touched(database) == 1
    await database.write(touch)


async def test_a_server_that_was_killed_keeps_what_it_confirmed(database: Database) -> None:
    server = await new_database.server()
    await database.write(touch)
    await server.kill()
    await server.start()
    assert await touched(database) == 1


async def test_a_frozen_server_is_given_up_soon_and_used_again(database: Database) -> None:
    server = await new_database.server()
    await database.write(touch)
    await server.freeze()
    try:
        began = time.monotonic()
        for work in (lambda: database.write(touch), lambda: touched(database)):
            with pytest.raises(StoreUnavailable, match="PostgreSQL does not answer"):
                await work()
        # The second did not wait anew: that nobody answers was just found out.
        assert time.monotonic() - began < 10.0
    finally:
        server.thaw()
    await settled(database)
    await database.write(touch)


async def test_whoever_stops_waiting_for_a_frozen_server_is_free_at_once(database: Database) -> None:
    server = await new_database.server()
    await server.freeze()
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(database.write(touch, patience_seconds=0.1), 0.05)
        reader = asyncio.create_task(touched(database))
        await asyncio.sleep(0)
        reader.cancel()
        with contextlib.suppress(StoreUnavailable, asyncio.CancelledError):
            await reader
    finally:
        server.thaw()
    await settled(database)


async def test_one_that_asks_while_it_does_not_answer_is_told_and_nobody_else_hangs(database: Database) -> None:
    """More callers than connections."""
    server = await new_database.server()
    await server.freeze()
    try:
        results = await asyncio.gather(*(touched(database) for _ in range(20)), return_exceptions=True)
        assert {type(result) for result in results} == {StoreUnavailable}
    finally:
        server.thaw()
    await settled(database)


async def test_writers_come_one_after_the_other(place: Path | str) -> None:
    async with opened_at(place) as one, opened_at(place) as other:
        seen: list[str] = []

        async def work(connection: AsyncConnection, name: str) -> None:
            seen.append(f"{name} in")
            await connection.execute(text("SELECT 1"))
            await asyncio.sleep(0)
            seen.append(f"{name} out")

        async def write(database: Database, name: str) -> None:
            await database.write(lambda connection: work(connection, name))

        await asyncio.gather(*(write(one if n % 2 else other, str(n)) for n in range(8)))
        assert [entry.split()[0] for entry in seen[::2]] == [entry.split()[0] for entry in seen[1::2]]


async def test_a_locked_database_is_named_soon_and_can_be_read(place: Path | str, database: Database) -> None:
    with locked_by_another(place):
        with pytest.raises(StoreUnavailable, match="is being written by another program") as caught:
            await database.write(touch, patience_seconds=0.05)
        assert caught.value.retry
        assert await touched(database) == 0
    await database.write(touch, patience_seconds=0.5)


async def test_a_reader_sees_one_state_and_changes_nothing(database: Database) -> None:
    async with database.reading() as connection:
        before = (await connection.execute(select(tables.delivered))).all()
        await database.write(touch)
        assert (await connection.execute(select(tables.delivered))).all() == before == []
        with pytest.raises(StoreError, match="takes no changes"):
            await touch_translated(database)


async def touch_translated(database: Database) -> None:
    async with database.reading() as connection:
        await touch(connection)


async def test_of_two_daemons_one_writes(place: Path | str) -> None:
    first = await Database.open(place, sole=True)
    second = Database.at(place, sole=True)
    try:
        await first.write(touch)
        with pytest.raises(StoreUnavailable, match=r"belongs to 'ringfence on .*' \(local\).*a database of its own"):
            await second.write(touch)
        assert await touched(second) == 1
        await first.close()
        await second.write(touch)
    finally:
        await first.close()
        await second.close()


async def test_the_owner_is_the_owner_again_after_a_restart(place: Path | str) -> None:
    server = await new_database.server()
    first, second = await Database.open(place, sole=True), Database.at(place, sole=True)
    try:
        await first.write(touch)
        await server.stop()
        with pytest.raises(StoreUnavailable):
            await first.write(touch)
        await server.start()
        await first.write(touch)
        with pytest.raises(StoreUnavailable, match="belongs to"):
            await second.write(touch)
    finally:
        await first.close()
        await second.close()


async def test_a_database_in_use_is_not_upgraded_under_its_owners_hands(place: Path | str, tmp_path: Path) -> None:
    first = await Database.open(place, sole=True)
    second = Database.at(place, sole=True, aside=True, copies=tmp_path)
    try:
        await first.write(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
        )
        with pytest.raises(StoreUnavailable, match="belongs to"):
            await second.prepare()
    finally:
        await first.close()
        await second.close()


async def test_nothing_private_is_in_what_an_error_says(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    statements = (
        f"INSERT INTO delivered (did, at) VALUES ('{MOBILE}', now()), ('{MOBILE}', now())",
        f"INSERT INTO delivered (did, at) VALUES ('x', '{MOBILE}')",
        f"INSERT INTO delivered (did, at) VALUES ('{MOBILE}', NULL)",
        f"INSERT INTO sites (name, announcement, fallback_number) VALUES ('x', 'y', '{MOBILE * 2}')",
    )
    with caplog.at_level(logging.DEBUG, "ringfence"):
        for statement in statements:
            with pytest.raises(StoreError) as caught:
                await database.write(lambda connection, said=statement: connection.exec_driver_sql(said))  # type: ignore[misc]
            assert "900123" not in str(caught.value)
    assert "900123" not in caplog.text


@pytest.fixture(scope="module")
async def with_tls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[PostgresServer, Path]]:
    authority = CertificateAuthority(tmp_path_factory.mktemp("authority"))
    ports = Ports()
    server = PostgresServer(ports, authority.certify("db.example.com", HOST))
    await server.start()
    yield server, authority.file
    await server.close()
    ports.close()


async def test_a_server_over_tls_with_a_password(with_tls: tuple[PostgresServer, Path], place: object) -> None:
    server, authority = with_tls
    url = f"{server.tcp_url(server.create())}?sslmode=verify-full&sslrootcert={authority}"
    database = await Database.open(url, password=server.password)
    try:
        await database.write(touch)
        async with database.reading() as connection:
            secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert (await connection.execute(text(secured))).scalar_one() is True
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("password", "query", "said"),
    [
        ("wrong", "", r'password authentication failed for user "ringfence"\. Write the role.s password to the secret'),
        ("", "", "no password supplied.*database_password"),
        ("right", "?sslmode=verify-full&sslrootcert=/dev/null", "sslrootcert"),
    ],
)
async def test_a_door_that_stays_shut_says_why(
    with_tls: tuple[PostgresServer, Path], place: object, password: str, query: str, said: str
) -> None:
    server, _ = with_tls
    secret = server.password if password == "right" else password
    url = server.tcp_url("postgres") + query
    with pytest.raises(StoreUnavailable, match=rf"(?s)cannot be reached: .*{said}") as caught:
        await Database.open(url, password=secret)
    assert not secret or f"{secret}" not in str(caught.value)


async def test_a_role_or_a_database_that_is_not_there(place: object) -> None:
    server = await new_database.server()
    for url in (server.url("nowhere"), server.url("postgres").replace(f"{ROLE}@", "nobody_such@")):
        with pytest.raises(StoreUnavailable, match=r"does not exist.*Create the role and the database"):
            await Database.open(url)


async def settled(database: Database) -> None:
    """Until the server is used again: for a moment after a silence it is not asked."""
    async with asyncio.timeout(30.0):
        while True:
            try:
                await touched(database)
                return
            except StoreUnavailable:
                await asyncio.sleep(0)
