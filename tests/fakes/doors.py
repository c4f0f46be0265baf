"""The HTTP API of a fake node, as a client sees it, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ringfence.domain.access import Role, SignedInBy
from ringfence.web.app import create_app
from ringfence.web.csrf import Csrf
from ringfence.web.protection import Protection
from ringfence.web.security import Auth, BearerToken, LocalSocket, SignIns
from ringfence.web.sessions import COOKIE
from tests.fakes.node import FakeNode
from tests.lab.number_scanner import found_in

TOKEN = "a-token-for-tests-that-is-long-enough"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


async def _nothing_private(response: httpx.Response) -> None:
    """No answer, page or error has a private number in it, but for those that are there to give it, and for what the
    request's own address says."""
    await response.aread()
    path = response.request.url.path
    if not path.endswith(("/export", "/reveal", "/openapi.json")):
        said = found_in(str(response.request.url))
        assert [number for number in found_in(response.text) if number not in said] == [], path


_WATCHED: dict[str, list[Callable[..., Any]]] = {"response": [_nothing_private]}


@asynccontextmanager
async def door(
    node: FakeNode, auth: Auth, headers: dict[str, str], protection: Protection | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(node.services, auth, protection)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers, event_hooks=_WATCHED
    ) as client:
        yield client


@asynccontextmanager
async def signed_in_door(
    node: FakeNode, *roles: Role, by: SignedInBy = SignedInBy.OIDC, person: str | None = "ada"
) -> AsyncIterator[httpx.AsyncClient]:
    """As a browser on TCP, with the cookie of somebody who has these roles, and what a script of our page sends."""
    new = await node.access.desk.begin_session("grace@example.org", frozenset(roles), by, person)
    csrf = Csrf("a secret of these tests")
    headers = {"Cookie": f"{COOKIE}={new.token}", "X-CSRF-Token": csrf.token(new.row.id)}
    async with door(node, SignIns(BearerToken(TOKEN), node.access.desk), headers, Protection(csrf)) as client:
        yield client


@asynccontextmanager
async def http_door(node: FakeNode) -> AsyncIterator[httpx.AsyncClient]:
    """As on TCP, with the token already in place."""
    async with door(node, BearerToken(TOKEN), WITH_TOKEN) as client:
        yield client


@asynccontextmanager
async def local_door(node: FakeNode) -> AsyncIterator[httpx.AsyncClient]:
    """As on the local socket."""
    async with door(node, LocalSocket(), {"X-Ringfence-Who": "ada"}) as client:
        yield client
