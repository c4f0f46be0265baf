"""Cookies, API keys, forms of other sites, headers, limits and proxies, as a browser or a program meets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Permission, Role
from ringfence.web.app import at_door, operations
from ringfence.web.csrf import Csrf, comes_from_us
from ringfence.web.protection import Protection
from ringfence.web.rates import MAX_CALLERS, Rates
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.sessions import COOKIE, give_cookie, take_cookie, token_in
from tests.fakes.access import ADMIN
from tests.fakes.clock import NOON
from tests.fakes.doors import TOKEN, local_door, signed_in_door
from tests.fakes.node import SCOPE, FakeNode

ORDER = {"mode": "dr", "scope": SCOPE, "reason": "drill"}
PROXY = "192.0.2.1"
BROWSER = "198.51.100.20"


@asynccontextmanager
async def stranger(
    node: FakeNode, protection: Protection | None = None, peer: str = BROWSER
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on TCP with nothing but an address."""
    app = operations(node.services)

    async def breaks(request: Request) -> Response:
        raise RuntimeError("on purpose")

    async def whence(request: Request) -> Response:
        assert request.client is not None
        return Response(f"{request.client.host} {request.url.scheme}")

    app.router.add_route("/breaks", breaks)
    app.router.add_route("/whence", whence)
    door = at_door(app, SignIns(BearerToken(TOKEN), node.access.desk), protection)
    transport = httpx.ASGITransport(door, raise_app_exceptions=False, client=(peer, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_the_cookie_goes_to_this_host_over_tls_and_to_no_script() -> None:
    node = FakeNode()
    new = await node.access.desk.begin_session("ada", frozenset({Role.VIEWER}), ADMIN.by)
    answer = Response()
    give_cookie(answer, new)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"__Host-ringfence={new.token};")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=lax", "secure"}
    take_cookie(answer)
    assert "Max-Age=0" in answer.headers.getlist("set-cookie")[-1]


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        ([f"{COOKIE}=abc"], "abc"),
        ([f"other=1; {COOKIE}=abc; more=2"], "abc"),
        ([f"{COOKIE}=abc; {COOKIE}=planted"], None),
        ([f"{COOKIE}=abc", f"{COOKIE}=planted"], None),
        ([f"{COOKIE}="], None),
        (["ringfence=abc"], None),
        ([], None),
    ],
)
def test_one_cookie_of_our_name_counts_and_two_are_none(cookies: list[str], found: str | None) -> None:
    headers = Headers(raw=[(b"cookie", cookie.encode()) for cookie in cookies])
    assert token_in(headers) == found


async def test_a_session_lets_in_until_it_is_revoked() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.HELPDESK) as browser, local_door(node) as admin:
        me = (await browser.get("/v1/access/me")).json()
        assert (me["name"], me["roles"], me["person"]) == ("grace@example.org", ["helpdesk"], "ada")
        done = await browser.put("/v1/override", json=ORDER)
        assert (done.status_code, done.json()["override"]["who"]) == (200, "grace@example.org")
        revoked = await admin.delete(f"/v1/access/sessions/{me['session']}", params={"reason": "left"})
        assert revoked.json() == {"ended": 1}
        assert (await browser.get("/v1/status")).status_code == 401


async def test_a_session_that_cannot_be_stored_as_over_is_over_all_the_same() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.VIEWER) as browser, local_door(node) as admin:
        node.access.store.fault = StoreUnavailable("The database does not answer.")
        revoked = await admin.delete("/v1/access/sessions", params={"reason": "left", "name": "grace@example.org"})
        assert revoked.status_code == 503
        assert (await browser.get("/v1/status")).status_code == 401


async def test_a_key_lets_a_program_in_under_its_own_name() -> None:
    node = FakeNode()
    async with node.running(), stranger(node) as client, local_door(node) as admin:
        made = (await admin.post("/v1/access/keys", json={"name": "wallboard", "permissions": ["see", "order"]})).json()
        client.headers["Authorization"] = f"Bearer {made['token']}"
        client.headers["X-Ringfence-Who"] = "somebody else"
        done = await client.put("/v1/override", json=ORDER)
        assert done.json()["override"]["who"] == "wallboard (key)"
        assert (await client.get("/v1/export")).status_code == 403
        await admin.delete(f"/v1/access/keys/{made['key']['id']}", params={"reason": "leaked"})
        assert (await client.get("/v1/status")).status_code == 401


