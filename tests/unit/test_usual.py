"""What the same hour of the last weeks lets expect, and how surely something differs from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import comb
from zoneinfo import ZoneInfo

import pytest

from ringfence.domain.chance import silence_needed, tail
from ringfence.domain.usual import (
    Calendar,
    Expectation,
    HourCounts,
    Trait,
    UsualPolicy,
    calls_per_year,
    expectation,
    hour_of,
    local,
    weeks_known,
    worse,
)

LONDON = Calendar(ZoneInfo("Europe/London"))
POLICY = UsualPolicy()
NOON = datetime(2030, 3, 26, 12, tzinfo=LONDON.zone)  # a Tuesday, five days before the clocks change
A_WEEK = timedelta(weeks=1)


def past(calls: list[int], answered: float = 0.8, at: datetime = NOON, **more: int) -> dict[int, HourCounts]:
    """The same three hours in the weeks before, the last week first."""
    return {
        hour_of(at - week * A_WEEK) + beside: HourCounts(3600, number, number, round(number * answered), **more)
        for week, number in enumerate(calls, start=1)
        for beside in (-1, 0, 1)
    }


def expected(history: dict[int, HourCounts], at: datetime = NOON, calendar: Calendar = LONDON) -> Expectation:
    return expectation(history, hour_of(at), calendar, POLICY)


def test_it_is_the_lower_quartile_of_calls_and_the_share_of_all() -> None:
    found = expected(past([100, 90, 110, 0, 95, 300, 105, 85]))
    assert found.calls_per_hour == 85, "neither the day off nor the very busy one"
    assert round(found.shares[Trait.UNANSWERED].usual, 3) == 0.2
    assert found.shares[Trait.UNANSWERED].base == 885


def test_with_little_history_nothing_is_said() -> None:
    assert expected(past([100, 100])) == Expectation(0.0, {})
    assert expected({}) == Expectation(0.0, {})
    few = expected(past([9, 9, 9]))
    assert few.calls_per_hour == 9 and few.shares == {}, "27 calls are no share, and yet no silence"
    assert set(expected(past([100] * 3)).shares) == set(Trait)


def test_an_hour_half_heard_is_no_model() -> None:
    history = past([100, 100, 100])
    history[hour_of(NOON - A_WEEK)].heard_seconds = 1800
    assert expected(history).calls_per_hour == 0


def test_the_hours_beside_it_count_too() -> None:
    history = past([100] * 4)
    for week in range(1, 5):
        history[hour_of(NOON - week * A_WEEK) - 1] = HourCounts(3600, 4, 4, 4, at_once=4)
    found = expected(history)
    assert found.calls_per_hour == 4
    assert found.shares[Trait.AT_ONCE].usual == 0 and found.shares[Trait.AT_ONCE].tolerated == 1


def test_the_clock_on_the_wall_decides_what_the_same_hour_is() -> None:
    after = NOON + A_WEEK  # in summer time
    assert (after.astimezone(UTC).hour, NOON.astimezone(UTC).hour) == (11, 12)
    history = past([50] * 4, at=after)
    assert expected(history, after).calls_per_hour == 50
    assert local(hour_of(after - A_WEEK), LONDON).hour == 12
    assert expectation(history, hour_of(after), Calendar(ZoneInfo("UTC")), POLICY).calls_per_hour == 0


def test_a_holiday_is_no_model_and_expects_nothing() -> None:
    history = past([100, 100, 100, 0, 100, 100])
    fourth = (NOON - 4 * A_WEEK).date()
    assert expected(history).shares[Trait.UNANSWERED].base == 500
    closed = Calendar(LONDON.zone, frozenset({fourth}))
    assert expected(history, calendar=closed).calls_per_hour == 100
    assert expected(history, calendar=Calendar(LONDON.zone, frozenset({NOON.date()}))) == Expectation(0.0, {})


def test_what_was_before_a_change_is_forgotten() -> None:
    since = UsualPolicy(learn_from=(NOON - 2 * A_WEEK).date())
    assert expectation(past([100] * 8), hour_of(NOON), LONDON, since) == Expectation(0.0, {})
    before = UsualPolicy(learn_from=date(2030, 1, 1))
    assert expectation(past([100] * 8), hour_of(NOON), LONDON, before).calls_per_hour == 100


@pytest.mark.parametrize(("share", "tolerated"), [(0, 0), (0.05, 0.1), (0.2, 0.4), (0.5, 0.75), (0.9, 0.95), (1, 1)])
def test_twice_as_many_are_tolerated_or_half_of_the_good_ones_gone(share: float, tolerated: float) -> None:
    assert worse(share) == pytest.approx(tolerated)


def test_the_tail_comes_near_the_binomial_one_and_is_wider_for_a_short_history() -> None:
    binomial = sum(comb(20, hits) * 0.2**hits * 0.8 ** (20 - hits) for hits in range(10, 21))
    assert binomial < tail(10, 20, 0.2, 100_000) < 2 * binomial
    assert tail(10, 20, 0.2, 30) > 4 * tail(10, 20, 0.2, 100_000)
    assert tail(0, 20, 0.2, 30) == pytest.approx(1)
    assert tail(8, 8, 0.0, 30) < 1e-6, "what has never happened may happen once, and not eight times"


def test_more_calls_and_fewer_false_alarms_ask_for_a_longer_silence() -> None:
    assert silence_needed(300_000, 0.25) == pytest.approx(14.0, abs=0.1)
    assert silence_needed(3_000_000, 0.25) > silence_needed(300_000, 0.25) > silence_needed(300_000, 25)


def test_a_year_is_reckoned_from_what_was_heard() -> None:
    assert calls_per_year({1: HourCounts(3600, 100), 2: HourCounts(3600, 0)}) == pytest.approx(438_300)
    assert calls_per_year({}) == 10_000


def test_weeks_that_are_known() -> None:
    this = hour_of(NOON)
    assert weeks_known({}, this, POLICY) == 0
    assert weeks_known(past([1, 1, 1]), this, POLICY) == 3
    assert weeks_known({this: HourCounts()}, this, POLICY) == 0, "this hour is no history yet"
