"""From what a person wrote to what is entered: numbers checked as at an import, days and hours in the site's zone.

Nothing here repeats a private number: an error names the field and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.domain.directory import Consent, PersonKey, why_not_key
from ringfence.domain.hr.employment import midnight
from ringfence.domain.hr.provenance import NumberView, PersonView
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import Away, NumberFacts, Today
from ringfence.domain.numbers import Did, Number, NumberError, parse_did, parse_number
from ringfence.domain.policy import why_not
from ringfence.domain.ring_hours import RingHoursError, parse_ring_hours
from ringfence.web.people_models import (
    MAX_PURPOSE_CHARACTERS,
    AwayOrder,
    FactsOrder,
    LeavingOrder,
    NumberIn,
    TodayOrder,
)
from ringfence.web.ports import RosterDoor

MAX_ON_CALL: Final = timedelta(days=366)
MAX_TODAY: Final = timedelta(days=31)
_MAX_YEARS: Final = timedelta(days=20 * 366)


def read_numbers(
    given: Sequence[NumberIn], door: RosterDoor, named: str = "numbers.{}.number"
) -> tuple[tuple[HrNumber, ...], list[str]]:
    """The numbers, and warnings about them. `named` is what an error calls the field. Raises OrderRefused."""
    numbers: list[HrNumber] = []
    warnings = []
    for place, item in enumerate(given):
        field = named.format(place)
        number = read_number(item.number, field, door)
        if any(number.e164 == other.e164 for other in numbers):
            raise OrderRefused(field, "comes twice", "Give each number once.")
        _refuse_undialable(number, field, door)
        if not number.valid:
            warnings.append(f"number {place + 1} is in no range the numbering plan knows; check the digits")
        numbers.append(HrNumber(number.e164, item.use, item.ring_seconds))
    return tuple(numbers), warnings


def read_today(order: TodayOrder, door: RosterDoor, now: datetime) -> tuple[Today, list[str]]:
    """Raises OrderRefused."""
    (number,), warnings = read_numbers([order], door, "number")
    return Today(number, read_moment("until", order.until, now, now + MAX_TODAY)), warnings


def read_number(text: str, field: str, door: RosterDoor) -> Number:
    """Raises OrderRefused."""
    try:
        return parse_number(text, door.rules.default_country)
    except NumberError as error:
        raise _refused(field, error) from error


def _refuse_undialable(number: Number, field: str, door: RosterDoor) -> None:
    own_dids = _own_dids(door)
    refusal = why_not(number, door.rules.policy, own_dids)
    if refusal is None:
        return
    way = door.rules.policy.ways.way_back(number.e164, own_dids)
    if way is None:
        fix = "Write another number, or change [egress] of the configuration."
        raise OrderRefused(field, f"would never be dialled: {refusal.sentence}", fix)
    chain = f" ({way.words})" if len(way.numbers) > 1 else ""
    fix = "Write a number that leads outside; where no forward is any more, take it out of [[known_forward]]."
    raise OrderRefused(field, f"would never be dialled: {refusal.sentence}{chain}", fix)


def read_dids(given: list[str], door: RosterDoor) -> tuple[Did, ...]:
    """Without repeats. Raises OrderRefused, also for a number that is none of ours."""
    dids: list[Did] = []
    for place, text in enumerate(given):
        field = f"dids.{place}"
        try:
            did = parse_did(text, door.rules.default_country)
        except NumberError as error:
            raise _refused(field, error) from error
        if did not in _own_dids(door):
            raise OrderRefused(field, f"{did} is not in the directory", "Add it with `ringfence import --dids` first.")
        if did not in dids:
            dids.append(did)
    return tuple(dids)


async def read_away(order: AwayOrder, key: str, door: RosterDoor, now: datetime) -> Away:
    """Raises OrderRefused."""
    _check_day("from", order.from_, now)
    if order.until is not None:
        _check_day("until", order.until, now)
    if order.until is not None and order.until < order.from_:
        raise OrderRefused("until", "is before `from`", "Give the last day of the absence.")
    if order.deputy is None:
        return Away(order.from_, order.until, None)
    if why_not_key(order.deputy) is not None or order.deputy == key:
        raise OrderRefused("deputy", "is no other person's key", "Find it with `ringfence person show NAME`.")
    try:
        await door.desk.person(order.deputy)
    except NotOurs as error:
        raise OrderRefused("deputy", "nobody has this key", "Find it with `ringfence person show NAME`.") from error
    return Away(order.from_, order.until, PersonKey(order.deputy))


def read_leaving(order: LeavingOrder, zone: str, now: datetime) -> datetime:
    """The moment of leaving: of a last working day, its end. Raises OrderRefused."""
    if order.at is not None and order.last_day is not None:
        raise OrderRefused("last_day", "is given together with `at`", "Give one of them.")
    if order.last_day is not None:
        _check_day("last_day", order.last_day, now)
        return midnight(order.last_day + timedelta(days=1), zone)
    return now if order.at is None else read_moment("at", order.at, now - _MAX_YEARS, now + _MAX_YEARS)


def read_moment(field: str, text: str, earliest: datetime, latest: datetime) -> datetime:
    """Raises OrderRefused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderRefused(field, "is not a time", "Write it as 2030-01-31T18:00:00+00:00.") from error
    if moment.tzinfo is None:
        raise OrderRefused(field, "has no time zone", "Write it as 2030-01-31T18:00:00+00:00.")
    if not earliest <= moment <= latest:
        raise OrderRefused(field, f"{moment.isoformat()} is too early or too late", "Choose another.")
    return moment


