"""A database brought up to date in a process of its own, as the daemon does it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ringfence.app.ports import StoreError
from ringfence.store import migrating
from ringfence.store.database import Database


async def test_a_new_database_is_made_by_the_process_aside(tmp_path: Path) -> None:
    file = tmp_path / "ringfence.db"
    database = Database.at(file, aside=True)
    try:
        await database.prepare()
    finally:
        await database.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (migrating.revisions()[-1],)


def test_the_daemons_process_has_not_loaded_alembic_for_it(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from ringfence.store.database import Database\n"
        "async def main():\n"
        "    database = Database.at(Path(sys.argv[1]), aside=True)\n"
        "    await database.prepare()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "ringfence.db")], check=False)
    assert ended.returncode == 0


async def test_what_the_process_aside_could_not_do_is_told_by_whoever_asked(tmp_path: Path) -> None:
    database = Database.at(tmp_path, aside=True)  # a folder is no database
    try:
        with pytest.raises(StoreError):
            await database.prepare()
    finally:
        await database.close()
