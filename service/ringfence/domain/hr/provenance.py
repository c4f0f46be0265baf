"""What is known of one person, from whom and since when: all of it side by side, for `ringfence person show`.

The fields are those of `HrRecord`. What was entered by hand stands beside what sources say of the same: a leaving under
`ends_at`, an absence under `away_from` and `deputy`, being on call under `on_call`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from ringfence.domain.directory import MAX_DEFAULT_NUMBERS, Consent, DefaultNumber, Directory, Person, PersonKey
from ringfence.domain.hr.derivation import derive
from ringfence.domain.hr.person_facts import Everybody, Facts
from ringfence.domain.hr.record import DETAIL_FIELDS, STATUS_FIELDS, HrNumber, NumberUse, RecordId
from ringfence.domain.hr.roster import IMPORTED, NumberFacts, PersonEntries, RecordState, Roster, RosterPolicy, Stated
from ringfence.domain.hr.rung_numbers import Known, known_numbers
from ringfence.domain.numbers import Did, mask
from ringfence.domain.route_plan import LeftOut, Omission


class Standing(StrEnum):
    """Where a person stands now."""

    EMPLOYED = "employed"
    NOT_STARTED = "not started"
    LEFT = "left"
    AWAY = "away"
    UNKNOWN = "unknown to HR"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one origin says of one field. `value` is for people: words, numbers masked. `origin` is a source's name,
    `import`, `person` or `helpdesk`; `who` the person behind the last two. `held`: said, and not accepted."""

    value: str
    origin: str
    at: datetime | None = None
    who: str = ""
    in_force: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class NumberView:
    """One default number, masked. `hours` are words, empty for any time. `rings`: it would in an outage now (whether
    the egress may dial it: `undialled`); `why_not` is a sentence, empty when it does. `stated`: what was entered by
    hand of this number, None when nothing was. `press_one`: whether who answers is asked; None: its kind says. `e164`
    is the number in clear, for whoever enters something of it: never shown."""

    masked: str
    use: NumberUse
    ring_seconds: int
    hours: str
    consent: Consent
    consent_on: date | None
    confirmed_on: date | None
    purpose: str
    rings: bool
    why_not: str
    press_one: bool | None = None
    stated: NumberFacts | None = None
    e164: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DidView:
    """A DID the person holds. `hold` is a sentence on why nobody's numbers ring for it, empty when they do."""

    did: Did
    since: datetime | None
    hold: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """All of it. `since` and `until` are those of the employment, where they are known. `today_until`: the first number
    is where the person is until then. `usual`: the numbers as they are stated without that."""

    key: PersonKey
    name: str
    standing: Standing
    since: datetime | None
    until: datetime | None
    fields: Mapping[str, tuple[Claim, ...]]
    dids: tuple[DidView, ...]
    numbers: tuple[NumberView, ...]
    today_until: datetime | None = None
    usual: tuple[HrNumber, ...] = ()


FIELDS: Final = (*DETAIL_FIELDS, "dids", "numbers", *STATUS_FIELDS)

_TOO_MANY: Final = f"a person has at most {MAX_DEFAULT_NUMBERS} default numbers that ring"
_NOT_IN_HOURS: Final = "it rings in its hours only"


def person_view(
    base: Directory,
    roster: Roster,
    policy: RosterPolicy,
    key: PersonKey,
    now: datetime,
    in_force: Directory | None = None,
) -> PersonView | None:
    """None: nobody knows this key. `in_force` is what `derive` gives for the same; it is derived here when it is not
    given."""
    return next(iter(people_views(base, roster, policy, (key,), now, in_force)), None)


def people_views(
    base: Directory,
    roster: Roster,
    policy: RosterPolicy,
    keys: Sequence[PersonKey],
    now: datetime,
    in_force: Directory | None = None,
) -> list[PersonView]:
    """Those of the keys that somebody knows, in their order. Walks over everybody once, however many are asked for."""
    everybody = Everybody(base, roster, policy, now, keys)
    directory = in_force or derive(base, roster, policy, now).directory
    views = (_view(everybody, everybody.key_of(key), roster, policy, now, directory) for key in keys)
    return [view for view in views if view is not None]


def _view(
    everybody: Everybody, key: PersonKey, roster: Roster, policy: RosterPolicy, now: datetime, directory: Directory
) -> PersonView | None:
    facts, ids = everybody.facts(key), everybody.records(key)
    if facts.imported is None and not ids and not facts.entries:
        return None
    states = [(id_, roster.records[id_]) for id_ in ids]
    absence = facts.absence(facts.current, now)
    away = absence is not None and absence.covers(now)
    known = known_numbers(facts, facts.current, away, policy, now)
    today = facts.entries.today
    usual = known
    if today is not None:
        usual = known_numbers(
            replace(facts, entries=replace(facts.entries, today=None)), facts.current, away, policy, now
        )
    return PersonView(
        key=key,
        name=_name(facts, states),
        standing=_standing(facts, away),
        since=facts.employment.begins,
        until=facts.employment.ends,
        fields=MappingProxyType({name: claims for name in FIELDS if (claims := tuple(_claims(name, facts, states)))}),
        dids=tuple(_dids(key, directory, roster)),
        numbers=tuple(_numbers(known, facts, now)),
        today_until=None if today is None or now >= today.value.until else today.value.until,
        usual=tuple(HrNumber(number.e164, use, number.ring_seconds) for number, use, _ in usual),
    )


