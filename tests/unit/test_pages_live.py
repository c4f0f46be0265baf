"""Pages are told of changes by one who looks for all: a viewer costs a place to wait, and goes when the door closes."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from ringfence.domain.access import EVERYTHING, Caller, SignedInBy
from ringfence.web.app import create_app
from ringfence.web.callers import CALLER_KEY, caller, whose
from ringfence.web.closing import Closing
from ringfence.web.pages.live import MAX_VIEWERS_OF_ONE, Broadcaster, Seen, TooManyViewers, events
from ringfence.web.security import LocalSocket
from ringfence.web.status_view import version_of
from tests.fakes.clock import settle
from tests.fakes.doors import local_door
from tests.fakes.node import FakeNode
from tests.unit.test_pages_people import CALL

SECONDS = 10.0


class Viewer:
    """One open page, as the server sees it."""

    def __init__(self, closing: Closing) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.status = 0
        self._gone = asyncio.Event()
        headers = [(b"host", b"localhost"), (b"x-ringfence-who", b"ada")]
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": "/events",
            "raw_path": b"/events",
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "server": ("localhost", 80),
            "root_path": "",
        }
        self.task = asyncio.create_task(closing(self._scope, self._receive, self._send))

    async def next(self) -> Any:
        async with asyncio.timeout(SECONDS):
            return await self.told.get()

    async def leave(self) -> None:
        self._gone.set()
        async with asyncio.timeout(SECONDS):
            await self.task

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        for data in re.findall(r"^data: (.*)\r?$", message.get("body", b"").decode(), re.MULTILINE):
            self.told.put_nowait(json.loads(data))


async def test_a_page_is_told_at_once_of_what_changes() -> None:
    async with FakeNode().running() as node:
        node.refresh()
        viewer = Viewer(Closing(create_app(node.services, LocalSocket())))
        first = await viewer.next()
        assert first["version"] == version_of(node.operator.status())
        await node.platform(True)
        await node.platform(False, 3)
        node.refresh()
        version = version_of(node.operator.current)
        assert version != first["version"]
        while (await viewer.next())["version"] != version:
            pass
        await viewer.leave()


async def test_a_page_is_told_of_calls() -> None:
    async with FakeNode().running() as node:
        viewer = Viewer(Closing(create_app(node.services, LocalSocket())))
        assert (await viewer.next())["calls"] == 0
        node.journal.add(CALL)
        node.refresh()
        assert (await viewer.next())["calls"] == 1
        await viewer.leave()


async def test_everybody_goes_when_the_door_closes() -> None:
    async with FakeNode().running() as node:
        closing = Closing(create_app(node.services, LocalSocket()))
        viewers = [Viewer(closing) for _ in range(20)]
        for viewer in viewers:
            await viewer.next()
        closing.now()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(viewer.task for viewer in viewers))
        assert {viewer.status for viewer in viewers} == {200}


async def test_one_looks_for_all_and_only_while_somebody_watches() -> None:
    async with FakeNode().running() as node:
        asked = 0

        def version(_: object) -> str:
            nonlocal asked
            asked += 1
            return str(asked)

        broadcaster = Broadcaster(node.operator, version)
        with broadcaster.viewer("ada") as place, broadcaster.viewer("bob"):
            assert broadcaster.viewers == 2
            seen = await broadcaster.seen_after(None, place)
            await settle()
            node.refresh()
            assert await broadcaster.seen_after(seen, place) == Seen("2", 0)
        assert broadcaster.viewers == 0
        await settle()
        node.refresh()
        await settle()
        assert asked == 2


async def test_nobody_takes_every_place() -> None:
    async with FakeNode().running() as node:
        broadcaster = Broadcaster(node.operator, version_of)
        with ExitStack() as watching:
            for _ in range(MAX_VIEWERS_OF_ONE):
                broadcaster.check_room("ada")
                watching.enter_context(broadcaster.viewer("ada"))
            with pytest.raises(TooManyViewers):
                broadcaster.check_room("ada")
            broadcaster.check_room("bob")
        broadcaster.check_room("ada")


def watching_from(address: str, name: str) -> Request:
    caller = Caller(f"{name} (http)", EVERYTHING, SignedInBy.TOKEN)
    return Request({"type": "http", "client": (address, 1), CALLER_KEY: caller})


async def test_another_stated_name_takes_no_other_places() -> None:
    async with FakeNode().running() as node:
        broadcaster, ada = Broadcaster(node.operator, version_of), watching_from("192.0.2.1", "ada")
        with ExitStack() as watching:
            for _ in range(MAX_VIEWERS_OF_ONE):
                watching.enter_context(broadcaster.viewer(whose(caller(ada), ada.scope)))
            with pytest.raises(TooManyViewers):
                events(watching_from("192.0.2.1", "bob"), broadcaster)
            events(watching_from("192.0.2.2", "bob"), broadcaster)


async def test_a_shown_page_names_the_version_it_shows() -> None:
    async with FakeNode().running() as node, local_door(node) as client:
        text = (await client.get("/")).text
        assert f'data-version="{version_of(node.operator.status())}"' in text
        assert 'data-events="/events"' in text
        live = set(re.findall(r'id="([^"]*)"[^>]*data-live', text))
        assert {"banner", "platforms", "alarms", "overrides", "as-of"} <= live
        assert "decide" not in live
