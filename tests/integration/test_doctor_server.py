"""What the doctor says of a database on a real PostgreSQL server: sound, and with one thing wrong at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.local_checks import database
from ringfence.cli.doctor.server_checks import Seen, line
from ringfence.config import load
from ringfence.store.database import Database
from ringfence.store.migrating import revisions, step_back
from tests.fakes.smallest import smallest_in
from tests.lab import new_database
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports
from tests.lab.postgres import ROLE, PostgresServer


@pytest_asyncio.fixture
async def server() -> PostgresServer:
    return await new_database.server()


@pytest_asyncio.fixture
async def name(server: PostgresServer) -> AsyncIterator[str]:
    made = await new_database.lay_on_server()
    yield made
    await asyncio.to_thread(server.drop, made)


async def look(place: Path, url: str, password: str = "") -> Finding:
    """The one finding."""
    config = place / "ringfence.toml"
    config.write_text(smallest_in(place, f'database = "{url}"\n'))
    if password:
        (place / "database_password").write_text(password)
    (found,) = await database(Ground(config, settings_read=load(config)))
    assert not password or password not in f"{found}"
    return found


async def test_a_sound_one(server: PostgresServer, name: str, tmp_path: Path) -> None:
    found = await look(tmp_path, server.tcp_url(name), server.password)
    assert found.state is State.OK and f"{name} is {ROLE}'s, schema {revisions()[-1]}" in found.words
    daemon = Database.at(server.url(name), sole=True)
    try:
        await daemon.write(lambda connection: connection.execute(text("SELECT 1")))
        assert (await look(tmp_path, server.url(name))).state is State.OK, "this machine's own daemon writes into it"
    finally:
        await daemon.close()


async def test_one_that_is_not_reached(server: PostgresServer, name: str, tmp_path: Path) -> None:
    nobody = await look(tmp_path, f"postgresql://{ROLE}@{HOST}:9/{name}")
    assert nobody.state is State.FAIL and "cannot be reached" in nobody.words and "running" in nobody.fix
    wrong = await look(tmp_path, server.tcp_url(name), "wrong-password")
    assert wrong.state is State.FAIL and "database_password" in wrong.fix
    nowhere = await look(tmp_path, server.url("nowhere"))
    assert nowhere.state is State.FAIL and "Create the role and the database" in nowhere.fix


async def test_another_account_than_the_services_cannot_tell(name: str, tmp_path: Path) -> None:
    ports = Ports()
    peer = PostgresServer(ports)
    (peer.directory / "data" / "pg_hba.conf").write_text("local all postgres trust\nlocal all all peer\n")
    await peer.start()
    try:
        found = await look(tmp_path, peer.url("postgres"))
    finally:
        await peer.close()
        ports.close()
    assert found.state is State.UNKNOWN and "runuser" in found.fix


async def test_the_schema(server: PostgresServer, name: str, tmp_path: Path) -> None:
    held = Database.at(server.url(name), as_it_is=True)
    await held.write(lambda connection: step_back(connection, revisions()[-2]))
    older = await look(tmp_path, server.url(name))
    await held.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    newer = await look(tmp_path, server.url(name))
    await held.write(lambda connection: connection.execute(text("DROP TABLE alembic_version")))
    empty = await look(tmp_path, server.url(name))
    await held.close()
    assert (older.state, newer.state, empty.state) == (State.WARN, State.FAIL, State.WARN)
    assert f"schema {revisions()[-2]}" in older.words and "9999" in newer.words and "no tables" in empty.words


async def test_whose_it_is(server: PostgresServer, name: str, tmp_path: Path) -> None:
    await asyncio.to_thread(server.run, f"ALTER DATABASE {name} OWNER TO postgres")
    database_of_another = await look(tmp_path, server.url(name))
    assert (
        database_of_another.state is State.FAIL and f"ALTER DATABASE {name} OWNER TO {ROLE}" in database_of_another.fix
    )
    await asyncio.to_thread(server.run, "ALTER TABLE calls OWNER TO postgres", name)
    tables_of_another = await look(tmp_path, server.url(name))
    assert tables_of_another.state is State.FAIL and "1 tables" in tables_of_another.words
    assert "REASSIGN OWNED" in tables_of_another.fix


async def test_another_node_that_writes_into_it(server: PostgresServer, name: str, tmp_path: Path) -> None:
    other = Database.at(f"{server.url(name)}&application_name=ringfence on elsewhere", sole=True)
    try:
        await other.write(lambda connection: connection.execute(text("SELECT 1")))
        found = await look(tmp_path, server.url(name))
    finally:
        await other.close()
    assert found.state is State.FAIL and "ringfence on elsewhere" in found.words


async def test_one_that_takes_no_changes(server: PostgresServer, name: str, tmp_path: Path) -> None:
    await asyncio.to_thread(server.run, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    found = await look(tmp_path, server.url(name))
    assert found.state is State.FAIL and "primary" in found.fix


async def test_over_tls(tmp_path: Path) -> None:
    authority, ports = CertificateAuthority(tmp_path / "authority"), Ports()
    server = PostgresServer(ports, authority.certify("db.example.com", HOST))
    await server.start()
    try:
        name = server.create()
        url = f"{server.tcp_url(name)}?sslmode=verify-full&sslrootcert="
        strange = await look(tmp_path, f"{url}/dev/null", server.password)
        assert strange.state is State.FAIL and "sslrootcert" in strange.fix
        await (await Database.open(f"{url}{authority.file}", password=server.password)).close()
        found = await look(tmp_path, f"{url}{authority.file}", server.password)
        assert found.state is State.OK and "over TLSv1" in found.words
    finally:
        await server.close()
        ports.close()


@pytest.mark.parametrize(
    ("tls", "near", "mode", "said"),
    [
        ("", True, "", ""),
        ("", False, "disable", "in clear"),
        ("TLSv1.3", False, "require", "Nobody checks"),
        ("TLSv1.3", False, "verify-full", ""),
    ],
)
def test_the_line_to_another_machine(tls: str, near: bool, mode: str, said: str) -> None:
    seen = Seen("PostgreSQL 15", ROLE, "ringfence", True, 0, False, tls, near, None, revisions()[-1])
    found = line(f"postgresql+psycopg://{ROLE}@192.0.2.50/ringfence?sslmode={mode}", replace(seen, tls=tls))
    assert [State.WARN] * bool(said) == [one.state for one in found] and all(said in one.words for one in found)
