"""What the daemon knows of identities that carriers refuse: told by events, and read where the data plane keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ringfence.app.identity_watch import READ_SECONDS, IdentityWatch
from ringfence.app.ports import AsteriskError, IdentityLearnt
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.identity_events import read_identity
from ringfence.domain.identities import LearntIdentity, decode_identity
from ringfence.domain.moment import Moment
from ringfence.domain.record_text import RecordError
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.fakes.doors import http_door
from tests.fakes.node import FakeNode

NOW = Moment(datetime(2030, 1, 1, tzinfo=UTC), 1000.0)
DAY = timedelta(hours=24)


def event(**fields: object) -> dict[str, object]:
    plain = {"call": "1.2", "did": "%2B441134960012", "egress": "first", "rung": "did", "status": "403"}
    return {"type": "ChannelUserevent", "eventname": "RingfenceIdentity", "userevent": {**plain, **fields}}


def test_event_becomes_a_value() -> None:
    assert read_identity(event(), NOW) == (IdentityLearnt("first", "did", 403, NOW),)
    assert read_identity({"type": "Dial"}, NOW) == ()


@pytest.mark.parametrize(
    "wrong", [{"rung": "caller"}, {"rung": ""}, {"egress": ""}, {"egress": "a b"}, {"status": "200"}, {"status": ""}]
)
def test_event_that_is_none_of_ours_is_malformed(wrong: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent):
        read_identity(event(**wrong), NOW)


def test_record_is_read() -> None:
    learnt = decode_identity("first", f"1|trunk|{int(NOW.wall.timestamp())}|436", DAY)
    assert learnt == LearntIdentity("first", "trunk", 436, NOW.wall, NOW.wall + DAY)
    assert (
        learnt.sentence == "its carrier refused our identity with 436: calls show the trunk's own number in place "
        "of the caller's"
    )


@pytest.mark.parametrize(
    "text", ["", "2|did|1|403", "1|caller|1|403", "1|did|x|403", "1|did|1", "1|did|99999999999999999|403"]
)
def test_unreadable_record_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        decode_identity("first", text, DAY)


class Watched:
    """A watch of two trunks over an AstDB of its own."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.astdb = FakeAstDb()
        self.changes = 0
        self.watch = IdentityWatch(self.astdb, self.clock, {"first": 24, "second": 1}, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def put(self, trunk: str, rung: str, age: timedelta = timedelta(hours=0.5)) -> None:
        at = int((self.clock.now().wall - age).timestamp())
        self.astdb.rows[f"identity/{trunk}"] = f"1|{rung}|{at}|403"

    def rungs(self) -> dict[str, str]:
        return {learnt.trunk: learnt.rung for learnt in self.watch.learnt()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watch.run(), name="watch")
        await settle()
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_learnt_while_we_were_away_is_read(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.put("first", "did")
    watched.put("second", "trunk", age=timedelta(hours=2))  # forgotten by now
    watched.put("gone", "did")
    with caplog.at_level(logging.INFO):
        async with watched.running():
            assert watched.rungs() == {"first": "did"}
            await watched.clock.advance(3 * READ_SECONDS)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert watched.changes == 1


async def test_event_tells_before_it_is_read() -> None:
    watched = Watched()
    for trunk in ("first", "gone"):
        watched.watch.note(IdentityLearnt(trunk, "trunk", 403, watched.clock.now()))
    assert watched.rungs() == {"first": "trunk"}
    assert watched.changes == 1


async def test_what_is_forgotten_is_shown_no_more() -> None:
    watched = Watched()
    watched.put("second", "did", age=timedelta(minutes=59))
    async with watched.running():
        assert watched.rungs() == {"second": "did"}
        watched.clock.step_wall(120)
        assert watched.rungs() == {}
        await watched.clock.advance(READ_SECONDS)
        assert watched.changes == 2


async def test_record_that_somebody_deleted_is_shown_no_more() -> None:
    watched = Watched()
    watched.put("first", "did")
    async with watched.running():
        watched.astdb.rows.clear()
        await watched.clock.advance(READ_SECONDS)
        assert watched.rungs() == {}


async def test_asterisk_away_changes_nothing_and_is_asked_again() -> None:
    watched = Watched()
    watched.put("first", "did")
    async with watched.running():
        watched.astdb.fault = AsteriskError("gone")
        await watched.clock.advance(2 * READ_SECONDS)
        assert watched.rungs() == {"first": "did"}
        watched.astdb.fault = None
        watched.put("first", "trunk")
        await watched.clock.advance(READ_SECONDS)
        assert watched.rungs() == {"first": "trunk"}


async def test_status_and_metrics_say_so() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        at = node.clock.now().wall
        learnt = LearntIdentity("mobile", "did", 403, at, at + DAY)
        node.holder.swap(replace(node.holder.current, identities=(learnt,)))
        targets = {target["name"]: target for target in (await client.get("/v1/status")).json()["targets"]}
        assert targets["mobile"]["identity"]["sentence"] == learnt.sentence
        assert targets["uc"]["identity"] is None
        assert "ringfence_identities_lowered 1.0" in (await client.get("/metrics")).text
