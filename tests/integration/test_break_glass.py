"""The night on which the database is what is down: a break-glass account signs in on the page, by its real parts."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ringfence.bootstrap.access_side import AccessSide
from ringfence.cli.new_files import write_all
from ringfence.cli.sealed_accounts import first_accounts
from ringfence.config import parse
from ringfence.domain.notice import Notice
from ringfence.store.database import Database
from ringfence.web.app import create_app
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.sessions import COOKIE
from ringfence.web.sign_in_door import SignInDoor
from tests.fakes.doors import TOKEN
from tests.fakes.node import FakeNode
from tests.fakes.smallest import smallest

ACCOUNT = "break-glass-1"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database.at(tmp_path / "no such directory" / "ringfence.db", patience_seconds=0.05)
    yield database
    await database.close()


async def test_the_envelope_opens_the_page_without_a_database(tmp_path: Path, database: Database) -> None:
    config = tmp_path / "ringfence.toml"
    accounts = first_accounts(config)
    write_all([accounts.file])
    node = FakeNode()
    told: list[Notice] = []

    async def tell(notice: Notice) -> None:
        told.append(notice)

    desk = AccessSide(parse(tomllib.loads(smallest())), config, database, node.clock, tell).desk
    services = replace(node.services, access=desk, sign_in=SignInDoor(desk, node.clock))
    app = create_app(services, SignIns(BearerToken(TOKEN), desk))
    transport = httpx.ASGITransport(app, client=("192.0.2.9", 40000))
    async with node.running(), httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        form = {"name": ACCOUNT, "password": "not this"}
        refused = await browser.post("/sign-in/break-glass", data=form)
        assert refused.status_code == 403 and "set-cookie" not in refused.headers
        form["password"] = accounts.passwords[ACCOUNT].upper().replace("-", " ")
        let_in = await browser.post("/sign-in/break-glass", data=form)
        assert let_in.status_code == 303
        cookie = let_in.headers["set-cookie"].partition(";")[0]
        assert cookie.startswith(f"{COOKIE}=")
        me = await browser.get("/v1/access/me", headers={"Cookie": cookie})
        assert (me.json()["name"], me.json()["roles"]) == (ACCOUNT, ["admin"])
    assert [ACCOUNT in notice.title for notice in told] == [True]
    assert desk.unstored == 2
