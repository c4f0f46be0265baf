"""A module that calls need and Asterisk has lost is told, and told again when it is back; nothing else follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringfence.app.loss_watch import LOOK_SECONDS, RETRY_SECONDS, SURE_SECONDS
from ringfence.app.module_watch import module_watch
from ringfence.app.ports import AsteriskUnavailable
from ringfence.web.pages.state_words import Weight, alarms_of
from tests.fakes.clock import FakeClock, settle
from tests.fakes.doors import http_door
from tests.fakes.node import FakeNode

SAYS = "Asterisk has not loaded what calls need"


class Site:
    """Implements `Modules`."""

    def __init__(self) -> None:
        self.gone: set[str] | None = set()
        self.away = False
        self.edges: list[list[str]] = []
        self.clock = FakeClock()
        self.watch = module_watch(self, self.clock, lambda: self.edges.append(sorted(self.watch.missing)))

    async def missing(self) -> frozenset[str] | None:
        if self.away:
            raise AsteriskUnavailable("It is away.")
        return None if self.gone is None else frozenset(self.gone)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    here = Site()
    task = asyncio.create_task(here.watch.run())
    await settle()
    yield here
    task.cancel()


async def test_modules_that_go_and_come_back(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site.gone = {"func_db"}
    await site.clock.advance(LOOK_SECONDS)
    assert not site.watch.missing, "it may be starting"
    await site.clock.advance(SURE_SECONDS)
    site.gone = {"func_db", "app_stack"}
    await site.clock.advance(LOOK_SECONDS + SURE_SECONDS)
    site.gone = {"app_stack"}
    await site.clock.advance(LOOK_SECONDS)
    site.gone = set()
    await site.clock.advance(LOOK_SECONDS * 3)
    assert site.edges == [["func_db"], ["app_stack", "func_db"], ["app_stack"], []]
    said, back = "asterisk has not loaded a module that calls need", "asterisk has a module again that calls need"
    assert [one.getMessage() for one in caplog.records] == [said, said, back, back]


async def test_one_that_is_missing_once_is_still_being_loaded(site: Site) -> None:
    await site.clock.advance(LOOK_SECONDS - SURE_SECONDS)
    for gone in ({"func_db"}, {"app_stack"}, set[str]()):
        site.gone = gone
        await site.clock.advance(SURE_SECONDS)
    assert site.edges == []


@pytest.mark.parametrize("why", ["away", "may not ask", "link"])
async def test_what_nobody_can_look_at_is_not_missing(site: Site, why: str) -> None:
    site.gone = {"func_db"}
    await site.clock.advance(LOOK_SECONDS + SURE_SECONDS)
    assert site.watch.missing == {"func_db"}
    if why == "link":
        site.watch.forget()
    else:
        site.away, site.gone = why == "away", None
        await site.clock.advance(LOOK_SECONDS)
    assert site.edges == [["func_db"], []]
    site.away, site.gone = False, {"func_db"}
    await site.clock.advance(RETRY_SECONDS + LOOK_SECONDS + SURE_SECONDS)
    assert site.watch.missing == {"func_db"}


async def test_it_is_seen_by_whoever_looks_and_moves_no_call() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        before = (await client.get("/v1/status")).json()
        assert "ringfence_modules_missing 0.0" in (await client.get("/metrics")).text
        node.missing_modules = frozenset({"func_db", "app_stack"})
        node.refresh()
        seen = (await client.get("/v1/status")).json()
        (alarm,) = set(seen["alarms"]) - set(before["alarms"])
        assert SAYS in alarm and "app_stack.so, func_db.so" in alarm
        assert seen["version"] != before["version"]
        assert (seen["ready"], seen["scopes"]) == (before["ready"], before["scopes"])
        assert "ringfence_modules_missing 2.0" in (await client.get("/metrics")).text
        (said,) = alarms_of(node.holder.current)
        assert SAYS in said.text and said.weight is Weight.ALARM
