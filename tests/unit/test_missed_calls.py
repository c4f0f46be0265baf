"""Who is on the call-back list, and who is taken off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.calls import WITHHELD, AnsweredBy, CallRecord, has_number
from ringfence.domain.missed_calls import (
    CallBack,
    CallBackState,
    MissedCalls,
    MissedList,
    counted,
    in_the_way,
    missed,
    reached,
)
from tests.unit.test_incident import DID, at, call

CALLER = "+441632960001"


def grouped(*calls: CallRecord, said: dict[str, CallBack] | None = None) -> tuple[MissedCalls, ...]:
    found = MissedList()
    for one in calls:
        found.add(one)
    return found.grouped(said or {})


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (call(0, AnsweredBy.ANNOUNCEMENT), True),
        (call(0, AnsweredBy.NOBODY, result="cancelled", duration_ms=5_001), True),
        (call(0, AnsweredBy.NOBODY, result="cancelled", duration_ms=4_000), False),
        (call(0, AnsweredBy.NOBODY, result="busy"), True),
        (call(0, AnsweredBy.NOBODY, result="unanswered"), True),
        (call(0, AnsweredBy.NOBODY, result="failure"), True),
        (call(0, AnsweredBy.NOBODY, result="refused", did=""), False),
        (call(0, AnsweredBy.PERSON), False),
        (call(0, AnsweredBy.PLATFORM), False),
        (call(0, AnsweredBy.SITE), False),
    ],
)
def test_who_was_missed(one: CallRecord, expected: bool) -> None:
    assert missed(one) is expected


def test_one_line_for_a_caller_and_a_did() -> None:
    (first, other) = grouped(
        call(10, AnsweredBy.ANNOUNCEMENT, call_id="b"),
        call(0, AnsweredBy.NOBODY, result="busy", call_id="a"),
        call(5, AnsweredBy.ANNOUNCEMENT, did="+441134960124", call_id="c"),
    )
    assert (first.calls, first.first_at, first.last_at, first.announced) == (("a", "b"), at(0), at(10), 1)
    assert (first.id, first.caller, first.did, first.waits) == ("b", CALLER, DID, True)
    assert other.did == "+441134960124"


def test_who_got_through_later_to_the_same_did_is_taken_off() -> None:
    lost = call(0, AnsweredBy.ANNOUNCEMENT)
    for another in (call(60, did="+441134960124"), call(60, caller="+441632960002"), call(-60)):
        (line,) = grouped(lost, another)
        assert line.waits, another
    (line,) = grouped(lost, call(60))
    assert (line.reached_at, line.waits) == (at(60), False)
    assert counted([line]) == {"open": 0, "calling": 0, "done": 0, "not_needed": 0, "reached_later": 1}
    (again,) = grouped(lost, call(60), call(120, AnsweredBy.ANNOUNCEMENT))
    assert again.waits, "and was missed once more after that"


def test_withheld_callers_stand_alone_and_have_no_number() -> None:
    lines = grouped(*(call(n, AnsweredBy.ANNOUNCEMENT, caller=WITHHELD, call_id=str(n)) for n in range(3)), call(9))
    assert [(line.caller, line.waits) for line in lines] == [(WITHHELD, True)] * 3


def test_what_is_said_about_one_call_is_said_about_the_line_until_the_caller_is_missed_again() -> None:
    said = {"a": CallBack(CallBackState.DONE, "ada", at(100))}
    (line,) = grouped(call(0, AnsweredBy.ANNOUNCEMENT, call_id="a"), call(9, AnsweredBy.ANNOUNCEMENT), said=said)
    assert (line.state, line.waits) == (CallBackState.DONE, False)
    again = call(200, AnsweredBy.ANNOUNCEMENT, call_id="c")
    (line,) = grouped(call(0, AnsweredBy.ANNOUNCEMENT, call_id="a"), again, said=said)
    assert (line.state, line.waits) == (CallBackState.OPEN, True)
    newer = said | {"c": CallBack(CallBackState.CALLING, "bob", at(300))}
    (line,) = grouped(call(0, AnsweredBy.ANNOUNCEMENT, call_id="a"), again, said=newer)
    assert (line.state, line.call_back and line.call_back.who) == (CallBackState.CALLING, "bob")


@pytest.mark.parametrize(
    ("held", "who", "expected"),
    [
        (None, "bob", False),
        (CallBack(CallBackState.CALLING, "ada", at(1)), "bob", True),
        (CallBack(CallBackState.CALLING, "ada", at(1)), "ada", False),
        (CallBack(CallBackState.DONE, "ada", at(1)), "bob", True),
        (CallBack(CallBackState.DONE, "ada", at(-1)), "bob", False),
        (CallBack(CallBackState.OPEN, "ada", at(1)), "bob", False),
    ],
)
def test_who_is_in_the_way(held: CallBack | None, who: str, expected: bool) -> None:
    assert in_the_way(held, at(0), who) is expected


_calls = st.lists(
    st.builds(
        lambda seconds, answered_by, result, caller, did, number: call(
            seconds,
            answered_by,
            result=result,
            caller=caller,
            did=did,
            call_id=f"{number}",
            duration_ms=6_000,
        ),
        st.integers(0, 500),
        st.sampled_from(AnsweredBy),
        st.sampled_from(["answered", "busy", "cancelled", "failure", "refused"]),
        st.sampled_from(["+441632960001", "+441632960002", "", WITHHELD]),
        st.sampled_from([DID, "+441134960124"]),
        st.integers(0, 10**9),
    ),
    max_size=30,
    unique_by=lambda one: one.call_id,
)


def test_nobody_is_to_call_back_whose_number_is_no_longer_kept() -> None:
    """Who got through later is not known of them any more, nor to which line somebody has said it is done."""
    blanked = grouped(call(0, AnsweredBy.ANNOUNCEMENT, caller="", call_id="1"))
    withheld = grouped(call(0, AnsweredBy.ANNOUNCEMENT, caller=WITHHELD, call_id="2"))
    done = CallBack(CallBackState.DONE, "ada", at(60))
    settled = grouped(call(0, AnsweredBy.ANNOUNCEMENT, caller="", call_id="1"), said={"1": done})
    assert [(line.state, line.waits) for line in (*blanked, *withheld, *settled)] == [
        (CallBackState.NOT_NEEDED, False),
        (CallBackState.OPEN, True),
        (CallBackState.DONE, False),
    ]


@given(_calls, st.randoms())
def test_every_missed_call_is_in_exactly_one_line_whatever_the_order(calls: list[CallRecord], random: object) -> None:
    lines = grouped(*calls)
    listed = [call_id for line in lines for call_id in line.calls]
    assert sorted(listed) == sorted(one.call_id for one in calls if missed(one))
    shuffled = list(calls)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert grouped(*shuffled) == lines
    for line in lines:
        mine = [one for one in calls if one.call_id in line.calls]
        assert {one.did for one in mine} == {line.did}
        through = [
            one
            for one in calls
            if reached(one) and has_number(line.caller) and (one.caller, one.did) == (line.caller, line.did)
        ]
        later = [one for one in through if one.ended_at - timedelta(milliseconds=one.duration_ms) > line.last_at]
        assert bool(later) is (line.reached_at is not None)
        assert len(mine) == 1 or has_number(line.caller)