async def test_a_wrong_key_is_not_made_good_by_a_cookie() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.VIEWER) as browser:
        assert (await browser.get("/v1/status", headers={"Authorization": "Bearer rf_x_y"})).status_code == 401


async def test_nobody_signs_in_with_a_key_as_a_cookie_or_a_session_as_a_key() -> None:
    node = FakeNode()
    desk = node.access.desk
    key = await desk.create_key("monitoring", frozenset({Permission.SEE}), NOON + timedelta(days=1), ADMIN)
    session = await node.access.signed_in(Role.ADMIN)
    async with node.running(), stranger(node) as client:
        assert (await client.get("/v1/status", headers={"Cookie": f"{COOKIE}={key.token}"})).status_code == 401
        assert (await client.get("/v1/status", headers={"Authorization": f"Bearer {session}"})).status_code == 401


FOREIGN: tuple[dict[str, str], ...] = (
    {"x-csrf-token": ""},
    {"x-csrf-token": "0" * 64},
    {"x-csrf-token": "\u00e9"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example.net"},
    {"origin": "null"},
    {"origin": "http://localhost.evil.example.net"},
)
OURS: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"origin": "http://localhost"},
    {},
)


async def test_a_change_from_another_sites_page_is_refused_and_one_from_ours_is_not() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.ADMIN) as browser:
        token = browser.headers.pop("x-csrf-token")
        for headers in FOREIGN:
            sent = {"x-csrf-token": token} | headers
            raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
            answer = await browser.put("/v1/override", json=ORDER, headers=raw)
            assert (answer.status_code, answer.json()["field"]) == (403, "X-CSRF-Token"), headers
        assert (await browser.put("/v1/override", json=ORDER)).status_code == 403
        assert node.failover.overrides == {}
        for headers in OURS:
            answer = await browser.put("/v1/override", json=ORDER, headers={"x-csrf-token": token} | headers)
            assert answer.status_code == 200, headers


async def test_the_form_token_of_another_session_is_none() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.ADMIN) as one, signed_in_door(node, Role.ADMIN) as other:
        token = other.headers["X-CSRF-Token"]
        assert (await one.put("/v1/override", json=ORDER, headers={"X-CSRF-Token": token})).status_code == 403


def test_a_form_token_outlives_a_restart_and_no_other_installation_makes_it() -> None:
    token = Csrf("the secret").token("session")
    assert Csrf("the secret").fits("session", token)
    assert not Csrf("another").fits("session", token)
    assert not Csrf("the secret").fits("other", token)


def test_a_proxy_that_ends_tls_makes_no_other_site_of_us() -> None:
    assert comes_from_us(Headers({"origin": "https://phones.example.org", "host": "phones.example.org"}))
    assert not comes_from_us(Headers({"origin": "https://phones.example.org", "host": "phones.example.org:8443"}))


async def test_every_answer_tells_the_browser_to_load_and_frame_nothing() -> None:
    node = FakeNode()
    async with node.running(), stranger(node) as client:
        for path in ("/v1/status", "/v1/no/such", "/healthz", "/breaks", "/openapi.json"):
            answer = await client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "strict-transport-security" not in answer.headers
            assert (answer.status_code == 500) is (path == "/breaks")


async def test_a_refused_host_is_told_so_with_the_headers_too() -> None:
    node = FakeNode()
    async with node.running(), stranger(node) as client:
        answer = await client.get("/", headers={"Host": "evil.example.net"})
        assert answer.status_code == 400
        assert "content-security-policy" in answer.headers


async def test_who_asks_too_often_waits_and_nobody_else_does() -> None:
    node = FakeNode()
    rates = Rates(2, 5, lambda: node.clock.now().monotonic)
    async with node.running(), stranger(node, Protection(rates=rates)) as client:
        token = {"Authorization": f"Bearer {TOKEN}"}
        said = [(await client.get("/v1/status", headers=token)).status_code for _ in range(6)]
        assert said == [200] * 5 + [429]
        refused = await client.get("/v1/status", headers=token)
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["field"] == "rate"
        assert (await client.get("/v1/status")).status_code == 401
        await node.clock.advance(1)
        said = [(await client.get("/v1/status", headers=token)).status_code for _ in range(3)]
        assert said == [200, 200, 429]


