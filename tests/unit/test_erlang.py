"""Erlang B against published tables, and the sums of traffic that go into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.erlang import blocking, channels_for, overflow
from ringfence.domain.traffic import FinishedCall, Tariff, Traffic, erlangs_of

NOON = datetime(2030, 1, 15, 12, tzinfo=UTC)

# Channels, and the traffic of which 1 % (then 2 %) is lost, as Erlang B tables print it.
AT_ONE_PERCENT = [(1, 0.0101), (2, 0.153), (5, 1.36), (10, 4.46), (20, 12.0), (30, 20.3), (50, 37.9), (100, 84.1)]
AT_TWO_PERCENT = [(1, 0.0204), (5, 1.66), (10, 5.08), (20, 13.2), (30, 21.9), (50, 40.3), (100, 88.0)]


@pytest.mark.parametrize(
    ("channels", "erlangs", "share"),
    [(*row, 0.01) for row in AT_ONE_PERCENT] + [(*row, 0.02) for row in AT_TWO_PERCENT],
)
def test_it_is_what_the_tables_say(channels: int, erlangs: float, share: float) -> None:
    assert blocking(erlangs, channels) == pytest.approx(share, rel=0.03)  # the tables have three digits
    assert channels_for(erlangs * 0.99, share) == channels
    assert channels_for(erlangs * 1.01, share) == channels + 1


def test_its_ends() -> None:
    assert (blocking(5, 0), blocking(0, 5), blocking(0, 0)) == (1, 0, 1)
    assert channels_for(0) == 0
    assert channels_for(1_000) == 1_029, "beyond what factorials can do"


def test_what_finds_no_room_goes_on() -> None:
    assert overflow(5, 0) == 5
    assert 4 < 5 - overflow(5, 7) < 5, "the rest is carried"


def call(ended: datetime, seconds: float, by: AnsweredBy = AnsweredBy.PLATFORM, rang: float = 10) -> FinishedCall:
    return FinishedCall(ended, "uc", int(seconds * 1000), int(rang * 1000), by)


def test_a_call_counts_in_each_hour_it_lasted_in() -> None:
    traffic = Traffic()
    traffic.add(call(NOON + timedelta(minutes=30), 3600))
    traffic.add(call(NOON + timedelta(minutes=50), 600))
    found = traffic.busiest_hour()
    assert found is not None
    begin, hour = found
    assert (begin, hour.held_seconds, hour.calls) == (NOON, 2400, 2)
    assert erlangs_of(hour) == pytest.approx(2 / 3)
    assert traffic.hours[NOON - timedelta(hours=1)].held_seconds == 1800
    assert traffic.total.mean_seconds == 2100


def test_only_what_was_talked_costs() -> None:
    traffic = Traffic()
    traffic.add(call(NOON, 130))
    traffic.add(call(NOON, 70, AnsweredBy.NOBODY))
    traffic.add(call(NOON, 70, AnsweredBy.ANNOUNCEMENT))
    assert (traffic.total.calls, traffic.total.talked, traffic.total.talked_seconds) == (3, 1, 120)
    assert Tariff(per_minute=0.02, per_call=0.5).cost(traffic.total) == pytest.approx(0.54)


def test_a_call_costs_from_its_answer_where_that_is_known() -> None:
    rang_long = FinishedCall(NOON, "uc", 130_000, 10_000, AnsweredBy.PLATFORM, answered_after_ms=40_000)
    assert rang_long.talked_seconds == 90


def test_a_call_that_was_forgotten_does_not_fill_the_week() -> None:
    traffic = Traffic()
    traffic.add(call(NOON, 30 * 86_400, rang=0))
    assert traffic.total.held_seconds == 86_400


def test_without_a_call_nothing_is_said() -> None:
    assert Traffic().busiest_hour() is Traffic().busiest_day() is None