_States = Sequence[tuple[RecordId, RecordState]]


def _name(facts: Facts, states: _States) -> str:
    held = (state.said.name for _, state in states if state.said.name)
    imported = None if facts.imported is None else facts.imported.name
    return facts.value("name", facts.current, imported) or next(held, facts.key)


def _standing(facts: Facts, away: bool) -> Standing:
    if facts.employment.left:
        return Standing.LEFT
    if not facts.current:
        return Standing.UNKNOWN
    if not facts.employment.employed:
        return Standing.NOT_STARTED
    return Standing.AWAY if away else Standing.EMPLOYED


def _claims(name: str, facts: Facts, states: _States) -> Iterator[Claim]:
    """By hand first, then the sources in the field's order, what is held after what is accepted, then the import."""
    entered = _entered(name, facts.entries)
    if entered is not None:
        value, stated = entered
        yield Claim(_words(value), stated.origin, stated.at, stated.who, in_force=True)
    imported = _imported(name, facts)
    winner = facts.resolved(name, facts.current, imported)
    ranks = facts.precedence.of(name)
    for id_, state in sorted(states, key=lambda item: (ranks[item[0].source], item[0])):
        accepted = None if state.accepted is None else getattr(state.accepted, name)
        said = getattr(state.said, name)
        if accepted is not None:
            first = winner is not None and winner.origin == id_.source and (winner.value == accepted or name == "dids")
            in_force = name in STATUS_FIELDS or (entered is None and first)
            yield Claim(_words(accepted), id_.source, state.said_at, in_force=in_force)
        if said is not None and said != accepted:
            yield Claim(_words(said), id_.source, state.said_at, held=True)
    if imported is not None:
        in_force = entered is None and winner is not None and winner.origin == IMPORTED
        yield Claim(_words(imported), IMPORTED, in_force=in_force)


def _entered(name: str, entries: PersonEntries) -> tuple[Any, Stated[Any]] | None:
    """The value, and the entry it is part of."""
    stated: Stated[Any] | None
    match name:
        case "numbers":
            stated = entries.numbers
        case "dids":
            stated = entries.dids
        case "ends_at":
            stated = entries.left_at
        case "on_call":
            stated = entries.on_call_until
        case "away_from" | "away_until" | "deputy":
            if entries.away is None:
                return None
            away = entries.away.value
            return {"away_from": away.since, "away_until": away.until, "deputy": away.deputy}[name], entries.away
        case _:
            stated = None
    return None if stated is None else (stated.value, stated)


def _imported(name: str, facts: Facts) -> Any:
    person: Person | None = facts.imported
    if person is None:
        return None
    match name:
        case "name":
            return person.name
        case "site":
            return person.site
        case "numbers":
            return person.default_numbers or None
        case "dids":
            return tuple(facts.imported_dids) or None
    return None


def _words(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            parts = (item.words if isinstance(item, HrNumber | DefaultNumber) else str(item) for item in value)
            return ", ".join(parts) or "none"
        case datetime() | date():
            return value.isoformat()
    return str(value)


def _dids(key: PersonKey, directory: Directory, roster: Roster) -> Iterator[DidView]:
    for did, item in directory.assignments.items():
        if item.owner == key:
            since = next((tenure.since for tenure in roster.tenures.get(did, ()) if tenure.until is None), None)
            hold = ""
            if item.hold is not None:
                hold = LeftOut("", Omission(item.hold.value), until=item.hold_until).sentence
            yield DidView(did, since, hold)


def _numbers(known: Sequence[Known], facts: Facts, now: datetime) -> Iterator[NumberView]:
    ringing = 0
    for number, use, withheld in known:
        stated = facts.entries.facts.get(number.e164)
        entered = NumberFacts() if stated is None else stated.value
        why_not = "" if withheld is None else Omission(withheld.value).sentence
        if withheld is None:
            ringing += 1
            if ringing > MAX_DEFAULT_NUMBERS:
                why_not = _TOO_MANY
            elif number.hours is not None and not number.hours.open_at(now):
                why_not = _NOT_IN_HOURS
        yield NumberView(
            masked=mask(number.e164),
            use=use,
            ring_seconds=number.ring_seconds,
            hours="" if number.hours is None else number.hours.words,
            consent=entered.consent,
            consent_on=entered.consent_on,
            confirmed_on=entered.confirmed_on,
            purpose=entered.purpose,
            rings=not why_not,
            why_not=why_not,
            press_one=number.press_one,
            stated=None if stated is None else stated.value,
            e164=number.e164,
        )
