"""How the lab judges a crowd's calls, from calls made up: a judge that never finds anything would be worth nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult, Ended
from tests.lab.crowd_account import Account, Brought, Numbers
from tests.lab.moods import Moods
from tests.lab.records import ReceivedCall
from tests.lab.sip import parse

MEMBERS = ["1001", "1002", "1003"]
RECEPTION = "2000"
ANSWERED = CallResult(0.0, (), 200, 9.0, (), (), Ended.BY_CALLER, "", (), (), 9.5)


def leg(number: str, caller: str, at: float, status: int = 486, *, after: float = 0.1) -> ReceivedCall:
    """Refused, or answered with a 1 pressed, so many seconds later."""
    invite = parse(b"INVITE sip:lab SIP/2.0\r\nCall-ID: 1\r\n\r\n")
    assert invite is not None
    pressed = "1" if status == 200 else ""
    ended_at = at + after + 1 if status == 200 else None
    return ReceivedCall(
        "", number, caller, at, invite, status, final_at=at + after, pressed=pressed, ended_by=None, ended_at=ended_at
    )


def account(legs: Sequence[ReceivedCall]) -> Account:
    calls = [Brought("line", caller, ANSWERED) for caller in dict.fromkeys(leg.caller for leg in legs)]
    return Account.of(calls, legs, Numbers([RECEPTION], [RECEPTION]))


def rung(numbers: Sequence[str], status: int = 486, every: float = 10.0) -> Account:
    """One call after another to the line, each of which rings one of these first."""
    return account([leg(number, f"c{place}", place * every, status) for place, number in enumerate(numbers)])


def test_turns_are_even_within_one_or_not() -> None:
    assert rung(MEMBERS * 4).uneven_by("line", MEMBERS, 10) == 1
    assert rung([*MEMBERS * 3, *MEMBERS[:1] * 3]).uneven_by("line", MEMBERS, 10) == 3
    assert rung(MEMBERS[:2] * 5).uneven_by("line", MEMBERS, 10) == 5
    assert rung(MEMBERS).uneven_by("line", MEMBERS, 10) is None


def test_only_a_free_member_can_be_passed_over() -> None:
    first, second, third = MEMBERS
    assert rung([first, second, third, first]).out_of_turn("line", MEMBERS) == 0
    assert rung([first, second, third, second]).out_of_turn("line", MEMBERS) == 1
    talking = [leg(first, "a", 0, 200, after=30), *(leg(n, f"b{n}", int(n) - 999) for n in (second, third))]
    assert account([*talking, leg(second, "c", 9)]).out_of_turn("line", MEMBERS) == 0
    assert account([*talking, leg(second, "c", 90)]).out_of_turn("line", MEMBERS) == 1


def test_next_attempt_is_counted_from_the_refusal() -> None:
    seen = account([leg("1001", "a", 0.0, after=0.5), leg("1002", "a", 0.7), leg(RECEPTION, "a", 3.0, 200)])
    assert [round(seconds, 1) for seconds in seen.told[0].moves_on()] == [0.2, 2.2]
    assert seen.worst_move_seconds([]) is None


def test_telephone_does_the_same_in_every_run_and_not_the_same_each_time() -> None:
    moods = Moods(((1, Behaviour()), (1, Behaviour(manner=Manner.REFUSE))))
    drawn = [moods.drawn("+447700900123", "c", attempt) for attempt in range(40)]
    assert drawn == [moods.drawn("07700900123", "c", attempt) for attempt in range(40)]
    assert len(set(drawn)) == 2
    assert Moods.from_json(json.loads(json.dumps(moods.to_json()))) == moods