async def test_what_is_mounted_limits_itself() -> None:
    async def pushed(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("taken")(scope, receive, send)

    node = FakeNode()
    app = at_door(
        operations(node.services, mounts={"/scim": pushed}),
        BearerToken(TOKEN),
        Protection(rates=Rates(1, 1, lambda: 0.0)),
    )
    async with (
        node.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(BROWSER, 40000)), base_url="http://localhost"
        ) as client,
    ):
        assert [(await client.post("/scim/v2/Users")).status_code for _ in range(5)] == [200] * 5
        assert [(await client.get("/readyz")).status_code for _ in range(2)][-1] == 429


async def test_sessions_and_keys_have_a_limit_each() -> None:
    node = FakeNode()
    rates = Rates(1, 1, lambda: node.clock.now().monotonic)
    async with node.running(), stranger(node, Protection(rates=rates)) as client:
        cookies = [await node.access.signed_in(Role.VIEWER) for _ in range(2)]
        for cookie in cookies:
            said = [
                (await client.get("/v1/status", headers={"Cookie": f"{COOKIE}={cookie}"})).status_code for _ in "12"
            ]
            assert said == [200, 429]


async def test_the_local_socket_has_no_limit() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as admin:
        assert {(await admin.get("/v1/access/me")).status_code for _ in range(300)} == {200}


async def test_another_name_with_the_shared_token_is_no_other_caller() -> None:
    node = FakeNode()
    rates = Rates(1, 3, lambda: node.clock.now().monotonic)
    async with node.running(), stranger(node, Protection(rates=rates)) as client:
        said = []
        for name in ("ada", "bob", "carol", "dan"):
            headers = {"Authorization": f"Bearer {TOKEN}", "X-Ringfence-Who": name}
            said.append((await client.get("/v1/access/me", headers=headers)).status_code)
        assert said == [200, 200, 200, 429]


def test_a_crowd_of_callers_takes_no_more_memory() -> None:
    rates = Rates(1, 1, lambda: 0.0)
    assert all(rates.wait_seconds(f"address {number}") == 0 for number in range(MAX_CALLERS + 10))
    assert rates.wait_seconds(f"address {MAX_CALLERS + 9}") == 1
    assert rates.wait_seconds("address 0") == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        (PROXY, BROWSER, f"{BROWSER} https"),
        (PROXY, f"203.0.113.66, {BROWSER}", f"{BROWSER} https"),
        (BROWSER, "127.0.0.1", f"{BROWSER} http"),
    ],
)
async def test_a_trusted_proxy_says_who_asks_and_nobody_else_does(peer: str, forwarded: str, seen: str) -> None:
    node = FakeNode()
    async with node.running(), stranger(node, Protection(trusted_proxies=[f"{PROXY}/32"]), peer) as client:
        headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
        answer = await client.get("/whence", headers=headers)
        assert answer.text == seen
        assert ("strict-transport-security" in answer.headers) is seen.endswith("https")


async def test_without_a_trusted_proxy_nobody_is_believed() -> None:
    node = FakeNode()
    async with node.running(), stranger(node) as client:
        assert (await client.get("/whence", headers={"X-Forwarded-For": "127.0.0.1"})).text == f"{BROWSER} http"


async def test_lists_are_cut_and_say_how_much_there_is() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as admin:
        for number in range(3):
            await node.access.signed_in(Role.VIEWER, name=f"person {number}")
        found = (await admin.get("/v1/access/sessions", params={"limit": 2})).json()
        assert (len(found["sessions"]), found["in_all"]) == (2, 3)
        found = (await admin.get("/v1/access/sessions", params={"name": "person 1"})).json()
        assert [one["name"] for one in found["sessions"]] == ["person 1"]
        assert (await admin.delete("/v1/access/keys/nokey", params={"reason": "x"})).status_code == 404
        assert (await admin.delete("/v1/access/sessions", params={"name": "x"})).status_code == 422
