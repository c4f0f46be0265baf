"""What the store keeps as JSON comes back as it was; what nobody wrote is refused without repeating it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.directory import Consent, PersonKey
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse
from ringfence.domain.hr.roster import Away, NumberFacts, Origin, PersonEntries, Stated, Today
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.store.roster_json import entries_of, entries_text, record_of, record_text

ROW = HrRecord("1001", PersonKey("p1"), "main")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NUMBER = "+447700900123"
FACTS = {"consent": "given", "consent_on": None, "purpose": "", "hours": None, "confirmed_on": None}
HOURS = {"begins": 9, "ends": 17, "zone": "UTC", "days": [1]}

texts = st.text(max_size=20)
keys = texts.map(PersonKey)
days = st.dates()
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])
moments = st.builds(
    lambda after, zone: (AT + after).astimezone(zone),
    st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)),
    zones,
)
dids = st.lists(st.from_regex(r"\+44113496[0-9]{4}", fullmatch=True).map(Did), max_size=3).map(tuple)
e164s = st.from_regex(r"\+447700900[0-9]{3}", fullmatch=True)
number = st.builds(HrNumber, e164s, st.sampled_from(NumberUse), st.integers(5, 120))
numbers = st.lists(number, max_size=3).map(tuple)
hours = st.sampled_from(["07:00-22:00", "22:00-06:00", "fri-mon 00:00-24:00", "sun 09:00-12:30"]).map(
    lambda words: parse_ring_hours(words, "Europe/London")
)
maybe = st.none
records = st.builds(
    HrRecord,
    id=texts,
    key=keys,
    post=texts,
    name=maybe() | texts,
    email=maybe() | texts,
    site=maybe() | texts,
    department=maybe() | texts,
    manager=maybe() | texts,
    dids=maybe() | dids,
    numbers=maybe() | numbers,
    active=maybe() | st.booleans(),
    starts=maybe() | days,
    ends=maybe() | days,
    ends_at=maybe() | moments,
    away_from=maybe() | days,
    away_until=maybe() | days,
    deputy=maybe() | keys,
    on_call=maybe() | st.booleans(),
)


def stated(values: st.SearchStrategy[object]) -> st.SearchStrategy[Stated[object]]:
    return st.builds(Stated, values, st.sampled_from(Origin), texts, texts, moments)


facts = st.builds(
    NumberFacts,
    st.sampled_from(Consent),
    maybe() | days,
    texts,
    maybe() | hours,
    maybe() | days,
    maybe() | st.booleans(),
)
entries = st.builds(
    PersonEntries,
    numbers=maybe() | stated(numbers),
    dids=maybe() | stated(dids),
    left_at=maybe() | stated(moments),
    away=maybe() | stated(st.builds(Away, days, maybe() | days, maybe() | keys)),
    on_call_until=maybe() | stated(moments),
    today=maybe() | stated(st.builds(Today, number, moments)),
    facts=st.dictionaries(e164s, stated(facts), max_size=2).map(MappingProxyType),
)


@settings(max_examples=50)
@given(records)
def test_a_record_comes_back(record: HrRecord) -> None:
    back = record_of(record_text(record, ROW), ROW)
    assert back == record
    assert back.ends_at is None or back.ends_at.tzinfo is UTC


@settings(max_examples=50)
@given(entries)
def test_what_was_entered_comes_back(entered: PersonEntries) -> None:
    assert entries_of(entries_text(entered)) == entered


def test_a_record_that_says_nothing_takes_no_room() -> None:
    assert record_text(ROW, ROW) == "{}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "is no object"),
        ("{", "Expecting"),
        ('{"colour":"red"}', "not known to this version"),
        ('{"name":7}', "'name' is no text"),
        ('{"active":"yes"}', "'active' is neither true nor false"),
        ('{"dids":"+441134960123"}', "'dids' is no list"),
        ('{"starts":"tomorrow"}', "'starts' is no day"),
        ('{"ends_at":"2026-03-01T12:00:00"}', "'ends_at' is a moment without its zone"),
        ('{"numbers":[{"e164":"+447700900123","use":"home","ring_seconds":20}]}', "'use' is none of work, private"),
        ('{"numbers":[{"e164":"+447700900123","use":"work"}]}', "'ring_seconds' is missing"),
        ('{"numbers":[{"e164":"+447700900123","use":"work","ring_seconds":true}]}', "'ring_seconds' is no whole"),
        ('{"numbers":[{"e164":"+447700900123","use":"work","ring_seconds":20,"+447700900123":1}]}', "not known"),
    ],
)
def test_a_record_nobody_wrote_is_refused_by_its_fields_name(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        record_of(text, ROW)
    assert "900123" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"origin": "rumour"}, "'origin' is none of"),
        ({"value": FACTS | {"colour": 1}}, "not known to this version"),
        ({"value": {"consent": "given"}}, "'confirmed_on' is missing"),
        ({"value": FACTS | {"press_one": "yes"}}, "'press_one' is neither true nor false"),
        ({"value": FACTS | {"hours": [7, 22]}}, "'hours' is no object"),
        ({"value": FACTS | {"hours": HOURS | {"ends": 9}}}, "'hours' names no hours"),
        ({"value": FACTS | {"consent": "perhaps"}}, "'consent' is none of not_stated, given, withdrawn"),
    ],
)
def test_entries_nobody_wrote_are_refused(change: dict[str, object], fault: str) -> None:
    known = PersonEntries(facts={NUMBER: Stated(NumberFacts(), Origin.PERSON, "ada", "", AT)})
    raw = json.loads(entries_text(known))
    raw["facts"][NUMBER] |= change
    with pytest.raises(ValueError, match=fault) as caught:
        entries_of(json.dumps(raw))
    assert "900123" not in str(caught.value)


def test_a_day_is_written_as_people_write_it() -> None:
    assert (
        record_text(HrRecord("1001", PersonKey("p1"), "main", ends=date(2026, 3, 31)), ROW) == '{"ends":"2026-03-31"}'
    )
