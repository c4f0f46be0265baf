"""Who comes in over HTTP, and what a stranger learns: nothing."""

from __future__ import annotations

import logging

import httpx
import pytest

from ringfence.app.audit_facts import facts_of_outage
from ringfence.domain.audit import MACHINE
from ringfence.web.security import BearerToken
from tests.fakes.doors import TOKEN, WITH_TOKEN, door, http_door, local_door
from tests.fakes.node import DID, SCOPE, FakeNode

GUARDED = (
    ("GET", "/v1/status"),
    ("GET", "/v1/status/changes"),
    ("PUT", "/v1/override"),
    ("DELETE", "/v1/override"),
    ("POST", "/v1/failback"),
    ("GET", f"/v1/explain/{DID}"),
    ("GET", "/v1/calls"),
    ("GET", "/v1/history"),
    ("POST", "/v1/import"),
    ("GET", "/v1/export"),
    ("GET", "/v1/no/such/path"),
    ("GET", "/v1"),
)

BAD_CREDENTIALS = (
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": TOKEN},
    {"Authorization": f"Bearer {'x' * 4000}"},
    {"Authorization": "Bearer \u00e9".encode("latin-1").decode("latin-1")},
    {"Cookie": f"token={TOKEN}"},
    {"X-Ringfence-Who": "root"},
)


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_stranger_is_told_401_and_nothing_more(method: str, path: str) -> None:
    node = FakeNode()
    async with node.running(), door(node, BearerToken(TOKEN), {}) as client:
        for headers in BAD_CREDENTIALS:
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            answer = await client.request(method, path, headers=raw, content=b"{ not even JSON")
            assert answer.status_code == 401, headers
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ringfence"'
            assert answer.json()["field"] == "Authorization"
        assert node.failover.overrides == {}


async def test_a_token_in_the_address_is_no_token() -> None:
    node = FakeNode()
    async with node.running(), door(node, BearerToken(TOKEN), {}) as client:
        for query in ({"token": TOKEN}, {"access_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}):
            assert (await client.get("/v1/status", params=query)).status_code == 401


async def test_the_token_is_never_logged_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await client.get("/v1/status")
        answer = await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, "reason": "drill"})
        assert answer.status_code == 200
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(BearerToken(TOKEN))


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        BearerToken("short")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8090", 200),
        ("localhost", 200),
        ("LOCALHOST:8090", 200),
        ("[::1]:8090", 200),
        ("phones.example.org:8090", 200),
        ("evil.example.net", 400),
        ("127.0.0.1.evil.example.net", 400),
        ("", 400),
    ],
)
async def test_a_host_that_is_not_ours_is_refused_even_without_a_guard(host: str, status: int) -> None:
    node = FakeNode()
    auth = BearerToken(TOKEN, hosts=["phones.example.org"])
    async with node.running(), door(node, auth, {"Host": host}) as client:
        assert (await client.get("/healthz")).status_code == status


async def test_who_said_it_is_shown_with_the_door_it_came_through() -> None:
    node = FakeNode()
    order = {"mode": "dr", "scope": SCOPE, "reason": "drill"}
    async with node.running(), http_door(node) as http, local_door(node) as local:
        said = [
            (await http.put("/v1/override", json=order)).json()["override"]["who"],
            (await http.put("/v1/override", json=order, headers={"X-Ringfence-Who": "bob"})).json()["override"]["who"],
            (await local.put("/v1/override", json=order)).json()["override"]["who"],
            (await _put_as(local, "Zo\u00eb", order)).json()["override"]["who"],
        ]
        assert said == ["http", "bob (http)", "ada", "Zo\u00eb"]
        too_long = await _put_as(local, "x" * 200, order)
        assert (too_long.status_code, too_long.json()["field"]) == (422, "who")


async def test_the_record_tells_how_whoever_orders_had_signed_in_and_takes_nobody_for_the_machine() -> None:
    node = FakeNode()
    order = {"mode": "dr", "scope": SCOPE, "reason": "drill"}
    async with node.running(), http_door(node) as http, local_door(node) as local:
        await _put_as(http, MACHINE, order)
        await _put_as(local, MACHINE, order)
        assert (await http.delete("/v1/override", params={"scope": SCOPE, "reason": "drill"})).status_code == 200
        facts = [fact for change in node.outage_store.changes for fact in facts_of_outage(change)]
    assert [(fact.who, fact.by) for fact in facts] == [
        ("ringfence (http)", "token"),
        ("ringfence (local socket)", "local socket"),
        ("http", "token"),
    ]


async def _put_as(client: httpx.AsyncClient, name: str, order: dict[str, str]) -> httpx.Response:
    return await client.put("/v1/override", json=order, headers=[(b"X-Ringfence-Who", name.encode())])


async def test_health_needs_no_token_and_tells_nothing_personal() -> None:
    node = FakeNode()
    async with node.running(), door(node, BearerToken(TOKEN), {}) as client:
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert DID not in answer.text or path == "/openapi.json"  # whose examples are made up, as our DIDs here


async def test_there_is_no_page_that_loads_from_elsewhere() -> None:
    node = FakeNode()
    async with node.running(), door(node, BearerToken(TOKEN), WITH_TOKEN) as client:
        assert [(await client.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]
