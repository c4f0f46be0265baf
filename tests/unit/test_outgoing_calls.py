"""What is told, counted and logged of calls that the site's own phones place."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ringfence.app.outgoing_watch import OutgoingWatch
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.outgoing_events import read_outgoing
from ringfence.domain.moment import Moment
from ringfence.domain.notice import Notice, Severity
from ringfence.domain.outgoing import OutgoingCall
from tests.fakes.clock import NOON, FakeClock, settle

NOW = Moment(NOON, 1.0)
FIELDS = {
    "call": "1795348677.8",
    "site": "north",
    "emergency": "yes",
    "result": "answered",
    "egress": "first",
    "status": "",
    "preempted": "yes",
}


def event(**fields: str) -> dict[str, object]:
    return {"type": "ChannelUserevent", "eventname": "RingfenceOutbound", "userevent": FIELDS | fields}


def test_an_event_is_read_whole() -> None:
    assert read_outgoing(event(), NOW) == (
        OutgoingCall("1795348677.8", "north", True, "answered", "first", None, True, NOON),
    )
    assert read_outgoing({"type": "Dial"}, NOW) == ()


@pytest.mark.parametrize("fields", [{"site": ""}, {"result": "won"}, {"site": "a b"}, {"status": "9"}, {"call": "a b"}])
def test_what_is_not_exact_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(MalformedEvent):
        read_outgoing(event(**fields), NOW)


class Told:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def tell(self, notice: Notice) -> None:
        self.notices.append(notice)


async def test_people_are_told_of_an_emergency_while_it_rings(caplog: pytest.LogCaptureFixture) -> None:
    told, clock = Told(), FakeClock()
    watch = OutgoingWatch(lambda: told, clock)
    running = asyncio.create_task(watch.run())
    with caplog.at_level(logging.WARNING):
        (begun,) = read_outgoing(event(result="begun", egress=""), NOW)
        watch.note(begun)
    await settle()
    await clock.advance(1)
    running.cancel()
    assert [(notice.severity, notice.key) for notice in told.notices] == [
        (Severity.CRITICAL, "emergency-north-1795348677.8")
    ]
    assert "emergency" in caplog.text
    assert watch.ended == {}


def test_ends_are_counted_and_only_those_without_a_way_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    watch = OutgoingWatch(Told, FakeClock())
    with caplog.at_level(logging.WARNING):
        for result in ("answered", "answered", "busy", "failure"):
            (call,) = read_outgoing(event(result=result, emergency="no"), NOW)
            watch.note(call)
    assert watch.ended == {
        ("north", False, "answered"): 2,
        ("north", False, "busy"): 1,
        ("north", False, "failure"): 1,
    }
    assert [record.getMessage() for record in caplog.records] == ["an outgoing call found no way out"]