def known_number(order: FactsOrder, person: PersonView, door: RosterDoor) -> NumberView:
    """Which of the person's numbers is meant. Raises OrderRefused."""
    if (order.position is None) == (order.number is None):
        raise OrderRefused("position", "does not name one number", "Give one of `position` and `number`.")
    if order.position is not None:
        return number_at(order.position, person)
    e164 = read_number(order.number or "", "number", door).e164
    found = next((number for number in person.numbers if number.e164 == e164), None)
    if found is None:
        raise OrderRefused("number", "is none of this person's default numbers", "Check the digits.")
    return found


def number_at(position: int, person: PersonView) -> NumberView:
    """Raises OrderRefused."""
    if not 1 <= position <= len(person.numbers):
        known = f"They are 1 to {len(person.numbers)}." if person.numbers else "There is none."
        raise OrderRefused("position", f"this person has no number {position}", known)
    return person.numbers[position - 1]


def read_facts(order: FactsOrder, before: NumberFacts, zone: str, now: datetime) -> NumberFacts:
    """What was entered before, with what is given now. Raises OrderRefused."""
    today = now.astimezone(ZoneInfo(zone)).date()
    changes: dict[str, Any] = {}
    if order.consent is not None:
        stated = order.consent is not Consent.NOT_STATED
        changes = {"consent": order.consent, "consent_on": (order.consent_on or today) if stated else None}
    elif order.consent_on is not None:
        changes["consent_on"] = order.consent_on
    if order.purpose is not None:
        changes["purpose"] = _purpose(order.purpose)
    if order.hours is not None:
        try:
            changes["hours"] = parse_ring_hours(order.hours, zone) if order.hours.strip() else None
        except RingHoursError as error:
            raise _refused("hours", error) from error
    if order.confirmed_on is not None:
        changes["confirmed_on"] = order.confirmed_on
    if order.press_one is not None:
        changes["press_one"] = order.press_one.says
    if not changes:
        raise OrderRefused(
            "consent", "nothing is said of this number", "Give consent, hours, purpose, press_one or a day."
        )
    for name in ("consent_on", "confirmed_on"):
        day = changes.get(name)
        # Somebody whose day has begun elsewhere may be one ahead.
        if day is not None and day > today + timedelta(days=1):
            raise OrderRefused(name, f"{day.isoformat()} is in the future", "Give the day on which it was said.")
    return replace(before, **changes)


def zone_of(person: PersonView, door: RosterDoor) -> str:
    """The time zone of the person's site."""
    directory = door.directory()
    known = None if directory is None else directory.people.get(person.key)
    site = None if directory is None or known is None else directory.sites.get(known.site)
    return door.zone if site is None or site.time_zone is None else site.time_zone


def _own_dids(door: RosterDoor) -> Collection[str]:
    directory = door.directory()
    return () if directory is None else directory.assignments


def _check_day(field: str, day: date, now: datetime) -> None:
    if abs(day - now.date()) > _MAX_YEARS:
        raise OrderRefused(field, f"{day.isoformat()} is too far away", "Check the year.")


def _purpose(text: str) -> str:
    if len(text) > MAX_PURPOSE_CHARACTERS or (text and not text.isprintable()):
        raise OrderRefused(
            "purpose", "is not one line of plain text", f"Write at most {MAX_PURPOSE_CHARACTERS} characters."
        )
    return text.strip()


def _refused(field: str, error: ValueError) -> OrderRefused:
    wrong, _, fix = str(error).partition("; ")
    return OrderRefused(field, wrong, f"{fix[:1].upper()}{fix[1:]}." if fix else "")
