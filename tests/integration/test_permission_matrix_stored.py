"""Every role's refused operations against the node's real stores: the database holds the same rows afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ringfence.app.directory_import import StoredDirectory
from ringfence.bootstrap.access_side import AccessSide
from ringfence.bootstrap.clock import SystemClock
from ringfence.bootstrap.node import Node
from ringfence.config import Secrets, parse
from ringfence.daemon import services_of
from ringfence.domain.access import GRANTS, Role, SignedInBy
from ringfence.domain.directory import Directory
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.web.app import create_app
from ringfence.web.csrf import Csrf
from ringfence.web.protection import Protection
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.sessions import COOKIE
from tests.fakes.clock import settle
from tests.fakes.doors import TOKEN
from tests.fakes.node import small_directory
from tests.fakes.smallest import smallest
from tests.lab import new_database
from tests.unit.test_permission_matrix import SAMPLES, ask, granted


@dataclass
class StoredNode:
    """The daemon's own parts on a database file; no Asterisk answers."""

    node: Node
    access: AccessSide
    file: Path

    def rows(self) -> list[str]:
        """The whole database, as the statements that would make it."""
        with closing(sqlite3.connect(self.file)) as connection:
            return list(connection.iterdump())

    @asynccontextmanager
    async def as_role(self, role: Role) -> AsyncIterator[httpx.AsyncClient]:
        new = await self.access.desk.begin_session(f"{role}@example.org", frozenset({role}), SignedInBy.OIDC, "ada")
        csrf = Csrf("a secret of these tests")
        services = services_of(self.node.settings, self.node, self.access)
        app = create_app(services, SignIns(BearerToken(TOKEN), self.access.desk), protection=Protection(csrf))
        headers = {"Cookie": f"{COOKIE}={new.token}", "X-CSRF-Token": csrf.token(new.row.id)}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            yield client


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[StoredNode]:
    settings = parse(tomllib.loads(smallest()) | {"state_dir": str(tmp_path)})
    secret = SecretStr(TOKEN)
    file, clock = tmp_path / "ringfence.db", SystemClock()
    await new_database.lay(file)
    database = await Database.open(file)
    node = Node(settings, Secrets(ari_secret=secret, ami_secret=secret, http_token=secret), database, "test", clock)
    empty = StoredDirectory(Directory.of([], [], []), 0)
    await SqlDirectoryStore(database).replace(empty, small_directory(), "test", "test", clock.now().wall)
    await node.hr.desk.load()
    node.failover.restore({}, [])
    tasks = [asyncio.create_task(work()) for work in (node.failover.run, node.ledger.run, node.hr.desk.run)]
    await settle()
    try:
        yield StoredNode(node, AccessSide(settings, tmp_path / "ringfence.toml", database, clock), file)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        await database.close()


@pytest.mark.parametrize("role", list(Role))
async def test_what_is_refused_is_not_in_the_database(stored: StoredNode, role: Role) -> None:
    async with stored.as_role(role) as client:
        before = stored.rows()
        for sample in SAMPLES:
            if not granted(sample.operation, GRANTS[role]):
                answer = await ask(client, sample)
                assert answer.status_code == 403, (sample, answer.text)
                assert stored.rows() == before, sample


@pytest.mark.parametrize("operation", ["set_override", "enter_numbers", "create_access_key"])
async def test_what_is_let_through_is_in_it(stored: StoredNode, operation: str) -> None:
    async with stored.as_role(Role.ADMIN) as client:
        before = stored.rows()
        (sample,) = (one for one in SAMPLES if one.operation == operation)
        answer = await ask(client, sample)
        assert answer.status_code == 200, answer.text
        assert stored.rows() != before
