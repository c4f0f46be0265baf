"""The roster's values as JSON text, and back. A field that says nothing (`None`) is not written.

Texts that many rows repeat are shared: a roster may hold 100,000 records. Every reader raises ValueError for what this
version did not write (`json_fields`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from ringfence.domain.directory import Consent
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse
from ringfence.domain.hr.roster import Away, NumberFacts, Origin, PersonEntries, Stated, Today
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import RingHours
from ringfence.store.json_fields import (
    Reader,
    Unreadable,
    as_day,
    as_fields,
    as_flag,
    as_list,
    as_moment,
    as_object,
    as_one_of,
    as_shared,
    as_string,
    as_text,
    as_whole,
    moment_text,
    of_text,
    or_nothing,
)

T = TypeVar("T")

_TEXTS: Final = ("name", "email", "site", "department", "manager", "deputy")
_FLAGS: Final = ("active", "on_call")
_DAYS: Final = ("starts", "ends", "away_from", "away_until")


def record_text(record: HrRecord, row: HrRecord) -> str:
    """`row` is the record whose `id`, `post` and `key` the row itself has: they are written where they differ."""
    raw: dict[str, Any] = {
        name: value for name in ("id", "post", "key") if (value := getattr(record, name)) != getattr(row, name)
    }
    for name in (*_TEXTS, *_FLAGS):
        if (value := getattr(record, name)) is not None:
            raw[name] = value
    for name in _DAYS:
        if (value := getattr(record, name)) is not None:
            raw[name] = value.isoformat()
    if record.ends_at is not None:
        raw["ends_at"] = moment_text(record.ends_at)
    if record.dids is not None:
        raw["dids"] = record.dids
    if record.numbers is not None:
        raw["numbers"] = _numbers(record.numbers)
    return as_text(raw)


def record_of(text: str, row: HrRecord) -> HrRecord:
    of_row = {"id": row.id, "key": row.key, "post": row.post}
    return HrRecord(**of_row | as_fields(of_text(text), _RECORD))


def entries_text(entries: PersonEntries) -> str:
    raw: dict[str, Any] = {}
    if entries.numbers is not None:
        raw["numbers"] = _stated(entries.numbers, _numbers)
    if entries.dids is not None:
        raw["dids"] = _stated(entries.dids, list)
    if entries.left_at is not None:
        raw["left_at"] = _stated(entries.left_at, moment_text)
    if entries.away is not None:
        raw["away"] = _stated(entries.away, _away)
    if entries.on_call_until is not None:
        raw["on_call_until"] = _stated(entries.on_call_until, moment_text)
    if entries.today is not None:
        raw["today"] = _stated(entries.today, _today)
    if entries.facts:
        raw["facts"] = {e164: _stated(facts, _facts) for e164, facts in entries.facts.items()}
    return as_text(raw)


def entries_of(text: str) -> PersonEntries:
    return PersonEntries(**as_fields(of_text(text), _ENTRIES))


def counts_text(counts: Mapping[Any, int]) -> str:
    """Of people by category, or of DIDs by reason: the keys are texts."""
    return as_text({str(name): count for name, count in counts.items()})


def counts_of(text: str) -> dict[str, int]:
    return {as_shared(name): as_whole(count) for name, count in as_object(of_text(text)).items()}


def lines_text(lines: tuple[str, ...]) -> str:
    return as_text(lines)


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(map(as_string, as_list(of_text(text))))


def _stated(stated: Stated[T], write: Callable[[T], object]) -> dict[str, object]:
    return {
        "value": write(stated.value),
        "origin": stated.origin,
        "who": stated.who,
        "why": stated.why,
        "at": moment_text(stated.at),
    }


def _today(today: Today) -> dict[str, object]:
    return {"number": _numbers((today.number,))[0], "until": moment_text(today.until)}


def _today_of(value: object) -> Today:
    raw = as_object(value)
    (number,) = _numbers_of([raw["number"]])
    return Today(number, as_moment(raw["until"]))


def _numbers(numbers: tuple[HrNumber, ...]) -> list[dict[str, object]]:
    return [{"e164": one.e164, "use": one.use, "ring_seconds": one.ring_seconds} for one in numbers]


def _away(away: Away) -> dict[str, object]:
    until = away.until and away.until.isoformat()
    return {"since": away.since.isoformat(), "until": until, "deputy": away.deputy}


def _facts(facts: NumberFacts) -> dict[str, object]:
    return {
        "consent": facts.consent,
        "consent_on": facts.consent_on and facts.consent_on.isoformat(),
        "purpose": facts.purpose,
        "hours": facts.hours and _hours(facts.hours),
        "confirmed_on": facts.confirmed_on and facts.confirmed_on.isoformat(),
        # Left away where nothing is said: rows of before have none either.
        **({} if facts.press_one is None else {"press_one": facts.press_one}),
    }


def _hours(hours: RingHours) -> dict[str, object]:
    return {"begins": hours.begins, "ends": hours.ends, "zone": hours.zone, "days": sorted(hours.days)}


def _numbers_of(value: object) -> tuple[HrNumber, ...]:
    return tuple(HrNumber(**as_fields(number, _NUMBER, required=True)) for number in as_list(value))


def _dids_of(value: object) -> tuple[Did, ...]:
    return tuple(Did(as_shared(did)) for did in as_list(value))


def _stated_of(read: Reader) -> Reader:
    readers = {"value": read, "origin": as_one_of(Origin), "who": as_shared, "why": as_shared, "at": as_moment}
    return lambda value: Stated(**as_fields(value, readers, required=True))


def _away_of(value: object) -> Away:
    return Away(**as_fields(value, _AWAY, required=True))


def _facts_of(value: object) -> NumberFacts:
    return NumberFacts(**as_fields({"press_one": None} | as_object(value), _FACTS, required=True))


def _hours_of(value: object) -> RingHours:
    fields = as_fields(value, _HOURS, required=True)
    try:
        return RingHours(**fields)
    except AssertionError:
        raise Unreadable("names no hours") from None


def _facts_by_number(value: object) -> Mapping[str, Stated[NumberFacts]]:
    read = _stated_of(_facts_of)
    return MappingProxyType({e164: cast("Stated[NumberFacts]", read(one)) for e164, one in as_object(value).items()})


_NUMBER: Final = {"e164": as_string, "use": as_one_of(NumberUse), "ring_seconds": as_whole}
_AWAY: Final = {"since": as_day, "until": or_nothing(as_day), "deputy": or_nothing(as_shared)}
_HOURS: Final = {
    "begins": as_whole,
    "ends": as_whole,
    "zone": as_shared,
    "days": lambda value: frozenset(map(as_whole, as_list(value))),
}
_FACTS: Final = {
    "consent": as_one_of(Consent),
    "consent_on": or_nothing(as_day),
    "purpose": as_shared,
    "hours": or_nothing(_hours_of),
    "confirmed_on": or_nothing(as_day),
    "press_one": or_nothing(as_flag),
}
_RECORD: Final = {
    "id": as_shared,
    "key": as_shared,
    "post": as_shared,
    "name": as_string,
    "email": as_string,
    "site": as_shared,
    "department": as_shared,
    "manager": as_shared,
    "dids": _dids_of,
    "numbers": _numbers_of,
    "ends_at": as_moment,
    "deputy": as_shared,
    **dict.fromkeys(_FLAGS, as_flag),
    **dict.fromkeys(_DAYS, as_day),
}
_ENTRIES: Final = {
    "numbers": _stated_of(_numbers_of),
    "dids": _stated_of(_dids_of),
    "left_at": _stated_of(as_moment),
    "away": _stated_of(_away_of),
    "on_call_until": _stated_of(as_moment),
    "today": _stated_of(_today_of),
    "facts": _facts_by_number,
}
