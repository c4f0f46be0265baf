"""A fake node behind a real server, with an event loop of its own in a thread, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ringfence.web.app import create_app
from ringfence.web.security import Auth, BearerToken, LocalSocket
from ringfence.web.server import Door, Listener, listen_tcp, listen_unix
from tests.fakes.doors import TOKEN
from tests.fakes.node import FakeNode

WAIT_SECONDS = 10.0


class ServedNode:
    """`call` runs a function in the node's own thread."""

    def __init__(self, listen: Callable[[], Listener], auth: Auth, make: Callable[[], FakeNode] = FakeNode) -> None:
        self._listen = listen
        self._auth = auth
        self._make = make
        self._ready = threading.Event()
        self._end: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self.node: FakeNode
        self.place = ""

    def call(self, work: Callable[[FakeNode], None]) -> None:
        done = threading.Event()

        def run() -> None:
            work(self.node)
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(WAIT_SECONDS)

    def wait_for(self, work: Callable[[FakeNode], Coroutine[Any, Any, object]]) -> None:
        """Runs a coroutine in the node's own loop."""
        asyncio.run_coroutine_threadsafe(work(self.node), self._loop).result(WAIT_SECONDS)

    @contextmanager
    def serving(self) -> Iterator[ServedNode]:
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="served node")
        thread.start()
        try:
            assert self._ready.wait(WAIT_SECONDS)
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._end, self.node = asyncio.get_running_loop(), asyncio.Event(), self._make()
        async with self.node.running():
            await self.node.platform(True)
            app = create_app(self.node.services, self._auth)
            door = Door(app, self._listen())
            serving = asyncio.create_task(door.run())
            await door.open()
            self.place = door.place
            self._ready.set()
            await self._end.wait()
            serving.cancel()
            await asyncio.wait([serving])


@contextmanager
def served_on_tcp(make: Callable[[], FakeNode] = FakeNode) -> Iterator[ServedNode]:
    with ServedNode(lambda: listen_tcp("127.0.0.1", 0), BearerToken(TOKEN), make).serving() as served:
        yield served


@contextmanager
def served_on_socket(path: Path, make: Callable[[], FakeNode] = FakeNode) -> Iterator[ServedNode]:
    with ServedNode(lambda: listen_unix(path), LocalSocket(), make).serving() as served:
        yield served
