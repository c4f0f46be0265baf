"""What the helpdesk enters for a person on that person's page: the same checks and use cases as the API's, from fields
of forms. No message repeats a number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from ringfence.app.hr.views import EntryField
from ringfence.app.operator import OrderRefused, check_words
from ringfence.domain.directory import DEFAULT_RING_SECONDS, MAX_DEFAULT_NUMBERS
from ringfence.domain.hr.roster import NumberFacts, Origin
from ringfence.web import people_entries as read
from ringfence.web.pages.forms import texts_of
from ringfence.web.pages.order_form import read_did
from ringfence.web.people_models import AwayOrder, DidsOrder, FactsOrder, LeavingOrder, NumbersOrder
from ringfence.web.ports import RosterDoor

_Order = TypeVar("_Order", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Entry:
    """One form of one person: who sends it, about whom, at what moment."""

    door: RosterDoor
    key: str
    fields: Mapping[str, str]
    now: datetime

    @property
    def why(self) -> str:
        return self.fields.get("reason", "").strip()

    def read(self, model: type[_Order], **values: Any) -> _Order:
        """Raises OrderRefused, which names the field alone."""
        try:
            return model.model_validate({"reason": self.why, **values})
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "form"
            raise OrderRefused(place, "is not understood", "Look at what stands in it.") from error

    def given(self, *names: str) -> dict[str, str]:
        """Those of the fields that hold something."""
        return {name: text for name in names if (text := self.fields.get(name, "").strip())}


@dataclass(frozen=True, slots=True)
class Entered:
    """What is to be entered; `number` is the one it is about, in clear, where it is about one. None clears."""

    field: EntryField
    value: Any
    number: str | None = None
    warned: bool = False


async def enter(entry: Entry, what: str, who: str) -> bool:
    """Carries out the form `what`, one of `FORMS`. True: taken, and a number of it should be looked at again. Raises
    OrderRefused, NotOurs, NotNow, StoreError."""
    check_words(who, entry.why)
    entered = await FORMS[what](entry)
    await entry.door.desk.enter(
        entry.key,
        entered.field,
        entered.value,
        origin=Origin.HELPDESK,
        who=who,
        why=entry.why,
        number=entered.number,
    )
    return entered.warned


def fields_of(form: FormData) -> Mapping[str, str]:
    return MappingProxyType(texts_of(form))


async def _numbers(entry: Entry) -> Entered:
    given = []
    for place in range(1, MAX_DEFAULT_NUMBERS + 1):
        number = entry.fields.get(f"number_{place}", "").strip()
        if number:
            seconds = entry.fields.get(f"ring_seconds_{place}", "").strip() or str(DEFAULT_RING_SECONDS)
            ring_seconds = int(seconds) if seconds.isdecimal() and len(seconds) < 4 else seconds
            use = entry.fields.get(f"use_{place}", "private")
            given.append({"number": number, "use": use, "ring_seconds": ring_seconds})
    order = entry.read(NumbersOrder, numbers=given)
    numbers, warnings = read.read_numbers(order.numbers, entry.door)
    return Entered(EntryField.NUMBERS, numbers, warned=bool(warnings))


async def _facts(entry: Entry) -> Entered:
    position = position_of(entry)
    values = entry.given("consent", "consent_on", "purpose", "hours", "confirmed_on", "press_one")
    order = entry.read(FactsOrder, position=position, **values)
    person = await entry.door.desk.person(entry.key)
    number = read.known_number(order, person, entry.door)
    facts = read.read_facts(order, number.stated or NumberFacts(), read.zone_of(person, entry.door), entry.now)
    return Entered(EntryField.FACTS, facts, number.e164)


async def _clear_facts(entry: Entry) -> Entered:
    number = read.number_at(position_of(entry), await entry.door.desk.person(entry.key))
    return Entered(EntryField.FACTS, None, number.e164)


async def _dids(entry: Entry) -> Entered:
    listed = [text for part in entry.fields.get("dids", "").split(",") if (text := part.strip())]
    directory, country = entry.door.directory(), entry.door.rules.default_country
    for text in listed:
        if directory is None or directory.assignment(read_did(text, country)) is None:
            # Whatever it is, it may be somebody's private number.
            raise OrderRefused("dids", "something in it is no DID of ours", "Check the digits.")
    return Entered(EntryField.DIDS, read.read_dids(entry.read(DidsOrder, dids=listed).dids, entry.door))


async def _away(entry: Entry) -> Entered:
    order = entry.read(AwayOrder, **entry.given("from", "until", "deputy"))
    return Entered(EntryField.AWAY, await read.read_away(order, entry.key, entry.door, entry.now))


async def _on_call(entry: Entry) -> Entered:
    person = await entry.door.desk.person(entry.key)
    text = with_zone("until", entry.fields.get("until", ""), read.zone_of(person, entry.door))
    end = read.read_moment("until", text, entry.now, entry.now + read.MAX_ON_CALL)
    return Entered(EntryField.ON_CALL_UNTIL, end)


async def _leaving(entry: Entry) -> Entered:
    order = entry.read(LeavingOrder, **entry.given("last_day"))
    zone = read.zone_of(await entry.door.desk.person(entry.key), entry.door)
    return Entered(EntryField.LEFT_AT, read.read_leaving(order, zone, entry.now))


def _clearing(field: EntryField) -> Callable[[Entry], Awaitable[Entered]]:
    async def clear(entry: Entry) -> Entered:
        return Entered(field, None)

    return clear


FORMS: Final[Mapping[str, Callable[[Entry], Awaitable[Entered]]]] = MappingProxyType(
    {
        "numbers": _numbers,
        "facts": _facts,
        "dids": _dids,
        "away": _away,
        "on-call": _on_call,
        "leaving": _leaving,
        "clear-numbers": _clearing(EntryField.NUMBERS),
        "clear-facts": _clear_facts,
        "clear-dids": _clearing(EntryField.DIDS),
        "clear-away": _clearing(EntryField.AWAY),
        "clear-on-call": _clearing(EntryField.ON_CALL_UNTIL),
        "clear-leaving": _clearing(EntryField.LEFT_AT),
    }
)
"""Name in the address -> what reads it."""


def position_of(entry: Entry) -> int:
    """Which of a person's numbers a form is about, from 1. Raises OrderRefused."""
    text = entry.fields.get("position", "")
    if not text.isdecimal() or len(text) > 4:
        raise OrderRefused("position", "does not name one number", "Open the page again.")
    return int(text)


def with_zone(field: str, text: str, zone: str) -> str:
    """A browser sends local time without a zone: it is meant in the site's. Raises OrderRefused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderRefused(field, "is not a time", "Write it as 2030-01-31T18:00.") from error
    return (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))).isoformat()
