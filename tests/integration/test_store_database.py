"""The database as the world treats it: locked, damaged, removed, full, newer than the program."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreCorrupt, StoreError, StoreUnavailable
from ringfence.store.database import Database
from ringfence.store.memory_store import SqlMemoryStore
from ringfence.store.migrating import configuration, revisions
from ringfence.store.tables_roster import hr_records
from tests.integration.stores import NOW, locked_by_another
from tests.integration.stores import opened_or_made as opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.db"


async def test_a_new_file_gets_every_table_of_the_code(file: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), hr_records.metadata))

    async with opened(file) as database, database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_start_finds_everything_done(file: Path) -> None:
    async with opened(file) as database:
        await SqlMemoryStore(database).save_delivered({"+441134960123": NOW.wall})
    async with opened(file) as database:
        assert await SqlMemoryStore(database).load_delivered(NOW.wall) == {"+441134960123": NOW.wall}


async def test_what_counts_for_nothing_any_more_is_removed(file: Path) -> None:
    old, new = NOW.wall - timedelta(seconds=1), NOW.wall
    async with opened(file) as database:
        memory = SqlMemoryStore(database)
        await memory.save_delivered({"+441134960123": old, "+441134960124": new})
        await memory.prune_delivered(new)
        assert await memory.load_delivered(old) == {"+441134960124": new}


async def test_what_an_earlier_version_remembered_outlives_the_upgrade_but_not_as_this_address(file: Path) -> None:
    def back(connection: Connection) -> None:
        command.downgrade(configuration(connection), "0001")

    async with opened(file) as database:
        await SqlMemoryStore(database).save_delivered({"+441134960123": NOW.wall})
        await database.write(lambda connection: connection.run_sync(back))
        row = "INSERT INTO passed (role, name, kind, at) VALUES ('platform', 'uc', 'sip_options', :at)"
        at = {"at": "2026-03-01 12:00:00.000000"}
        await database.write(lambda connection: connection.execute(text(row), at))
    async with opened(file) as database:
        (held,) = (await SqlMemoryStore(database).load_passed(NOW.wall)).values()
        assert (held.at, held.host_port) == (NOW.wall, "")
        assert await SqlMemoryStore(database).load_delivered(NOW.wall) == {"+441134960123": NOW.wall}


async def test_two_programs_may_start_at_once(file: Path) -> None:
    for attempt in range(10):
        started = await asyncio.gather(*(Database.open(file.with_suffix(f".{attempt}")) for _ in range(3)))
        for database in started:
            await database.close()


async def test_the_file_is_set_up_for_a_writer_beside_readers(file: Path) -> None:
    async with opened(file) as database, database.reading() as connection:
        for pragma, value in (("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("cache_size", -1000)):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == value


async def test_a_locked_database_is_named_soon_and_works_afterwards(file: Path) -> None:
    async with opened(file) as database:
        with locked_by_another(file):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"is locked by another program.*fuser") as caught:
                await database.write(touch, patience_seconds=0.1)
            assert time.monotonic() - began < 1.0
            assert caught.value.retry
            async with database.reading() as connection:  # readers do not care
                await connection.execute(text("SELECT 1"))
        await database.write(touch, patience_seconds=0.1)


async def test_a_database_another_program_holds_can_be_opened_and_read(file: Path) -> None:
    async with opened(file) as database:
        await database.write(touch)
        with locked_by_another(file):
            began = time.monotonic()
            async with opened(file) as second:
                assert len(await SqlMemoryStore(second).load_delivered(NOW.wall)) == 1
            assert time.monotonic() - began < 1.0


async def test_whoever_stops_waiting_is_free_at_once_and_breaks_nothing(file: Path) -> None:
    async with opened(file) as database:
        with locked_by_another(file):
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(database.write(touch, patience_seconds=30.0), 0.05)
            assert time.monotonic() - began < 10.0
        # The abandoned write goes on by itself and is stored once the lock is gone.
        await database.write(touch, patience_seconds=30.0)
        async with asyncio.timeout(20.0):
            while len(await SqlMemoryStore(database).load_delivered(NOW.wall)) < 1:
                await asyncio.sleep(0)


async def test_a_file_that_is_no_database_is_refused_with_the_remedy(file: Path) -> None:
    file.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StoreCorrupt, match=r"(?s)is damaged or is no database.*last backup") as caught:
        await Database.open(file)
    assert not caught.value.retry


async def test_a_daemon_that_started_without_its_database_uses_it_once_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "later" / "ringfence.db"
    database = Database.at(file)
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="cannot be opened"):
                await database.write(touch)
        file.parent.mkdir()
        await database.write(touch)
        assert len(await SqlMemoryStore(database).load_delivered(NOW.wall)) == 1
    finally:
        await database.close()


async def test_damaged_pages_are_found_at_start(file: Path) -> None:
    async with opened(file) as database:
        await SqlMemoryStore(database).save_delivered({f"+4411349{n:05d}": NOW.wall for n in range(2_000)})
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'delivered'").fetchone()
    connection.close()
    content = bytearray(file.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="damaged"):
        await Database.open(file)


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"cannot be opened.*folder exists"):
        await Database.open(tmp_path / "nowhere" / "ringfence.db")


async def test_a_removed_file_is_noticed_and_one_put_back_is_used(file: Path, tmp_path: Path) -> None:
    async with opened(file) as database:
        await database.write(touch)
        aside = tmp_path / "aside.db"
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        file.rename(aside)
        with pytest.raises(StoreUnavailable, match="has been removed"):
            await database.write(touch)
        with pytest.raises(StoreUnavailable, match="has been removed"):
            await SqlMemoryStore(database).load_passed(NOW.wall)
        file.write_bytes(aside.read_bytes())
        await database.write(touch)
        assert await SqlMemoryStore(database).load_delivered(NOW.wall)


async def test_a_file_that_cannot_grow_is_unavailable_and_recovers(file: Path) -> None:
    """SQLite's page limit gives the same error as a full disk."""
    async with opened(file) as database:

        async def fill(connection: AsyncConnection) -> None:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            try:
                rows = [{"did": f"{n:0100d}", "at": "2026-03-01 12:00:00.000000"} for n in range(2_000)]
                await connection.execute(text("INSERT INTO delivered (did, at) VALUES (:did, :at)"), rows)
            finally:
                await connection.exec_driver_sql("PRAGMA max_page_count=1073741823")

        with pytest.raises(StoreUnavailable, match="disk is full"):
            await database.write(fill)
        await database.write(touch)
        assert len(await SqlMemoryStore(database).load_delivered(NOW.wall)) == 1


async def test_a_newer_database_is_refused(file: Path) -> None:
    async with opened(file) as database:
        await database.write(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
        )
    with pytest.raises(StoreError, match="made by a newer Ringfence"):
        await Database.open(file)


async def test_a_failed_write_leaves_nothing(file: Path) -> None:
    async with opened(file) as database:

        async def half(connection: AsyncConnection) -> None:
            await touch(connection)
            await connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

        with pytest.raises(StoreError, match="no such table"):
            await database.write(half)
        assert await SqlMemoryStore(database).load_delivered(NOW.wall) == {}


async def touch(connection: AsyncConnection) -> None:
    await connection.execute(
        text("INSERT OR REPLACE INTO delivered (did, at) VALUES ('+441134960123', '2026-03-01 12:00:00.000000')")
    )


def test_the_migrations_files_say_what_alembic_will_do() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert revisions() == [script.revision for script in scripts.walk_revisions()][::-1]
