"""`ringfence db`: everything into another database and back, compared; and all that is refused."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import insert, text
from typer.testing import CliRunner

from ringfence.app.audit import AuditQuery, verified
from ringfence.bootstrap.identity import StateDir
from ringfence.store import tables
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.migrating import revisions
from tests.fakes.program import program
from tests.fakes.smallest import smallest_in
from tests.integration.full_database import fill
from tests.integration.stores import NOW, opened_at
from tests.lab import new_database


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """With a SQLite database beside it that has rows in every table."""
    path = tmp_path / "ringfence.toml"
    path.write_text(smallest_in(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "ringfence.db"
    await new_database.lay(file)
    async with opened_at(file) as database:
        await database.write(fill)
    return path


@pytest.fixture
async def empty() -> Any:
    """The address of an empty database on a server, without a table."""
    server = await new_database.server()
    name = server.create()
    yield server.url(name)
    server.drop(name)


def ringfence(config: Path, *arguments: str) -> Result:
    environment = {"RINGFENCE_SOCKET": None, "RINGFENCE_CONFIG": None}
    return CliRunner(env=environment).invoke(program(), ["--config", str(config), *arguments])


def told(result: Result, status: int = 0) -> dict[str, Any]:
    assert result.exit_code == status, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def moved_to(config: Path, address: str) -> Path:
    """The configuration as the command says to write it."""
    other = config.with_name("moved.toml")
    other.write_text(f'database = "{address}"\n{config.read_text()}')
    return other


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_everything_is_moved_compared_and_found_there(config: Path, empty: str) -> None:
    file = config.parent / "state" / "ringfence.db"
    before, here = digest(file), told(ringfence(config, "db", "info", "--json"))
    result = ringfence(config, "db", "move", "--to", empty, "--json")
    assert told(result)["rows"] == here["rows"]
    assert f'database = "{empty}"' in result.stderr
    assert digest(file) == before, "the old database is left as it was"
    there = told(ringfence(moved_to(config, empty), "db", "info", "--json"))
    assert there["engine"].startswith("PostgreSQL") and there["schema"] == revisions()[-1]
    # Only that it was moved has come to it.
    assert there["rows"] == here["rows"] | {"audit_rows": here["rows"]["audit_rows"] + 1}


def test_and_back_again(config: Path, empty: str, tmp_path: Path) -> None:
    there = told(ringfence(config, "db", "move", "--to", empty, "--json"))
    back = f"sqlite+aiosqlite:///{tmp_path / 'back.db'}"
    again = told(ringfence(moved_to(config, empty), "db", "move", "--to", back, "--json"))
    changed = {name for name in there["digests"] if there["digests"][name] != again["digests"][name]}
    assert changed == {"audit_rows", "audit_head"}, "but for the word that it was moved"
    assert (tmp_path / "back.db").stat().st_mode & 0o077 == 0


def test_a_rehearsal_leaves_nothing(config: Path, empty: str, tmp_path: Path) -> None:
    found = told(ringfence(config, "db", "move", "--to", empty, "--dry-run", "--json"))
    assert found["rehearsed"] is True and found["rows"]["calls"] > 0
    there = told(ringfence(moved_to(config, empty), "db", "info", "--json"), status=4)
    assert (there["schema"], there["rows"]) == (None, {})
    file = tmp_path / "new.db"
    ringfence(config, "db", "move", "--to", f"sqlite+aiosqlite:///{file}", "--dry-run")
    assert not file.exists()


def test_beside_a_daemon_nothing_is_moved(config: Path, empty: str) -> None:
    with StateDir(config.parent / "state"):
        result = ringfence(config, "db", "move", "--to", empty)
        assert told(ringfence(config, "db", "info", "--json"))["rows"]["calls"] > 0
    assert (result.exit_code, "Stop it first" in result.stderr) == (1, True), result.output
    assert told(ringfence(moved_to(config, empty), "db", "info", "--json"), status=4)["schema"] is None


def test_a_database_that_is_not_empty_is_refused(config: Path, empty: str) -> None:
    async def use() -> None:
        async with opened_at(empty) as database:
            row = {"did": "+441134960123", "at": NOW.wall}
            await database.write(lambda connection: connection.execute(insert(tables.delivered).values(row)))

    asyncio.run(use())
    result = ringfence(config, "db", "move", "--to", empty)
    assert (result.exit_code, "not empty: there are rows in delivered" in result.stderr) == (1, True), result.output


def test_a_database_that_another_daemon_writes_into_is_refused(config: Path, empty: str) -> None:
    async def beside() -> tuple[str, str]:
        other = await Database.open(empty, sole=True)
        try:
            await other.write(lambda connection: connection.execute(text("DELETE FROM delivered")))
            looking = ringfence_in_thread(moved_to(config, empty), "db", "info", "--json")
            moving = ringfence_in_thread(config, "db", "move", "--to", empty)
            return told(await looking)["owner"], (await moving).stderr
        finally:
            await other.close()

    owner, said = asyncio.run(beside())
    assert owner.startswith("ringfence on ") and f"The database belongs to '{owner.split(' (')[0]}'" in said


async def ringfence_in_thread(config: Path, *arguments: str) -> Result:
    return await asyncio.to_thread(ringfence, config, *arguments)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("postgresql://ringfence:hidden@/ringfence", "holds a password: take it out"),
        ("postgresql://db.example.com/ringfence", "names another machine and no sslmode"),
        ("mysql://db.example.com/ringfence", "is no address of a database"),
        ("", "--to is empty"),
    ],
)
def test_an_address_that_cannot_be_is_refused(config: Path, to: str, said: str) -> None:
    result = ringfence(config, "db", "move", "--to", to)
    assert (result.exit_code, said in result.stderr) == (1, True), result.output
    assert "hidden" not in result.output


def test_the_database_in_use_is_no_target(config: Path) -> None:
    file = config.parent / "state" / "ringfence.db"
    result = ringfence(config, "db", "move", "--to", f"sqlite+aiosqlite:///{file}")
    assert (result.exit_code, "is used now" in result.stderr) == (1, True), result.output


async def test_the_record_goes_on_over_the_move(tmp_path: Path, empty: str) -> None:
    path = tmp_path / "ringfence.toml"
    path.write_text(smallest_in(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    async with opened_at(tmp_path / "state" / "ringfence.db") as database:
        await SqlAuditStore(database).append([])
    assert (await ringfence_in_thread(path, "db", "move", "--to", empty)).exit_code == 0
    async with opened_at(empty) as database:
        store = SqlAuditStore(database)
        (row,) = await store.page(AuditQuery(), 10)
        assert (row.action, json.loads(row.detail)["to"]) == ("database moved", "postgresql")
        assert (await verified(store, [])).faults == ()
