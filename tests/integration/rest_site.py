"""An HTTPS server on loopback whose answers a test chooses, and JSON sources that read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from ringfence.app.hr.ports import Feed
from ringfence.hr.rest_api import RestSettings, RestSource
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TOKEN = "t0ken-nobody-may-see"
FIELDS = {
    "key": "id",
    "name": "name",
    "did": "work.phone",
    "private_number": "phones[type=mobile].number",
    "active": "employed",
    "ends": "last_day",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def person(n: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"p{n}",
        "name": f"Person {n}",
        "work": {"phone": f"0113 {4960000 + n}"},
        "phones": [
            {"type": "home", "number": "020 7946 0999"},
            {"type": "Mobile", "number": f"07700 {900000 + n:06}"},
        ],
        "employed": True,
        "last_day": None,
    } | more


PEOPLE = [person(n) for n in range(25)]


class Api:
    """A server whose answers a test chooses; `requests` are those that came."""

    def __init__(self, folder: Path, port: int, authority: CertificateAuthority) -> None:
        self.folder = folder
        self.authority = authority
        self.port = port
        self.base = f"https://{HOST}:{port}"
        self.requests: list[web.Request] = []
        self.handler: Handler | None = None
        self.now = NOW
        self.token_file = folder / "token"
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(TOKEN + "\n")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert self.handler is not None
        return await self.handler(request)

    def answers(self, body: object, **more: Any) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.json_response(body, **more)

        self.handler = handler

    def source(self, **changes: Any) -> RestSource:
        values = {
            "name": "hr",
            "type": "json",
            "url": f"{self.base}/people",
            "ca_file": self.authority.file,
            "token_file": self.token_file,
            "fields": FIELDS,
            "answer_seconds": 5,
        } | changes
        return RestSource(RestSettings.model_validate(values), "GB", lambda: self.now)

    async def read(self, cursor: str = "", **changes: Any) -> Feed | None:
        return await self.source(**changes).read(cursor, ignore)

    async def full(self, **changes: Any) -> Feed:
        feed = await self.read(**changes)
        assert feed is not None
        return feed


def ignore(done: int, total: int | None) -> None:
    """Nobody looks at the progress."""


def keys(feed: Feed) -> list[str]:
    assert feed.batch.rejected == ()
    return [record.key for record in feed.batch.records]


def json_of(body: object, **more: Any) -> web.Response:
    return web.json_response(body, **more)


@asynccontextmanager
async def served(handler: Handler, port: int, context: Any) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port, ssl_context=context).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_api(ports: Ports, folder: Path) -> AsyncIterator[Api]:
    """With a certificate of its own CA."""
    authority = CertificateAuthority(folder / "ca")
    api = Api(folder, ports.take(), authority)
    async with served(api.handle, api.port, authority.certify(HOST).context()):
        yield api
