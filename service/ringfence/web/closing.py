"""Lets whoever waits for a change go when their door closes, with an answer instead of a broken connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY: Final = "ringfence.closing"


class Closing:
    """ASGI wrapper of one door. `now` ends every wait that has been announced with `ends`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waits: set[asyncio.Timeout] = set()
        self.closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, _KEY: self}, receive, send)

    def now(self) -> None:
        """Ends every wait, and those that begin before the listener is gone."""
        self.closed = True
        for wait in self._waits:
            _end(wait)

    @contextmanager
    def ends(self, wait: asyncio.Timeout) -> Iterator[None]:
        """Within, the closing door makes `wait` run out."""
        self._waits.add(wait)
        if self.closed:
            _end(wait)
        try:
            yield
        finally:
            self._waits.discard(wait)


def _end(wait: asyncio.Timeout) -> None:
    if not wait.expired():
        wait.reschedule(asyncio.get_running_loop().time())


def is_closing(request: Request) -> bool:
    """Whether the door that the request came through is closing."""
    closing = request.scope.get(_KEY)
    return isinstance(closing, Closing) and closing.closed


@contextmanager
def ended_by_the_door(request: Request, wait: asyncio.Timeout) -> Iterator[None]:
    """Within, `wait` runs out when the door that the request came through closes."""
    closing = request.scope.get(_KEY)
    if isinstance(closing, Closing):
        with closing.ends(wait):
            yield
    else:
        yield
