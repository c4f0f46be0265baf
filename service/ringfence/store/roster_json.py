"""The roster's values as JSON text, and back. A field that says nothing (`None`) is not written.

Texts that many rows repeat are shared: a roster may hold 100,000 records. Every reader raises ValueError for what this
version did not write (`json_fields`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from ringfence.domain.directory import Consent, PersonKey
from ringfence.domain.hr_record import HrNumber, HrRecord, NumberUse
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.roster import Away, NumberFacts, Origin, PersonEntries, Stated
from ringfence.store.json_fields import (
    Fields,
    Unreadable,
    as_day,
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
    raw = Fields(json.loads(text))
    record = HrRecord(
        id=_unless_written(raw.optional("id", as_shared), row.id),
        key=PersonKey(_unless_written(raw.optional("key", as_shared), row.key)),
        post=_unless_written(raw.optional("post", as_shared), row.post),
        name=raw.optional("name", as_string),
        email=raw.optional("email", as_string),
        site=raw.optional("site", as_shared),
        department=raw.optional("department", as_shared),
        manager=raw.optional("manager", as_shared),
        dids=raw.optional("dids", _dids),
        numbers=raw.optional("numbers", _numbers_of),
        active=raw.optional("active", as_flag),
        starts=raw.optional("starts", as_day),
        ends=raw.optional("ends", as_day),
        ends_at=raw.optional("ends_at", as_moment),
        away_from=raw.optional("away_from", as_day),
        away_until=raw.optional("away_until", as_day),
        deputy=raw.optional("deputy", _person),
        on_call=raw.optional("on_call", as_flag),
    )
    raw.end()
    return record


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
    if entries.facts:
        raw["facts"] = {e164: _stated(facts, _facts) for e164, facts in entries.facts.items()}
    return as_text(raw)


def entries_of(text: str) -> PersonEntries:
    raw = Fields(json.loads(text))
    facts = raw.optional("facts", as_object) or {}
    entries = PersonEntries(
        numbers=raw.optional("numbers", lambda value: _stated_of(value, _numbers_of)),
        dids=raw.optional("dids", lambda value: _stated_of(value, _dids)),
        left_at=raw.optional("left_at", lambda value: _stated_of(value, as_moment)),
        away=raw.optional("away", lambda value: _stated_of(value, _away_of)),
        on_call_until=raw.optional("on_call_until", lambda value: _stated_of(value, as_moment)),
        facts=MappingProxyType({e164: _stated_of(value, _facts_of) for e164, value in facts.items()}),
    )
    raw.end()
    return entries


def counts_text(counts: Mapping[Any, int]) -> str:
    """Of people by category, or of DIDs by reason: the keys are texts."""
    return as_text({str(name): count for name, count in counts.items()})


def counts_of(text: str) -> dict[str, int]:
    return {as_shared(name): as_whole(count) for name, count in as_object(json.loads(text)).items()}


def lines_text(lines: tuple[str, ...]) -> str:
    return as_text(lines)


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(map(as_string, as_list(json.loads(text))))


def _unless_written(written: str | None, of_row: str) -> str:
    return of_row if written is None else written


def _stated(stated: Stated[T], write: Callable[[T], object]) -> dict[str, object]:
    return {
        "value": write(stated.value),
        "origin": stated.origin,
        "who": stated.who,
        "why": stated.why,
        "at": moment_text(stated.at),
    }


def _stated_of(value: object, read: Callable[[Any], T]) -> Stated[T]:
    raw = Fields(value)
    stated = Stated(
        raw.required("value", read),
        raw.required("origin", as_one_of(Origin)),
        raw.required("who", as_shared),
        raw.required("why", as_shared),
        raw.required("at", as_moment),
    )
    raw.end()
    return stated


def _numbers(numbers: tuple[HrNumber, ...]) -> list[dict[str, object]]:
    return [{"e164": one.e164, "use": one.use, "ring_seconds": one.ring_seconds} for one in numbers]


def _numbers_of(value: object) -> tuple[HrNumber, ...]:
    return tuple(map(_number, as_list(value)))


def _number(value: object) -> HrNumber:
    raw = Fields(value)
    number = HrNumber(
        raw.required("e164", as_string),
        raw.required("use", as_one_of(NumberUse)),
        raw.required("ring_seconds", as_whole),
    )
    raw.end()
    return number


def _dids(value: object) -> tuple[Did, ...]:
    return tuple(Did(as_shared(did)) for did in as_list(value))


def _person(value: object) -> PersonKey:
    return PersonKey(as_shared(value))


def _away(away: Away) -> dict[str, object]:
    until = away.until and away.until.isoformat()
    return {"since": away.since.isoformat(), "until": until, "deputy": away.deputy}


def _away_of(value: object) -> Away:
    raw = Fields(value)
    away = Away(
        raw.required("since", as_day),
        raw.required("until", lambda until: None if until is None else as_day(until)),
        raw.required("deputy", lambda deputy: None if deputy is None else _person(deputy)),
    )
    raw.end()
    return away


def _facts(facts: NumberFacts) -> dict[str, object]:
    raw: dict[str, object] = {"consent": facts.consent, "purpose": facts.purpose}
    if facts.consent_on is not None:
        raw["consent_on"] = facts.consent_on.isoformat()
    if facts.hours is not None:
        raw["hours"] = _hours(facts.hours)
    if facts.confirmed_on is not None:
        raw["confirmed_on"] = facts.confirmed_on.isoformat()
    return raw


def _facts_of(value: object) -> NumberFacts:
    raw = Fields(value)
    facts = NumberFacts(
        consent=raw.required("consent", as_one_of(Consent)),
        consent_on=raw.optional("consent_on", as_day),
        purpose=raw.required("purpose", as_shared),
        hours=raw.optional("hours", _hours_of),
        confirmed_on=raw.optional("confirmed_on", as_day),
    )
    raw.end()
    return facts


def _hours(hours: RingHours) -> dict[str, object]:
    return {"begins": hours.begins, "ends": hours.ends, "zone": hours.zone, "days": sorted(hours.days)}


def _hours_of(value: object) -> RingHours:
    raw = Fields(value)
    begins, ends = raw.required("begins", as_whole), raw.required("ends", as_whole)
    zone, days = (
        raw.required("zone", as_shared),
        raw.required("days", lambda days: frozenset(map(as_whole, as_list(days)))),
    )
    raw.end()
    try:
        return RingHours(begins, ends, zone, days)
    except AssertionError:
        raise Unreadable("names no hours") from None
