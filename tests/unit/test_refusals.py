"""Legs the dialplan did not let out: read from its events, counted by the hour, said once an hour."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ringfence.app.ports import LegRefused
from ringfence.app.refusal_watch import RefusalWatch
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.refusal_events import read_refusal
from ringfence.domain.moment import Moment
from ringfence.domain.refusals import RefusalTally
from tests.fakes.clock import FakeClock

NOW = Moment(datetime(2030, 1, 1, tzinfo=UTC), 1000.0)
REFUSED = LegRefused("capped", "did-calls", "+441134960012", "first", NOW)


def event(**fields: object) -> dict[str, object]:
    plain = {"call": "1.2", "did": "%2B441134960012", "what": "capped", "trunk": "first", "limit": "did-calls"}
    return {"type": "ChannelUserevent", "eventname": "RingfenceRefusal", "userevent": {**plain, **fields}}


def test_event_becomes_a_value() -> None:
    assert read_refusal(event(), NOW) == (REFUSED,)
    assert read_refusal({"type": "Dial"}, NOW) == ()


def test_number_that_is_none_of_ours_is_left_out() -> None:
    assert read_refusal(event(did="117", trunk=""), NOW) == (replace(REFUSED, did="", trunk=""),)


@pytest.mark.parametrize("wrong", [{"what": "stolen"}, {"what": ""}, {"limit": "x" * 99}, {"trunk": "a b"}])
def test_event_that_is_none_of_ours_is_malformed(wrong: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent):
        read_refusal(event(**wrong), NOW)


def test_hour_forgets_and_the_sum_does_not() -> None:
    tally = RefusalTally()
    for at_seconds in (0.0, 10.0, 1800.0):
        tally.add("full", at_seconds)
    tally.add("looped", 1801.0)
    assert tally.counts(1802.0).last_hour == {"full": 3, "looped": 1}
    assert tally.counts(3700.0).last_hour == {"full": 1, "looped": 1}
    assert tally.counts(10_000.0).last_hour == {}
    assert tally.counts(10_000.0).in_all == {"full": 3, "looped": 1}


def test_any_number_of_refusals_takes_sixty_counters() -> None:
    tally = RefusalTally()
    for at_seconds in range(0, 100_000, 7):
        tally.add("full", float(at_seconds))
    assert len(tally._slots) <= 61


def test_said_once_an_hour_for_each_did_and_limit(caplog: pytest.LogCaptureFixture) -> None:
    watch = RefusalWatch(FakeClock())
    caplog.set_level(logging.WARNING)
    for did in ("+441134960012", "+441134960012", "+441134960013"):
        watch.note(replace(REFUSED, did=did))
    assert len(caplog.records) == 2
    later = Moment(NOW.wall, NOW.monotonic + 3601)
    watch.note(replace(REFUSED, at=later))
    assert len(caplog.records) == 3
