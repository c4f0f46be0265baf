"""Asterisk without our dialplan is told, and nothing is said to be missing that nobody could look at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringfence.app.dialplan_watch import dialplan_watch
from ringfence.app.loss_watch import LOOK_SECONDS, RETRY_SECONDS, SURE_SECONDS
from ringfence.app.ports import AsteriskUnavailable
from ringfence.web.pages.state_words import Weight, alarms_of
from tests.fakes.clock import FakeClock, settle
from tests.fakes.doors import http_door
from tests.fakes.node import FakeNode

SAYS = "Asterisk runs without Ringfence's dialplan"


class Site:
    """Implements `LoadedDialplan`."""

    def __init__(self) -> None:
        self.there: bool | None = True
        self.away = False
        self.edges: list[bool] = []
        self.clock = FakeClock()
        self.watch = dialplan_watch(self, self.clock, lambda: self.edges.append(bool(self.watch.missing)))

    async def is_there(self) -> bool | None:
        if self.away:
            raise AsteriskUnavailable("It is away.")
        return self.there


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    here = Site()
    task = asyncio.create_task(here.watch.run())
    await settle()
    yield here
    task.cancel()


async def test_a_dialplan_that_goes_and_comes_back(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site.there = False
    await site.clock.advance(LOOK_SECONDS)
    assert not site.watch.missing, "it may be starting"
    await site.clock.advance(SURE_SECONDS)
    assert site.watch.missing
    await site.clock.advance(LOOK_SECONDS * 3)
    site.there = True
    await site.clock.advance(LOOK_SECONDS)
    assert site.edges == [True, False]
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("ERROR", "asterisk runs without our dialplan, no call comes to us"),
        ("INFO", "asterisk has our dialplan again"),
    ]


@pytest.mark.parametrize("why", ["away", "may not ask", "link"])
async def test_what_nobody_can_look_at_is_not_missing(site: Site, why: str) -> None:
    site.there = False
    await site.clock.advance(LOOK_SECONDS + SURE_SECONDS)
    assert site.watch.missing
    if why == "link":
        site.watch.forget()
    else:
        site.away, site.there = why == "away", None
        await site.clock.advance(LOOK_SECONDS)
    assert site.edges == [True, False]


async def test_one_look_before_and_one_after_asterisk_was_away_are_not_two(site: Site) -> None:
    site.there = False
    await site.clock.advance(LOOK_SECONDS)
    site.away = True
    await site.clock.advance(SURE_SECONDS)
    site.away = False
    await site.clock.advance(RETRY_SECONDS)
    assert not site.watch.missing
    await site.clock.advance(SURE_SECONDS)
    assert site.watch.missing


async def test_it_is_seen_by_whoever_looks() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        before = (await client.get("/v1/status")).json()
        assert "ringfence_dialplan_missing 0.0" in (await client.get("/metrics")).text
        node.no_dialplan = True
        node.refresh()
        seen = (await client.get("/v1/status")).json()
        assert [SAYS in words for words in (*seen["not_ready_because"], *seen["alarms"])] == [True, True]
        assert not seen["ready"] and seen["version"] != before["version"]
        assert "ringfence_dialplan_missing 1.0" in (await client.get("/metrics")).text
        (said,) = alarms_of(node.holder.current)
        assert SAYS in said.text and said.weight is Weight.ALARM
