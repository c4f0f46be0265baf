"""Backups by the command line: what is in one comes back whole, and what must not come back does not."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyrage
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner, Result

from ringfence.bootstrap import backup_making
from ringfence.config import load
from ringfence.config.reading import secret_places
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.contents import Contents, Tally
from ringfence.store.database import Database
from ringfence.store.tables_audit import audit_head, audit_rows
from ringfence.store.tables_notices import deliveries
from tests.fakes.program import program
from tests.fakes.smallest import smallest_in
from tests.integration.full_database import fill
from tests.lab import new_database

# What is of now, not of then; `api_keys`, `deliveries`, `transitions` and `incidents` are changed in their rows.
EMPTIED = {"sessions", "pending_orders", "staff_messages", "scope_states"}
CHANGED = {"api_keys", "deliveries", "transitions", "incidents", "audit_rows", "audit_head"}


class Machine:
    """A configuration and a state directory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.config = place / "etc" / "ringfence.toml"
        self.state = place / "state"
        self.database = self.state / "ringfence.db"

    def configure(self) -> None:
        self.config.parent.mkdir(parents=True)
        self.config.write_text(smallest_in(self.state, 'node = "node1"\n'))
        for name in ("ari_secret", "ami_secret", "http_token"):
            (self.config.parent / name).write_text(f"{name}-0123456789")

    async def run(self, *arguments: str | Path) -> Result:
        environment = {"RINGFENCE_SOCKET": None, "RINGFENCE_CONFIG": None}
        line = ["--config", str(self.config), *map(str, arguments)]
        return await asyncio.to_thread(lambda: CliRunner(env=environment).invoke(program(), line))

    async def said(self, *arguments: str | Path) -> dict[str, Any]:
        result = await self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Machine]:
    """A machine with rows in every table, and a public key to back up to."""
    machine = Machine(tmp_path / "old")
    machine.configure()
    machine.state.mkdir()
    await new_database.lay(machine.database)
    database = await Database.open(machine.database)
    await database.write(fill_all)
    await database.close()
    yield machine


@pytest.fixture
async def key(old: Machine) -> Path:
    path = old.place / "secret.key"
    found = await old.said("backup", "new-key", path)
    with old.config.open("a") as stream:
        stream.write(f'\n[backup]\nrecipients = ["{found["recipient"]}"]\n')
    return path


async def fill_all(connection: AsyncConnection) -> None:
    await fill(connection)
    await connection.execute(update(deliveries).where(deliveries.c.tries == 1).values(state="waiting"))
    await connection.execute(update(audit_head).values(number=select(func.max(audit_rows.c.number)).scalar_subquery()))


async def _tallies(file: Path) -> dict[str, Tally]:
    database = Database.at(file, as_it_is=True)
    try:
        async with database.reading() as connection:
            return await (await Contents.of(connection)).tallies()
    finally:
        await database.close()


async def test_an_empty_machine_holds_what_was_backed_up(old: Machine, key: Path, tmp_path: Path) -> None:
    before = await _tallies(old.database)
    made = await old.said("backup", tmp_path)
    new = Machine(tmp_path / "new")
    new.config.parent.mkdir(parents=True)
    new.config.write_text(smallest_in(new.state, 'node = "node1"\n'))
    done = await new.said("restore", made["file"], "--identity", key)
    after = await _tallies(new.database)
    same = {
        name for name in before if (before[name].rows, before[name].digest) == (after[name].rows, after[name].digest)
    }
    assert set(before) - same == EMPTIED | CHANGED
    assert {name for name in EMPTIED if after[name].rows} == set()
    assert after["audit_rows"].rows == before["audit_rows"].rows + 2  # made, put back
    assert done["rows"] == sum(one.rows for one in before.values()) + 1
    assert done["left"] == [str(new.config)]
    assert done["missing_secrets"] == ["ari_secret", "ami_secret", "http_token"]


async def test_nothing_of_it_can_be_read_without_the_key(old: Machine, key: Path, tmp_path: Path) -> None:
    made = Path((await old.said("backup", tmp_path))["file"])
    assert made.stat().st_mode & 0o777 == 0o600
    content = made.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n") and b"ringfence" not in content and b"about" not in content
    other = tmp_path / "other.key"
    await old.said("backup", "new-key", other)
    assert (await old.run("backup", "verify", made, "--identity", other)).exit_code == 1
    assert (await old.said("backup", "verify", made, "--identity", key))["node"] == "node1"


