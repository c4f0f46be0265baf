"""Calls as evidence: what counts, what an outsider cannot do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ringfence.domain.outcomes import (
    CallOutcome,
    CallWindow,
    OutcomeClass,
    OutcomePolicy,
    OutcomeState,
    delivered_lately,
    may_be_logged_out,
    words,
)
from tests.unit.moments import at

POLICY = OutcomePolicy(window_seconds=60, min_dids=10, min_callers=3)


def call(number: int, kind: OutcomeClass, second: float, caller: int | None = None) -> CallOutcome:
    status = {OutcomeClass.UNDELIVERABLE: 480, OutcomeClass.FAILURE: 503}.get(kind)
    who = number if caller is None else caller
    return CallOutcome("uc", f"+4411349600{number:02}", f"+4420794600{who:02}", kind, status, at(second))


def window(calls: list[CallOutcome], counts: bool = True) -> CallWindow:
    result = CallWindow()
    for outcome in calls:
        result = result.observe(outcome, counts, POLICY)
    return result


def bad(count: int, start: float = 0, caller: int | None = None) -> list[CallOutcome]:
    return [call(n, OutcomeClass.UNDELIVERABLE, start + n, caller) for n in range(count)]


def test_ten_different_dids_that_fail_are_a_refusing_platform() -> None:
    assert window(bad(9)).judge(at(9), POLICY) is OutcomeState.FEW_BAD
    assert window(bad(10)).judge(at(10), POLICY) is OutcomeState.REFUSING


def test_one_did_that_fails_a_hundred_times_is_one_did() -> None:
    calls = [call(1, OutcomeClass.FAILURE, n / 2, caller=n) for n in range(100)]
    assert window(calls).judge(at(50), POLICY) is OutcomeState.FEW_BAD


def test_one_outsider_is_never_enough() -> None:
    assert window(bad(30, caller=7)).judge(at(30), POLICY) is OutcomeState.FEW_BAD


def test_calls_that_do_not_count_leave_no_trace() -> None:
    assert window(bad(30), counts=False) == CallWindow()


def test_calls_that_came_in_before_one_that_was_put_through_are_no_outage_however_late_they_failed() -> None:
    """Half of a platform is dead: its calls end after seconds of silence, those of the other half rang at once."""
    came_in = [replace(call(n, OutcomeClass.FAILURE, 8 + n), began_at=at(n / 100)) for n in range(20)]
    calls = [call(50, OutcomeClass.PUT_THROUGH, 1), *came_in]
    assert window(calls).judge(at(30), POLICY) is OutcomeState.MIXED
    since = [replace(call(n, OutcomeClass.FAILURE, 10 + n), began_at=at(1.5 + n / 100)) for n in range(10)]
    assert window([calls[0], *since]).judge(at(30), POLICY) is OutcomeState.REFUSING


def test_a_call_put_through_since_the_failures_began_stops_the_verdict() -> None:
    calls = [*bad(9), call(50, OutcomeClass.PUT_THROUGH, 9), call(51, OutcomeClass.UNDELIVERABLE, 10)]
    assert window(calls).judge(at(10), POLICY) is OutcomeState.MIXED


def test_ten_failures_after_the_last_call_put_through_are_enough() -> None:
    calls = [call(50, OutcomeClass.PUT_THROUGH, 0), *bad(10, start=1)]
    assert window(calls).judge(at(11), POLICY) is OutcomeState.REFUSING


def test_failures_grow_old() -> None:
    assert window(bad(10)).judge(at(75), POLICY) is OutcomeState.SILENT


def test_busy_and_declined_say_nothing() -> None:
    assert window([call(n, OutcomeClass.PERSONS_DOING, n) for n in range(40)]) == CallWindow()


def test_a_did_never_delivered_or_long_ago_does_not_count() -> None:
    now = at(0).wall
    assert not delivered_lately(None, now, POLICY)
    assert not delivered_lately(now - timedelta(days=31), now, POLICY)
    assert delivered_lately(now - timedelta(days=29), now, POLICY)


def doubtful(count: int, start: float = 0) -> list[CallOutcome]:
    return [replace(call(20 + n, OutcomeClass.UNDELIVERABLE, start + n), doubtful=True) for n in range(count)]


def test_telephones_that_may_be_logged_out_are_no_refusing_platform_however_many_are_rung() -> None:
    assert window(doubtful(9)).judge(at(9), POLICY) is OutcomeState.FEW_BAD
    assert window(doubtful(10)).judge(at(10), POLICY) is OutcomeState.LOGGED_OUT
    assert window([*doubtful(30), *bad(9, start=30)]).judge(at(39), POLICY) is OutcomeState.LOGGED_OUT


def test_whoever_rings_them_hides_no_refusing_platform() -> None:
    calls = [*bad(10), *(replace(call(n, OutcomeClass.UNDELIVERABLE, 11), doubtful=True) for n in range(20, 90))]
    assert window(calls).judge(at(12), POLICY) is OutcomeState.REFUSING
    assert len(window(calls).failures) == 4 * POLICY.min_dids


@pytest.mark.parametrize(
    ("kind", "status", "minutes", "may_be"),
    [
        (OutcomeClass.UNDELIVERABLE, 480, 61, True),
        (OutcomeClass.UNDELIVERABLE, 404, 61, True),
        (OutcomeClass.UNDELIVERABLE, 480, None, True),
        (OutcomeClass.UNDELIVERABLE, 480, 59, False),
        (OutcomeClass.UNDELIVERABLE, 403, 61, False),
        (OutcomeClass.FAILURE, 480, 61, False),
        (OutcomeClass.FAILURE, None, 61, False),
    ],
)
def test_whose_telephone_may_be_logged_out(
    kind: OutcomeClass, status: int | None, minutes: int | None, may_be: bool
) -> None:
    outcome = replace(call(1, kind, 0), status=status)
    reached = None if minutes is None else outcome.at.wall - timedelta(minutes=minutes)
    assert may_be_logged_out(outcome, reached, POLICY) is may_be


def test_the_words_say_how_many_may_be_logged_out() -> None:
    text = words(window([*doubtful(2), *bad(1)]).fresh_failures(at(3), POLICY), OutcomeState.FEW_BAD)
    assert text == "calls to 3 DIDs were not put through (3 x 480); 2 of their telephones may be logged out"


def test_the_words_hold_no_number() -> None:
    failures = window(bad(10)).fresh_failures(at(10), POLICY)
    text = words(failures, OutcomeState.REFUSING)
    assert text == "calls to 10 DIDs were not put through (10 x 480)"
