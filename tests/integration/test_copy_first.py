"""The copy before a database is brought up to date, the way back by it, and what happens where there is no room."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.store import copy_first
from ringfence.store.contents import Contents
from ringfence.store.database import Database
from ringfence.store.migrating import revisions, step_back
from tests.integration.full_database import fill
from tests.integration.test_backup import Machine
from tests.lab import new_database

BEFORE = revisions()[-2]


@pytest_asyncio.fixture
async def old(tmp_path: Path) -> AsyncIterator[Path]:
    """A database as the version before left it."""
    file = tmp_path / "ringfence.db"
    await new_database.lay(file)
    database = Database.at(file, as_it_is=True)
    await database.write(fill)
    await database.write(lambda connection: step_back(connection, BEFORE))
    await database.close()
    yield file


def copies(file: Path) -> list[Path]:
    return sorted(file.parent.glob("ringfence.db.schema-*"))


async def revision_of(file: Path) -> str:
    database = Database.at(file, as_it_is=True)
    try:
        async with database.reading() as connection:
            return (await Contents.of(connection)).revision
    finally:
        await database.close()


async def opened_once(file: Path) -> None:
    await (await Database.open(file)).close()


async def test_a_copy_is_made_first_and_none_afterwards(old: Path) -> None:
    await opened_once(old)
    await opened_once(old)
    (copy,) = copies(old)
    assert (await revision_of(copy), await revision_of(old)) == (BEFORE, revisions()[-1])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert f".schema-{BEFORE}-" in copy.name


async def test_of_a_new_database_there_is_no_copy(tmp_path: Path) -> None:
    await opened_once(tmp_path / "ringfence.db")
    assert copies(tmp_path / "ringfence.db") == []


async def test_the_last_three_are_kept(old: Path) -> None:
    for year in range(2021, 2025):
        (old.parent / f"ringfence.db.schema-0001-{year}0101T000000Z").touch()
    await opened_once(old)
    assert [path.name[-16:-12] for path in copies(old)][:2] == ["2023", "2024"]
    assert len(copies(old)) == copy_first.KEPT


async def test_without_room_for_the_copy_nothing_is_done(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_first, "SPARE_BYTES", 1 << 62)
    with pytest.raises(StoreUnavailable, match="No space left"):
        await opened_once(old)
    assert (copies(old), await revision_of(old)) == ([], BEFORE)
    monkeypatch.undo()
    await opened_once(old)
    assert await revision_of(old) == revisions()[-1]


async def test_the_copy_is_the_way_back(old: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.configure()
    machine.state.mkdir()
    old.rename(machine.database)
    await opened_once(machine.database)
    with closing(sqlite3.connect(machine.database)) as connection, connection:
        connection.execute("DELETE FROM calls")
    (copy,) = copies(machine.database)
    done = await machine.said("restore", copy, "--replace")
    assert (done["schema_before"], done["schema"]) == (BEFORE, revisions()[-1])
    with closing(sqlite3.connect(machine.database)) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone()[0] > 0


async def test_a_newer_database_is_left_alone(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Ringfence"):
        await opened_once(old)
    assert copies(old) == []
