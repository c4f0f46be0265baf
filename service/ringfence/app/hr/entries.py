"""What a person enters by hand, checked and made into a change of the roster. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from ringfence.app.hr.views import EntryField
from ringfence.app.operator import OrderRefused
from ringfence.domain.directory import MAX_DEFAULT_NUMBERS, MAX_RING_SECONDS, MIN_RING_SECONDS, Directory
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import Away, NumberFacts, PersonEntries, Stated, Today
from ringfence.domain.numbers import is_e164, mask

MAX_PURPOSE_CHARACTERS: Final = 80


def entered(
    entries: PersonEntries, field: EntryField, stated: Stated[Any] | None, base: Directory, number: str | None
) -> PersonEntries:
    """The person's entries with this one in them, or without it (None). Raises OrderRefused."""
    if field is EntryField.FACTS:
        return replace(entries, facts=_facts(entries.facts, stated, number))
    if number is not None:
        raise OrderRefused("number", f"says nothing for {field}", "Give it with facts only.")
    if stated is not None:
        _CHECKS[field](stated.value, base)
    changed: dict[str, Any] = {field.value: stated}
    return replace(entries, **changed)


def words_of(field: EntryField, value: Any, number: str | None) -> str:
    """The entry for the log: numbers masked."""
    what = f"facts of {mask(number)}" if field is EntryField.FACTS and number else field.value.replace("_", " ")
    return f"{what}: {_value_words(value)}"


def _value_words(value: Any) -> str:
    match value:
        case None:
            return "cleared"
        case tuple() if not value:
            return "none"
        case tuple():
            return ", ".join(item.words if isinstance(item, HrNumber) else str(item) for item in value)
        case datetime():
            return value.isoformat()
        case Away():
            until = "until further notice" if value.until is None else f"until {value.until}"
            return f"from {value.since} {until}" + (f", deputy {value.deputy}" if value.deputy else "")
        case Today():
            return f"{value.number.words} until {value.until.isoformat()}"
        case NumberFacts():
            consent = f"consent {value.consent}" + (f" on {value.consent_on}" if value.consent_on else "")
            hours = f", rings {value.hours.words}" if value.hours else ""
            confirmed = f", confirmed on {value.confirmed_on}" if value.confirmed_on else ""
            asked = "" if value.press_one is None else f", {'press 1' if value.press_one else 'no press 1'}"
            return f"{consent}{hours}{confirmed}{asked}"
        case _:
            return type(value).__name__


def _facts(
    facts: Mapping[str, Stated[NumberFacts]], stated: Stated[Any] | None, number: str | None
) -> Mapping[str, Stated[NumberFacts]]:
    if number is None or not is_e164(number):
        raise OrderRefused("number", "is not an E.164 number", "Write the number the facts are about.")
    if stated is None:
        return MappingProxyType({e164: held for e164, held in facts.items() if e164 != number})
    if not isinstance(stated.value, NumberFacts):
        raise OrderRefused("facts", "are not facts about a number", "Give consent, hours or a confirmation.")
    if len(stated.value.purpose) > MAX_PURPOSE_CHARACTERS or not (stated.value.purpose or "x").isprintable():
        raise OrderRefused("purpose", "is too long or not plain text", f"At most {MAX_PURPOSE_CHARACTERS} characters.")
    return MappingProxyType({**facts, number: stated})


def _check_numbers(value: Any, _base: Directory) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, HrNumber) for item in value):
        raise OrderRefused("numbers", "are not default numbers", "Give a list of numbers, empty for none.")
    if len(value) > MAX_DEFAULT_NUMBERS:
        raise OrderRefused("numbers", f"are {len(value)}", f"At most {MAX_DEFAULT_NUMBERS}.")
    if len({item.e164 for item in value}) < len(value):
        raise OrderRefused("numbers", "hold one number twice", "Give each once.")
    for item in value:
        _check_number(item)


def _check_number(item: HrNumber) -> None:
    if not is_e164(item.e164):
        raise OrderRefused("numbers", "hold something that is not an E.164 number", "Write it as +447700900123.")
    if not MIN_RING_SECONDS <= item.ring_seconds <= MAX_RING_SECONDS:
        raise OrderRefused(
            "ring_seconds", f"is {item.ring_seconds}", f"{MIN_RING_SECONDS} to {MAX_RING_SECONDS} seconds."
        )


def _check_today(value: Any, base: Directory) -> None:
    if not isinstance(value, Today):
        raise OrderRefused("today", "is no number with an end", "Give a number, and until when.")
    _check_number(value.number)
    _check_moment(value.until, base)


def _check_dids(value: Any, base: Directory) -> None:
    if not isinstance(value, tuple):
        raise OrderRefused("dids", "are not DIDs", "Give a list of DIDs, empty for none.")
    for did in value:
        if base.assignment(did) is None:
            raise OrderRefused("dids", f"hold {did}, which is not in the directory", "Import the DID first.")


def _check_moment(value: Any, _base: Directory) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise OrderRefused("moment", "has no time zone", "Write it as 2030-01-31T18:00:00+00:00.")


def _check_away(value: Any, _base: Directory) -> None:
    if not isinstance(value, Away):
        raise OrderRefused("away", "is no absence", "Give its first day.")
    if value.until is not None and value.until < value.since:
        raise OrderRefused("away", "ends before it begins", "Give its first and its last day.")


_CHECKS: Final[dict[EntryField, Callable[[Any, Directory], None]]] = {
    EntryField.NUMBERS: _check_numbers,
    EntryField.DIDS: _check_dids,
    EntryField.LEFT_AT: _check_moment,
    EntryField.AWAY: _check_away,
    EntryField.ON_CALL_UNTIL: _check_moment,
    EntryField.TODAY: _check_today,
}
