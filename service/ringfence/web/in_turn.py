"""Lets requests begin one after the other, so that many at once do not hold up what else the daemon does."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send


class InTurn:
    """ASGI wrapper of one door: one request begins in each round of the event loop. Without it hundreds that came in
    one moment were all worked off in one round, seconds long, and probes, verdicts and orders waited."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._turn:
            await asyncio.sleep(0)
        await self._app(scope, receive, send)
