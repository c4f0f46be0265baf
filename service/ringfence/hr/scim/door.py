"""The SCIM service as an ASGI application for mounting: its guard, and the thread in which it works.

Reading a great body, a filter over thousands of users or a page of them takes the processor for longer than a mode
change may wait. So the library works in a thread, one request at a time, and comes back to the daemon's event loop for
whatever touches the database.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from unicodedata import normalize

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from ringfence.app.hr.scim_ports import ScimStore
from ringfence.app.ports import Clock
from ringfence.hr.scim.guard import Token, TooMuch, announced_too_much, no_place, not_admitted, too_much, whole_body
from ringfence.hr.scim.keeper import Inlet, ScimKeeper
from ringfence.hr.scim.records import RecordReader
from ringfence.hr.scim.settings import ScimSettings

if TYPE_CHECKING:
    from ringfence.hr.scim.application import ScimApplication

T = TypeVar("T")


class ScimDoor:
    """One for each source, mounted so that `/v2` follows: `mounts={"/scim": door}`."""

    def __init__(
        self, settings: ScimSettings, store: ScimStore, inlet: Inlet, token: str, clock: Clock, default_country: str
    ) -> None:
        """Raises MappingError."""
        # As the library compares displayName.
        group = normalize("NFC", normalize("NFC", settings.on_call_group).lower())
        self.keeper = ScimKeeper(store, inlet, RecordReader(settings, default_country), group)
        self.heard_at: datetime | None = None
        self._public_url = settings.public_url
        self._token = Token(token)
        self._clock = clock
        self._one_at_a_time = asyncio.Semaphore(1)
        self._main: asyncio.AbstractEventLoop | None = None
        self._application: ScimApplication | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no WebSockets here
        headers = Headers(scope=scope)
        if not self._token.is_in(headers):
            await not_admitted()(scope, receive, send)
            return
        self.heard_at = self._clock.now().wall
        if not scope["path"].isprintable():
            # The library would lead on to it, and a line end within would end the header.
            await no_place()(scope, receive, send)
            return
        if announced_too_much(headers):
            await too_much()(scope, receive, send)
            return
        try:
            body = await whole_body(receive)
        except TooMuch:
            await too_much()(scope, receive, send)
            return
        if body is None:
            return
        self._main = asyncio.get_running_loop()
        async with self._one_at_a_time:
            messages = await asyncio.to_thread(self._answer, dict(scope), body)
        for message in messages:
            await send(message)

    def _answer(self, scope: dict[str, Any], body: bytes) -> list[Message]:
        """In a thread."""
        sent: list[Message] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        with asyncio.Runner() as runner:
            runner.run(self._made()(scope, receive, send))
        return sent

    def _made(self) -> ScimApplication:
        if self._application is None:
            # Here, so that the memory is taken, and the time is spent, only where somebody pushes.
            from ringfence.hr.scim.application import make_application

            self._application = make_application(self.keeper, self._on_main, self._clock, self._public_url)
            gc.freeze()  # the models live for long, and looking at them again and again would stop the daemon
        return self._application

    def _on_main(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        assert self._main is not None
        return cast(Awaitable[T], asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._main)))
