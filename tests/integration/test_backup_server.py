"""A backup of a database on PostgreSQL, put back there and on another engine."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import delete

from ringfence.store.contents import Contents, Tally
from ringfence.store.database import Database
from ringfence.store.migrating import revisions, step_back
from ringfence.store.tables import calls
from tests.integration.test_backup import CHANGED, EMPTIED, Machine, fill_all
from tests.lab import new_database


class ServerMachine(Machine):
    """Its database is on a server."""

    def __init__(self, place: Path, url: str) -> None:
        super().__init__(place)
        self.url = url

    def configure(self) -> None:
        super().configure()
        self.config.write_text(f'database = "{self.url}"\n{self.config.read_text()}')


@pytest_asyncio.fixture
async def on_server(tmp_path: Path) -> AsyncIterator[ServerMachine]:
    """Rows in every table."""
    name = await new_database.lay_on_server()
    server = await new_database.server()
    machine = ServerMachine(tmp_path / "server", server.url(name))
    machine.configure()
    machine.state.mkdir()
    database = Database.at(machine.url, as_it_is=True)
    await database.write(fill_all)
    await database.close()
    yield machine
    await asyncio.to_thread(server.drop, name)


async def tallies(place: Path | str) -> dict[str, Tally]:
    database = Database.at(place, as_it_is=True)
    try:
        async with database.reading() as connection:
            return await (await Contents.of(connection)).tallies()
    finally:
        await database.close()


async def test_put_back_there_and_on_sqlite_it_is_the_same(on_server: ServerMachine, tmp_path: Path) -> None:
    key = tmp_path / "secret.key"
    public = (await on_server.said("backup", "new-key", key))["recipient"]
    made = await on_server.said("backup", tmp_path, "--recipient", public)
    before = await tallies(on_server.url)
    refused = await on_server.run("restore", made["file"], "--identity", key)
    assert refused.exit_code == 1 and "--replace" in refused.output
    await _lose_calls(on_server)

    done = await on_server.said("restore", made["file"], "--identity", key, "--replace")
    other = Machine(tmp_path / "other")
    other.configure()
    await other.said("restore", made["file"], "--identity", key)
    for place in (on_server.url, other.database):
        after = await tallies(place)
        same = {name for name in before if before[name].digest == after[name].digest}
        assert (set(before) - same) | {"api_keys"} == EMPTIED | CHANGED
    (kept,) = map(Path, done["aside"])
    assert kept.stat().st_mode & 0o777 == 0o600
    with gzip.open(kept) as inside:
        assert inside.read(10).startswith(b"about.json")


async def test_a_copy_is_made_first_and_is_the_way_back(on_server: ServerMachine) -> None:
    database = Database.at(on_server.url, as_it_is=True)
    await database.write(lambda connection: step_back(connection, revisions()[-2]))
    await database.close()
    database = Database.at(on_server.url, copies=on_server.state)
    await database.prepare()
    await database.close()
    (copy,) = on_server.state.glob("ringfence-database.schema-*")
    await _lose_calls(on_server)
    done = await on_server.said("restore", copy, "--replace")
    assert (done["schema_before"], done["schema"]) == tuple(revisions()[-2:])
    assert (await tallies(on_server.url))["calls"].rows > 0


async def _lose_calls(machine: ServerMachine) -> None:
    database = Database.at(machine.url, as_it_is=True)
    await database.write(lambda connection: connection.execute(delete(calls)))
    await database.close()
