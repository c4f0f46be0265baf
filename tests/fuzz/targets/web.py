"""What comes in over HTTP: the API, the pages and their forms, SCIM; cookies, tokens, and a sign-in on its way."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import quote

from ringfence.domain.access import Role, SignedInBy
from ringfence.hr.scim import ScimDoor
from ringfence.web.app import at_door, operations
from ringfence.web.csrf import Csrf
from ringfence.web.protection import Protection
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.sessions import COOKIE
from tests.fakes.clock import FakeClock
from tests.fakes.doors import TOKEN
from tests.fakes.full_application import full_application
from tests.fakes.roster_node import RosterNode
from tests.fakes.sample_requests import routes_of, samples
from tests.fakes.scim_store import FakeScimStore
from tests.fuzz.target import Target, Try, holds, shape
from tests.integration.scim_site import SCIM_TOKEN, FakeRoster, scim_settings
from tests.lab.number_scanner import found_in

_BEYOND: Final = re.compile(rb"[^!-~]")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HEADER: Final = re.compile(rb"[A-Za-z0-9-]{1,60}")
HOW_LONG_SECONDS: Final = 0.5
"""For an answer that waits for something to happen: an hour passes at once on the clock of these nodes, or never."""


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "http",
            "requests to the API and the pages, URL parameters and forms among them",
            "web.order_targets web.people_entries web.pages.order_form web.csrf web.security web.near web.sessions "
            "web.errors web.paging web.durations web.simulation_api web.directory_api web.pages.person_forms "
            "web.pages.audit_page web.pages.override_page web.pages.forms web.once_only web.audit_models",
            _http,
            made=_requests,
            max_bytes=8192,
            grows=False,
            dear=True,
        ),
        Target(
            "scim",
            "SCIM requests, PATCH paths and filters",
            "hr.scim.application hr.scim.flat hr.scim.guard hr.scim.keeper hr.scim.lenient hr.scim.records "
            "hr.scim.search hr.scim.storage",
            _scim,
            max_bytes=8192,
            grows=False,
            dear=True,
        ),
    )


def _requests() -> tuple[bytes, ...]:
    """One for each operation of the API and for each page."""
    app = full_application()
    found = []
    for one in samples(app, frozenset(str(route.operation_id) for route in routes_of(app))):
        query = "&".join(f"{name}={quote(value)}" for name, value in one.query.items())
        body = b"" if one.json is None else json.dumps(one.json).encode()
        found.append(f"{one.method} {one.path}{'?' if query else ''}{query}\n\n".encode() + body)
    for form in (
        b"POST /override\n\ndids=0113 496 0123&mode=dr&length=1h&reason=drill",
        b"GET /audit?since=2030-01-01T00:00&who=a\n\n",
        b"GET /did/%2B441134960123\n\n",
        b"POST /sign-in\n\naccount=break-glass-1&password=x",
        b"GET /metrics\nclient: 203.0.113.9\nx-forwarded-for: ::1\n\n",
    ):
        found.append(form)
    return tuple(found)


class _Asked:
    """One request into an application, and what was answered."""

    def __init__(self, data: bytes, defaults: dict[str, bytes]) -> None:
        head, _, self.body = data.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        method, _, target = first.partition(b" ")
        given = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        client = given.pop(b"client", b"127.0.0.1").decode("latin-1")
        form = self.body[:1] not in (b"{", b"[", b'"') and bool(self.body)
        kind = b"application/x-www-form-urlencoded" if form else b"application/json"
        headers = {
            b"host": b"localhost",
            b"content-type": kind,
            **{k.encode(): v for k, v in defaults.items()},
            **given,
        }
        # As the server in front hands it over: an address is in ASCII, a header without line ends, a path decoded.
        path, _, query = _BEYOND.sub(lambda hit: b"%%%02X" % hit[0][0], target).partition(b"?")
        text = path.decode("latin-1")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method.decode("latin-1").upper()[:20] or "GET",
            "raw_path": path,
            "query_string": query,
            "path": "/" + _unquoted(text).lstrip("/"),
            "root_path": "/scim" if path.startswith(b"/scim") else "",
            "client": (client, 5),
            "server": ("localhost", 80),
            "headers": [(name, _CONTROL.sub(b"", value)) for name, value in headers.items() if _HEADER.fullmatch(name)],
        }
        self.status = 0
        self.answer = b""
        self._given = False
        self._gone = asyncio.Event()

    async def into(self, app: Any, seconds: float = HOW_LONG_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            await app(self.scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._given:
            return {"type": "http.disconnect"}
        self._given = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message["headers"]:
                holds(b"\n" not in name + value and b"\r" not in name + value, "a line end in a header", value)
        elif len(self.answer) < 1 << 20:
            self.answer += message.get("body", b"")


def _unquoted(text: str) -> str:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(text.encode("latin-1")).decode("utf-8", "replace")


def _http() -> Try:
    loop, stack, node = asyncio.new_event_loop(), AsyncExitStack(), RosterNode()
    csrf = Csrf("a secret of these tests")

    async def begin() -> tuple[Any, dict[str, bytes]]:
        await stack.enter_async_context(node.running())
        await node.load_first()
        app = at_door(operations(node.services), SignIns(BearerToken(TOKEN), node.access.desk), Protection(csrf))
        return app, await sign_in()

    async def sign_in() -> dict[str, bytes]:
        new = await node.access.desk.begin_session("grace@example.org", frozenset(Role), SignedInBy.OIDC, "ada")
        return {"cookie": f"{COOKIE}={new.token}".encode(), "x-csrf-token": csrf.token(new.row.id).encode()}

    app, defaults = loop.run_until_complete(begin())

    def standing() -> tuple[object, ...]:
        """What a refused request leaves as it was."""
        overrides = tuple(node.outage_store.overrides.values())
        return id(node.keeper.directory), overrides, node.directory_store.stored.version, len(node.order_store.pending)

    async def attempt(data: bytes) -> str:
        asked, before = _Asked(data, defaults), standing()
        try:
            await asked.into(app)
        except TimeoutError:
            return f"{asked.status} waits"
        if asked.status == 401 or asked.scope["path"].startswith("/sign-out"):
            defaults.update(await sign_in())
        path = asked.scope["path"]
        holds(
            asked.status and asked.status != 500, "an answer without a fault's name", (asked.status, asked.answer[:100])
        )
        holds(asked.status < 400 or standing() == before, "a refused request changed something", path)
        if not path.endswith(("/export", "/reveal", "/openapi.json")) and asked.status >= 400:
            said = found_in(data.decode("latin-1"))
            shown = [one for one in found_in(asked.answer.decode("utf-8", "replace")) if one not in said]
            holds(not shown, "a private number is shown", path)
        return f"{asked.status} {shape(path)[:24]}"

    return lambda data: loop.run_until_complete(attempt(data))


def _scim() -> Try:
    logging.getLogger("scim2_server").setLevel(logging.CRITICAL + 1)
    loop, store, roster = asyncio.new_event_loop(), FakeScimStore(), FakeRoster()
    door = ScimDoor(scim_settings(on_call_group="duty team"), store, roster.take, SCIM_TOKEN, FakeClock(), "GB")
    defaults = {"authorization": f"Bearer {SCIM_TOKEN}".encode(), "content-type": b"application/scim+json"}

    async def begin() -> None:
        store.rows.clear()
        for body in (
            b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada","externalId":"E1","active":true}',
            b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Duty Team","members":[]}',
        ):
            place = b"Users" if b"User" in body else b"Groups"
            await _Asked(b"POST /scim/v2/" + place + b"\n\n" + body, defaults).into(
                door, 60
            )  # the first loads the library

    async def attempt(data: bytes) -> str:
        if len(store.rows) not in range(1, 20):
            await begin()
        known = {str(row.kind): row.id.encode() for row in store.rows.values()}
        asked = _Asked(
            data.replace(b"KNOWN", known.get("User", b"u")).replace(b"GROUP", known.get("Group", b"g")), defaults
        )
        before, heard = dict(store.rows), len(roster.batches)
        await asked.into(door, 60)
        holds(
            asked.status and asked.status != 500, "an answer without a fault's name", (asked.status, asked.answer[:200])
        )
        # A bulk of operations is taken one by one.
        if asked.status >= 400:
            holds(store.rows == before and len(roster.batches) == heard, "a refused request changed something")
        for batch in roster.batches[heard:]:
            holds(all(record.id and record.key for record in batch.records), "a record of nobody")
        detail = json.loads(asked.answer).get("scimType", "") if asked.answer[:1] == b"{" else ""
        return f"{asked.status} {asked.scope['method']} {detail}"

    return lambda data: loop.run_until_complete(attempt(data))
