"""What the tests of the Asterisk adapters share: the real clock, and links to one private Asterisk.

Logs are read through a recorder, because "one clear error, no storm" is a promise about them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from ringfence.app.ports import AsteriskEvent
from ringfence.asterisk.ami import AmiSettings
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriSettings
from ringfence.domain.moment import Moment
from tests.lab.asterisk import AsteriskInstance

T = TypeVar("T")


class RealClock:
    """The port `Clock` on this machine's clocks."""

    def now(self) -> Moment:
        return Moment(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Events:
    """Collects what an adapter emits; `wait_for` finds the next one of a kind, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[AsteriskEvent] = asyncio.Queue()
        self.seen: list[AsteriskEvent] = []

    def emit(self, event: AsteriskEvent) -> None:
        self.seen.append(event)
        self._queue.put_nowait(event)

    async def wait_for(self, kind: type[T], deadline_seconds: float = 10.0) -> T:
        async with asyncio.timeout(deadline_seconds):
            while True:
                event = await self._queue.get()
                if isinstance(event, kind):
                    return event


def ami_settings(asterisk: AsteriskInstance, secret: str | None = None) -> AmiSettings:
    return AmiSettings("lab", asterisk.secret if secret is None else secret, port=asterisk.ports.ami)


def ari_settings(asterisk: AsteriskInstance, password: str | None = None) -> AriSettings:
    url = f"http://127.0.0.1:{asterisk.ports.http}"
    return AriSettings("lab", asterisk.secret if password is None else password, "test", url)


@asynccontextmanager
async def running(*works: object) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Coroutines as tasks for the time of the block."""
    tasks = [asyncio.ensure_future(work) for work in works]  # type: ignore[call-overload]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def ami_links(asterisk: AsteriskInstance, *names: str) -> AsyncIterator[list[AmiLink]]:
    """Links that are up."""
    links = [AmiLink(ami_settings(asterisk), name) for name in names]
    async with running(*(link.run() for link in links)), asyncio.timeout(60):
        for link in links:
            await link.wait_up()
        yield links


@contextmanager
def recorded_logs() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as entries:
        yield entries  # type: ignore[misc]
