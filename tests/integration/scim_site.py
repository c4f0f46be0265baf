"""The SCIM service as it runs: mounted in the API, on a loopback port, on a database file; the roster is a recorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ringfence.app.hr.scim_ports import ScimKind, ScimStore
from ringfence.app.ports import StoreUnavailable
from ringfence.bootstrap.clock import SystemClock
from ringfence.domain.hr.record import Batch, HrRecord
from ringfence.hr.scim import ScimDoor, ScimSettings
from ringfence.store.database import Database
from ringfence.store.scim_store import SqlScimStore
from ringfence.web.app import at_door, operations
from ringfence.web.ports import Services
from ringfence.web.security import BearerToken
from ringfence.web.server import Door, listen_tcp
from tests.fakes.doors import TOKEN as API_TOKEN
from tests.fakes.node import FakeNode
from tests.lab import new_database

SCIM_TOKEN = "a-token-of-the-identity-provider-for-tests"
SOURCE = "entra"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def scim_settings(**more: Any) -> ScimSettings:
    values = {"name": SOURCE, "type": "scim", "token_file": "/etc/ringfence/scim_token", **more}
    return ScimSettings.model_validate(values)


@dataclass
class FakeRoster:
    """The inlet: keeps every batch, and refuses or breaks when told to."""

    batches: list[Batch] = field(default_factory=list)
    refuses: int = 0
    breaks: str = ""

    async def take(self, batch: Batch) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StoreUnavailable("The database is locked.")
        if self.breaks:
            words, self.breaks = self.breaks, ""
            raise RuntimeError(words)
        self.batches.append(batch)

    @property
    def last(self) -> HrRecord:
        """The one record of the last batch."""
        (record,) = self.batches[-1].records
        assert not self.batches[-1].complete
        return record


@dataclass
class ScimSite:
    """What a test holds in its hands. `client` has the token and speaks to `/scim/v2` with SCIM's media type."""

    door: ScimDoor
    store: ScimStore
    roster: FakeRoster
    client: httpx.AsyncClient
    url: str
    api: FakeNode

    async def empty(self) -> ScimSite:
        """As it was at the beginning: starting one anew for each test would take longer than the tests."""
        for row in await self.store.page(list(ScimKind), 1_000):
            await self.store.remove(row)
        self.roster.batches.clear()
        self.roster.refuses, self.door.heard_at = 0, None
        return self

    async def user(self, **attributes: Any) -> dict[str, Any]:
        """Creates one, as small as it may be, and returns what was answered."""
        body = {"schemas": [USER], "userName": "ada@example.org", "externalId": "E1001", **attributes}
        answer = await self.client.post("/Users", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def patch(self, place: str, *operations: Mapping[str, Any], **headers: str) -> httpx.Response:
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return await self.client.patch(place, json=body, headers=headers)


@asynccontextmanager
async def scim_site(file: Path, settings: ScimSettings | None = None) -> AsyncIterator[ScimSite]:
    """Starts it and waits until it answers; ends it again."""
    await new_database.lay(file)
    database = await Database.open(file)
    roster, store = FakeRoster(), SqlScimStore(database, SOURCE)
    scim = ScimDoor(settings or scim_settings(), store, roster.take, SCIM_TOKEN, SystemClock(), "GB")
    node = FakeNode()
    app = at_door(operations(Services(node.operator, node.importer), mounts={"/scim": scim}), BearerToken(API_TOKEN))
    door = Door(app, listen_tcp("127.0.0.1", 0))
    serving = asyncio.create_task(door.run())
    url = f"{door.place}/scim/v2"
    headers = {"Authorization": f"Bearer {SCIM_TOKEN}", "Content-Type": "application/scim+json; charset=utf-8"}
    try:
        await door.open()
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30.0) as client:
            yield ScimSite(scim, store, roster, client, url, node)
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await database.close()
