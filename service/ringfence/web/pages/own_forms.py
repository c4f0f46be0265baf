"""What people enter about themselves on `/me`: the same checks and use cases as the API's, from fields of forms. No
message repeats a number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from ringfence.app.hr.views import EntryField
from ringfence.app.operator import OrderRefused
from ringfence.domain.directory import DEFAULT_RING_SECONDS, MAX_DEFAULT_NUMBERS, Consent
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import NumberFacts
from ringfence.web import people_entries as read
from ringfence.web.errors import Conflict
from ringfence.web.pages.person_forms import Entered, Entry, position_of, with_zone
from ringfence.web.people_models import AwayOrder, FactsOrder, NumbersOrder, TodayOrder


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One form of whoever sends it. `view` is what is known of them as it comes in."""

    entry: Entry
    view: PersonView

    @property
    def zone(self) -> str:
        return read.zone_of(self.view, self.entry.door)


def seen_of(view: PersonView) -> str:
    """Names the numbers as they were shown: "the second" must not mean another one by the time it is said."""
    return " ".join(number.masked for number in view.numbers)


async def _add(own: OwnEntry) -> Sequence[Entered]:
    entry = own.entry
    order = entry.read(NumbersOrder, numbers=[_written(entry)])
    numbers, warnings = read.read_numbers(order.numbers, entry.door, "number")
    (number,) = numbers
    if any(number.e164 == other.e164 for other in own.view.usual):
        raise OrderRefused("number", "is one of yours already", "Move it up or down in the list instead.")
    if len(own.view.usual) >= MAX_DEFAULT_NUMBERS:
        raise OrderRefused("number", f"you have {MAX_DEFAULT_NUMBERS}, the most there can be", "Remove one first.")
    entered = [Entered(EntryField.NUMBERS, (*own.view.usual, number), warned=bool(warnings))]
    if entry.fields.get("consent"):
        # What was known of the number before does not count against what is said of it now.
        consent = entry.read(FactsOrder, number=number.e164, consent=Consent.GIVEN)
        facts = read.read_facts(consent, NumberFacts(), own.zone, entry.now)
        entered.append(Entered(EntryField.FACTS, facts, number.e164))
    return entered


async def _remove(own: OwnEntry) -> Sequence[Entered]:
    place = _place(own)
    usual = own.view.usual
    return [Entered(EntryField.NUMBERS, (*usual[:place], *usual[place + 1 :]))]


def _moving(by: int) -> Callable[[OwnEntry], Awaitable[Sequence[Entered]]]:
    async def move(own: OwnEntry) -> Sequence[Entered]:
        place, usual = _place(own), list[HrNumber](own.view.usual)
        other = min(max(place + by, 0), len(usual) - 1)
        usual[place], usual[other] = usual[other], usual[place]
        return [Entered(EntryField.NUMBERS, tuple(usual))]

    return move


async def _consent(own: OwnEntry) -> Sequence[Entered]:
    return [_said(own, consent=own.entry.fields.get("consent", ""))]


async def _hours(own: OwnEntry) -> Sequence[Entered]:
    return [_said(own, hours=own.entry.fields.get("hours", ""))]


async def _press_one(own: OwnEntry) -> Sequence[Entered]:
    return [_said(own, press_one=own.entry.fields.get("press_one", ""))]


async def _confirm(own: OwnEntry) -> Sequence[Entered]:
    return [_said(own, confirmed_on=own.entry.now.astimezone(ZoneInfo(own.zone)).date())]


async def _today(own: OwnEntry) -> Sequence[Entered]:
    entry = own.entry
    until = with_zone("until", entry.fields.get("until", ""), own.zone)
    order = entry.read(TodayOrder, until=until, **_written(entry))
    today, warnings = read.read_today(order, entry.door, entry.now)
    return [Entered(EntryField.TODAY, today, warned=bool(warnings))]


async def _away(own: OwnEntry) -> Sequence[Entered]:
    entry = own.entry
    order = entry.read(AwayOrder, **entry.given("from", "until", "deputy"))
    return [Entered(EntryField.AWAY, await read.read_away(order, entry.key, entry.door, entry.now))]


def _clearing(field: EntryField) -> Callable[[OwnEntry], Awaitable[Sequence[Entered]]]:
    async def clear(own: OwnEntry) -> Sequence[Entered]:
        return [Entered(field, None)]

    return clear


OWN_FORMS: Final[Mapping[str, Callable[[OwnEntry], Awaitable[Sequence[Entered]]]]] = MappingProxyType(
    {
        "add": _add,
        "remove": _remove,
        "up": _moving(-1),
        "down": _moving(1),
        "consent": _consent,
        "hours": _hours,
        "press-one": _press_one,
        "confirm": _confirm,
        "today": _today,
        "away": _away,
        "clear-numbers": _clearing(EntryField.NUMBERS),
        "clear-today": _clearing(EntryField.TODAY),
        "clear-away": _clearing(EntryField.AWAY),
    }
)
"""Name in the address -> what reads it: in the order in which what it gives is to be entered."""


def _written(entry: Entry) -> dict[str, Any]:
    """A number as a form has it."""
    seconds = entry.fields.get("ring_seconds", "").strip() or str(DEFAULT_RING_SECONDS)
    return {
        "number": entry.fields.get("number", "").strip(),
        "use": entry.fields.get("use", "private"),
        "ring_seconds": int(seconds) if seconds.isdecimal() and len(seconds) < 4 else seconds,
    }


def _said(own: OwnEntry, **values: Any) -> Entered:
    """Something about one of the numbers."""
    _check_seen(own)
    order = own.entry.read(FactsOrder, position=position_of(own.entry), **values)
    number = read.known_number(order, own.view, own.entry.door)
    facts = read.read_facts(order, number.stated or NumberFacts(), own.zone, own.entry.now)
    return Entered(EntryField.FACTS, facts, number.e164)


def _place(own: OwnEntry) -> int:
    """Where in the usual numbers the one stands that is meant, from 0."""
    _check_seen(own)
    number = read.number_at(position_of(own.entry), own.view)
    place = next((place for place, other in enumerate(own.view.usual) if other.e164 == number.e164), None)
    if place is None:
        raise OrderRefused("position", "this number is for today only", "Say that you are back instead.")
    return place


def _check_seen(own: OwnEntry) -> None:
    if own.entry.fields.get("seen", "") != seen_of(own.view):
        raise Conflict("numbers", "they have changed since the page was opened", "Look at them again.")
