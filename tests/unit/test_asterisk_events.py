"""ARI's JSON into our values: what is read, what is passed over, and that nothing at all breaks the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.ports import CallEnded, CarrierCalled
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.events import Wiring, endpoint_of, observation, read_event
from ringfence.asterisk.leg_memory import LegMemory
from ringfence.asterisk.vocabulary import EventType, Field, UserEventName, contact_passed, contact_state
from ringfence.domain.calls import AnsweredBy, PlatformAnswered
from ringfence.domain.health import Observation, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import CallOutcome, OutcomeClass

NOW = Moment(datetime(2030, 1, 1, tzinfo=UTC), 1000.0)
UC = TargetId(TargetRole.PLATFORM, "uc")
WIRING = Wiring({"uc": "main-uc", "uc-two": "second"}, {"uc_qualify": UC})
DID = "+441134960012"


def dial(
    status: str = "RINGING", name: str = "PJSIP/uc-0000002a", context: str = "ringfence-route", exten: str = DID
) -> dict[str, Any]:
    return {
        "type": "Dial",
        "dialstatus": status,
        "peer": {"id": "1700000000.43", "name": name},
        "caller": {
            "id": "1700000000.42",
            "name": "PJSIP/carrier-00000029",
            "dialplan": {"context": context, "exten": exten},
            "caller": {"name": "A\r\nB", "number": "+44113\r\n4960"},
        },
    }


def user_event(name: str, **fields: object) -> dict[str, Any]:
    return {"type": "ChannelUserevent", "eventname": name, "userevent": {"eventname": name, **fields}}


def leg(**fields: object) -> dict[str, Any]:
    plain = {"did": "%2B441134960012", "scope": "main-uc", "caller": "0113", "result": "failure", "status": "503"}
    return user_event("RingfenceLeg", **{**plain, **fields})


def read(event: object, legs: LegMemory | None = None) -> tuple[Any, ...]:
    return read_event(event, WIRING, legs or LegMemory(), NOW)


def outcomes(event: object, legs: LegMemory) -> int:
    return sum(isinstance(told, CallOutcome) for told in read(event, legs))


@pytest.mark.parametrize("before", [[], ["RINGING"], ["PROGRESS"]])
def test_that_the_platform_answered_is_told_and_whether_it_rang_before(before: list[str]) -> None:
    legs = LegMemory()
    assert not any(isinstance(told, PlatformAnswered) for status in before for told in read(dial(status), legs))
    *_, answered = read(dial("ANSWER"), legs)
    number = "+44113\ufffd\ufffd4960"
    assert answered == PlatformAnswered("1700000000.42", "main-uc", DID, number, bool(before), NOW)


@pytest.mark.parametrize("status", ["RINGING", "ANSWER"])
def test_a_leg_that_rings_or_answers_is_put_through(status: str) -> None:
    outcome, *_ = read(dial(status))
    assert outcome == CallOutcome("main-uc", DID, "+44113\ufffd\ufffd4960", OutcomeClass.PUT_THROUGH, None, NOW)


def test_a_leg_is_told_once_and_the_memory_is_bounded() -> None:
    legs = LegMemory(limit=2)
    assert [outcomes(dial(status), legs) for status in ("RINGING", "PROGRESS", "ANSWER")] == [1, 0, 0]
    assert "1700000000.43" in legs
    assert [legs.first(channel) for channel in ("b", "c", "1700000000.43")] == [True, True, True]


def test_a_leg_that_only_plays_something_is_not_put_through_until_it_is_answered() -> None:
    """An announcement before a 480 comes as 183: not silence, but no success either."""
    legs = LegMemory()
    assert read(dial("PROGRESS"), legs) == ()
    assert "1700000000.43" in legs
    assert [outcomes(dial(status), legs) for status in ("ANSWER", "PROGRESS", "ANSWER")] == [1, 0, 0]


def test_a_call_that_begins_shows_that_the_carrier_reaches_us() -> None:
    assert read(dial("")) == (CarrierCalled(NOW),)
    # A later leg begins by our own timer, and would testify for a carrier that nobody hears.
    assert read(dial("", context="ringfence-egress", exten="s")) == ()
    assert read(dial("", context="internal")) == ()


@pytest.mark.parametrize(
    "event",
    [
        dial(context="internal"),
        dial(context="ringfence-egress", exten="s"),
        dial(name="PJSIP/uc-three-0000002a"),
        dial(name="PJSIP/carrier-0000002a"),
        dial(name="Local/uc-0000002a"),
        dial("BUSY"),
        dial("CHANUNAVAIL"),
        dial(exten="1001"),
        {"type": "Dial", "dialstatus": "RINGING", "peer": {"id": "1", "name": "PJSIP/uc-1"}},
        {"type": "StasisStart"},
        {},
        user_event("Somebody's"),
        leg(did="1001"),
    ],
)
def test_what_is_not_for_us_is_passed_over(event: object) -> None:
    assert read(event) == ()


def test_a_call_that_was_handed_over_speaks_of_the_platform_by_its_own_dial() -> None:
    """Wherever the site's dialplan dials it from. That the carrier reaches us is known when it comes, not when the site
    gets round to dialling."""
    legs = LegMemory()
    ringing = dial("RINGING", context="macro-dial", exten="s")
    assert read(ringing, legs) == ()
    (called,) = read(user_event("RingfenceHanded", call="1700000000.42", did="%2B441134960012"), legs)
    assert isinstance(called, CarrierCalled)
    assert read(dial("", context="macro-dial", exten="s"), legs) == ()
    (outcome,) = read(ringing, legs)
    assert (outcome.did, outcome.outcome) == ("+441134960012", OutcomeClass.PUT_THROUGH)
    assert read(dial("ANSWER", context="macro-dial", exten="s"), legs) == ()


def test_an_endpoint_is_matched_whole() -> None:
    assert endpoint_of("PJSIP/uc-0000002a") == "uc"
    assert endpoint_of("PJSIP/uc-two-0000002a") == "uc-two"
    assert endpoint_of("PJSIP/uc") is None
    assert endpoint_of("Local/uc-1;2") is None


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("failure", OutcomeClass.FAILURE),
        ("undeliverable", OutcomeClass.UNDELIVERABLE),
        ("busy", OutcomeClass.PERSONS_DOING),
        ("declined", OutcomeClass.PERSONS_DOING),
        ("unanswered", OutcomeClass.PERSONS_DOING),
        ("cancelled", OutcomeClass.PERSONS_DOING),
    ],
)
def test_a_legs_end(result: str, outcome: OutcomeClass) -> None:
    assert read(leg(result=result)) == (CallOutcome("main-uc", DID, "0113", outcome, 503, NOW),)


@pytest.mark.parametrize(
    ("created", "seconds_ago"),
    [("2029-12-31T23:59:52.500+0000", 7.5), ("2030-01-01T00:59:59.000+0100", 1.0), ("2030-01-01T00:00:09.000+0000", 0)],
)
def test_a_legs_call_came_in_when_its_channel_was_made(created: str, seconds_ago: float) -> None:
    began_at = read({**leg(), "channel": {"creationtime": created}})[0].began_at
    assert NOW.since(began_at) == seconds_ago


@pytest.mark.parametrize("channel", [None, 7, [], {}, {"creationtime": ""}, {"creationtime": "2029-12-31T23:59:52"}])
def test_without_a_readable_time_a_leg_is_told_all_the_same(channel: object) -> None:
    assert read({**leg(), "channel": channel})[0].began_at is None


@pytest.mark.parametrize(("status", "read_as"), [("", None), ("100", None), ("183", None), ("300", 300), ("699", 699)])
def test_a_status_below_200_is_no_answer(status: str, read_as: int | None) -> None:
    assert read(leg(status=status))[0].status == read_as


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "elsewhere"},
        {"result": "exploded"},
        {"status": "999"},
        {"status": "5O3"},
        {"status": "٥٠٣"},
        {"status": 503},
        {"did": None},
        {"caller": "x" * 400},
        {"did": ["+441134960012"]},
    ],
)
def test_a_malformed_leg_is_refused_and_not_repeated(fields: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent) as caught:
        read(leg(**fields))
    assert "elsewhere" not in str(caught.value)


def test_a_call_record() -> None:
    event = user_event(
        "RingfenceCall",
        call="1700000000.42",
        did="%2B441134960012",
        trunk="carrier",
        scope="main-uc",
        caller="%2B441134%00960000%0D%0AX",
        decision="normal",
        path="inline",
        reason="platform-failure",
        step="2",
        answered_by="person",
        result="answered",
        platform_status="503",
        started="1893456000000",
        answered="1893456002000",
        ended="1893456009500",
    )
    record = read(event)[0].record
    assert record.call_id == "1700000000.42"
    assert (record.did, record.caller) == (DID, "+441134\ufffd960000\ufffd\ufffdX")
    assert record.ended_at == datetime(2030, 1, 1, 0, 0, 9, 500_000, tzinfo=UTC)
    assert (record.duration_ms, record.ringing_after_ms, record.step) == (9500, None, 2)
    assert (record.answered_by, record.platform_status) == (AnsweredBy.PERSON, 503)


def test_a_refused_call_has_hardly_a_field_and_a_stepped_clock_no_negative_time() -> None:
    event = user_event("RingfenceCall", answered_by="nobody", result="refused", started="2000", ended="1000")
    (ended,) = read(event)
    assert isinstance(ended, CallEnded)
    assert (ended.record.did, ended.record.duration_ms) == ("", 0)
    (ended,) = read(user_event("RingfenceCall", answered_by="nobody"))
    assert ended.record.ended_at == NOW.wall


@pytest.mark.parametrize(
    ("spelling", "passed"),
    [
        ("Reachable", True),
        ("Avail", True),
        ("online", True),
        ("Unreachable", False),
        ("Unavail", False),
        ("offline", False),
        ("NonQualified", None),
        ("Unqualified", None),
        ("Created", None),
        ("Unknown", None),
        ("Removed", None),
        ("", None),
        ("somewhere", None),
    ],
)
def test_every_spelling_of_a_contacts_state(spelling: str, passed: bool | None) -> None:
    assert contact_passed(contact_state(spelling)) is passed
    assert observation(UC, spelling, NOW).passed is passed
    event = {
        "type": "ContactStatusChange",
        "endpoint": {"technology": "PJSIP", "resource": "uc_qualify"},
        "contact_info": {"contact_status": spelling},
    }
    (told,) = read(event)
    assert isinstance(told, Observation)
    assert (told.target, told.passed) == (UC, passed)


@pytest.mark.parametrize(
    ("result", "passed"), [("failure", [False]), ("full", []), ("undeliverable", []), ("busy", [True])]
)
def test_what_an_egress_attempt_says_of_its_trunk(result: str, passed: list[bool]) -> None:
    event = user_event("RingfenceEgress", did="%2B441134960012", egress="out", result=result, status="404")
    assert [seen.passed for seen in read(event)] == passed


def test_another_endpoints_contact_says_nothing() -> None:
    event = {"type": "PeerStatusChange", "endpoint": {"technology": "PJSIP", "resource": "desk"}, "peer": {}}
    assert read(event) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = ("peer", "caller", "dialplan", "context", "exten", "dialstatus", "name", "id", "number", "endpoint")
INNER = ("resource", "technology", "contact_info", "contact_status", "peer_status", "userevent", "eventname")
KEYS = st.sampled_from([*NAMES, *INNER, *Field])
LIKELY = st.sampled_from(["PJSIP", "PJSIP/uc-1", "uc_qualify", "ringfence-route", DID, "RINGING", "", *UserEventName])
SHAPED = st.recursive(JSON | LIKELY, lambda inner: st.dictionaries(KEYS, inner, max_size=8), max_leaves=20)


@given(JSON | st.dictionaries(KEYS, SHAPED, max_size=8), st.sampled_from([*EventType, "x"]))
def test_nothing_breaks_the_reader(event: object, kind: str) -> None:
    if isinstance(event, dict):
        event["type"] = str(kind)
    try:
        values = read(event)
    except MalformedEvent as error:
        assert len(str(error)) < 100
    else:
        assert len(values) <= 1


@given(
    st.dictionaries(st.sampled_from(list(Field)), st.text(max_size=500), max_size=12),
    st.sampled_from(list(UserEventName)),
)
def test_no_control_character_gets_through(fields: dict[str, str], name: str) -> None:
    event = json.loads(json.dumps(user_event(name, **{**fields, "answered_by": "nobody"})))
    try:
        values = read(event)
    except MalformedEvent:
        return
    for value in values:
        if isinstance(value, CarrierCalled):  # holds nothing that was sent
            continue
        text = (
            value.record.caller + value.record.call_id + value.record.did
            if isinstance(value, CallEnded)
            else value.caller
        )
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        assert len(text) <= 400
