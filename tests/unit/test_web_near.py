"""Who reads the metrics and the schema: programs of this machine, those that are named, and whoever has signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ringfence.domain.access import Role
from ringfence.web.app import at_door, operations
from ringfence.web.protection import Protection
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.sessions import COOKIE
from tests.fakes.doors import TOKEN, local_door
from tests.fakes.node import FakeNode

FAR, PROMETHEUS = "198.51.100.20", "192.0.2.17"
PATHS = ("/metrics", "/openapi.json")
SCRAPED = Protection(metrics_from=["192.0.2.16/28", "2001:db8::/64"], trusted_proxies=["127.0.0.1/32"])
Headers = dict[str, str]


@asynccontextmanager
async def asking_from(
    node: FakeNode, peer: str, protection: Protection | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = at_door(operations(node.services), SignIns(BearerToken(TOKEN), node.access.desk), protection)
    transport = httpx.ASGITransport(app, client=(peer, 40000))
    async with node.running(), httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def told(client: httpx.AsyncClient, headers: Headers | None = None) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for path in PATHS]


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_programs_of_this_machine_need_no_sign_in(peer: str) -> None:
    async with asking_from(FakeNode(), peer) as client:
        assert await told(client) == [200, 200]


@pytest.mark.parametrize("peer", [FAR, "2001:db8::7", "no address"])
async def test_from_elsewhere_the_metrics_and_the_schema_need_a_sign_in(peer: str) -> None:
    node = FakeNode()
    async with asking_from(node, peer) as client:
        assert await told(client) == [401, 401]
        assert [(await client.head(path)).status_code for path in PATHS] == [401, 401]
        assert await told(client, {"Authorization": "Bearer wrong"}) == [401, 401]
        assert await told(client, {"Authorization": f"Bearer {TOKEN}"}) == [200, 200]
        for role, status in ((Role.VIEWER, 200), (Role.STAFF, 403)):
            session = await node.access.signed_in(role)
            assert await told(client, {"Cookie": f"{COOKIE}={session}"}) == [status, 200]
        assert [(await client.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]


@pytest.mark.parametrize("peer", [PROMETHEUS, f"::ffff:{PROMETHEUS}", "2001:db8::7"])
async def test_who_is_named_reads_the_metrics_and_nothing_else(peer: str) -> None:
    async with asking_from(FakeNode(), peer, SCRAPED) as client:
        assert await told(client) == [200, 401]
        assert (await client.get("/v1/status")).status_code == 401


@pytest.mark.parametrize(
    ("protection", "forwarded", "statuses"),
    [
        (None, {"X-Forwarded-For": FAR}, [401, 401]),
        (None, {"Forwarded": f"for={FAR}"}, [401, 401]),
        (None, {"X-Real-IP": FAR}, [401, 401]),
        (SCRAPED, {"X-Forwarded-For": FAR}, [401, 401]),
        (SCRAPED, {"X-Forwarded-For": "127.0.0.1"}, [401, 401]),
        (SCRAPED, {"X-Forwarded-For": PROMETHEUS}, [200, 401]),
    ],
)
async def test_what_a_proxy_here_passes_on_is_not_of_this_machine(
    protection: Protection | None, forwarded: Headers, statuses: list[int]
) -> None:
    async with asking_from(FakeNode(), "127.0.0.1", protection) as client:
        assert await told(client, forwarded) == statuses


async def test_the_local_socket_reads_both() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        assert await told(client) == [200, 200]