async def test_a_passphrase_opens_one_and_another_does_not(old: Machine, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse battery staple\n")
    wrong.write_text("Correct horse battery staple\n")
    made = await old.said("backup", tmp_path / "one.age", "--passphrase-file", right)
    found = await old.said("backup", "verify", made["file"], "--passphrase-file", right)
    assert found["rows"] == made["rows"]
    assert (await old.run("backup", "verify", made["file"], "--passphrase-file", wrong)).exit_code == 1


@pytest.mark.parametrize("harm", ["cut", "changed", "longer", "empty"])
async def test_a_damaged_backup_changes_nothing(old: Machine, key: Path, tmp_path: Path, harm: str) -> None:
    made = Path((await old.said("backup", tmp_path))["file"])
    content = bytearray(made.read_bytes())
    if harm == "changed":
        content[-100] ^= 1
    harmed = {"cut": content[:-200], "changed": content, "longer": content + b"x", "empty": b""}[harm]
    made.write_bytes(harmed)
    before = old.database.read_bytes()
    refused = await old.run("restore", made, "--identity", key, "--replace")
    assert refused.exit_code == 1, refused.output
    assert old.database.read_bytes() == before
    assert not list(old.state.glob("*restor*"))


async def test_a_database_that_is_not_empty_is_kept(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path)
    before = await _tallies(old.database)
    refused = await old.run("restore", made["file"], "--identity", key)
    assert refused.exit_code == 1 and "--replace" in refused.output
    done = await old.said("restore", made["file"], "--identity", key, "--replace")
    aside = Path(done["aside"][0])
    assert (await _tallies(aside / "ringfence.db"))["audit_rows"].rows == before["audit_rows"].rows
    assert aside.stat().st_mode & 0o077 == 0


async def test_api_keys_revoked_since_stay_revoked(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path)
    valid = _valid_keys(old.database)
    assert len(valid) > 1
    with closing(sqlite3.connect(old.database)) as connection, connection:
        connection.execute("UPDATE api_keys SET revoked = made WHERE id = ?", (valid[0],))
    await old.said("restore", made["file"], "--identity", key, "--replace")
    assert _valid_keys(old.database) == valid[1:]


async def test_on_an_empty_machine_api_keys_open_nothing_unless_asked(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path)
    valid = _valid_keys(old.database)
    for name, more, expected in (("closed", (), []), ("open", ("--keep-api-keys",), valid)):
        new = Machine(tmp_path / name)
        new.configure()
        done = await new.said("restore", made["file"], "--identity", key, *more)
        assert _valid_keys(new.database) == expected
        assert len(done["closed_api_keys"]) == len(valid) - len(expected)


async def test_without_a_configuration_the_backups_own_is_written(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path, "--with-secrets")
    new = Machine(old.place)  # the same state directory, as the backup's configuration names it
    new.config = tmp_path / "elsewhere" / "ringfence.toml"
    new.config.parent.mkdir()
    done = await new.said("restore", made["file"], "--identity", key, "--replace")
    assert done["missing_secrets"] == []
    assert load(new.config) == load(old.config)
    secret = new.config.parent / "ari_secret"
    assert secret.read_text() == "ari_secret-0123456789" and secret.stat().st_mode & 0o077 == 0


async def test_all_secrets_are_in_a_backup_when_asked(old: Machine, key: Path, tmp_path: Path) -> None:
    with old.config.open("a") as stream:
        stream.write('[[notify]]\nname = "desk"\ntype = "webhook"\nurl = "https://desk.example.org/"\n')
    names = secret_places(old.config, load(old.config)).keys()
    assert {"database_password", "break_glass", "notify_desk_secret"} < names
    for name in names:
        (old.config.parent / name).write_text(f"{name}-0123456789")
    made = await old.said("backup", tmp_path, "--with-secrets")
    found = await old.said("backup", "verify", made["file"], "--identity", key)
    assert set(found["files"]) == {f"config/{name}" for name in (*names, "ringfence.toml")}


async def test_no_secret_is_in_a_backup_unless_asked(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path)
    found = await old.said("backup", "verify", made["file"], "--identity", key)
    assert found["files"] == ["config/ringfence.toml"]


async def test_a_newer_backup_names_the_version_to_install(old: Machine, key: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    made = await old.said("backup", tmp_path)
    new = Machine(tmp_path / "new")
    new.configure()
    refused = await new.run("restore", made["file"], "--identity", key)
    assert refused.exit_code == 1 and "9999" in refused.output and "Install Ringfence" in refused.output
    assert not new.database.exists()


async def test_age_and_tar_open_one_without_us(old: Machine, key: Path, tmp_path: Path) -> None:
    made = await old.said("backup", tmp_path)
    secret = pyrage.x25519.Identity.from_str(key.read_text().split()[-1])
    inside = pyrage.decrypt(Path(made["file"]).read_bytes(), [secret])
    with tarfile.open(fileobj=io.BytesIO(inside), mode="r:gz") as tar:
        names = tar.getnames()
    assert (names[0], names[-1]) == ("about.json", "manifest.json")
    assert "config/ringfence.toml" in names and "tables/people/000001" in names


async def test_the_record_goes_on_after_a_restore(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.configure()
    machine.state.mkdir()
    await new_database.lay(machine.database)
    secret = tmp_path / "secret.key"
    public = (await machine.said("backup", "new-key", secret))["recipient"]
    made = await machine.said("backup", tmp_path, "--recipient", public)
    await machine.said("restore", made["file"], "--identity", secret, "--replace")
    assert (await machine.said("audit", "verify"))["holds"]
    database = Database.at(machine.database, as_it_is=True)
    try:
        chain = [row async for rows, _ in SqlAuditStore(database).chain() for row in rows]
        async with database.reading() as connection:
            salts = (await connection.execute(text("SELECT count(*) FROM audit_head"))).scalar_one()
    finally:
        await database.close()
    assert [row.action for row in chain] == ["backup made", "backup put back"] and salts == 1


def _valid_keys(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM api_keys WHERE revoked IS NULL ORDER BY id")]


async def test_a_backup_does_not_fill_the_databases_own_disk(
    old: Machine, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_making, "SPARE_BYTES", 1 << 62)
    refused = await old.run("backup", tmp_path)
    assert refused.exit_code == 1 and "No space left" in refused.output
    assert not list(tmp_path.glob("*.age")) and not list(tmp_path.glob(".*partial"))
