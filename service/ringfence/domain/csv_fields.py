"""From one row of `people.csv`, `dids.csv` or `sites.csv` to a person, a DID or a site.

Each reader takes every field, notes every fault, and gives the value only when there was none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from sys import intern
from typing import Final

from ringfence.domain.csv_text import Columns, Problem, Row, Severity
from ringfence.domain.directory import (
    DEFAULT_ANNOUNCEMENT,
    DEFAULT_RING_SECONDS,
    MAX_DEFAULT_NUMBERS,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    DefaultNumber,
    DidAssignment,
    LineKind,
    Person,
    PersonKey,
    Site,
    why_not_announcement,
    why_not_key,
    why_not_name,
    why_not_zone,
)
from ringfence.domain.numbers import Did, Number, NumberError, mask, mask_text, parse_number
from ringfence.domain.policy import EgressPolicy, why_not

NUMBER_COLUMNS: Final = tuple(f"default_number_{n}" for n in range(1, MAX_DEFAULT_NUMBERS + 1))
PEOPLE_COLUMNS: Final = Columns(("key", "name", "site", NUMBER_COLUMNS[0]), ("team", *NUMBER_COLUMNS[1:]))
DID_COLUMNS: Final = Columns(("did", "owner", "site", "platform"), ("kind", "critical"))
SITE_COLUMNS: Final = Columns(("name", "fallback_number"), ("announcement", "time_zone"))

_WITH_RING_SECONDS = re.compile(r"(?P<number>.*?)\s+(?P<seconds>[0-9]{1,4})\s*s", re.IGNORECASE)
_FLAGS: Final = {"": False, "no": False, "n": False, "0": False, "false": False} | {
    "yes": True,
    "y": True,
    "1": True,
    "true": True,
}


@dataclass(frozen=True, slots=True)
class CsvRules:
    """What the configuration says of the fields. `default_country` is the ISO 3166 code that national numbers belong
    to, `platforms` the names a DID's platform may have."""

    default_country: str
    platforms: frozenset[str]
    policy: EgressPolicy


@dataclass(slots=True)
class Notes:
    """The faults of one file, in the order they were found."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def error(self, row: Row, column: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, row.line, column, value, message))

    def warning(self, row: Row, column: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, row.line, column, value, message, Severity.WARNING))

    @property
    def errors(self) -> int:
        return sum(problem.severity is Severity.ERROR for problem in self.problems)


def read_person(row: Row, rules: CsvRules, notes: Notes) -> Person | None:
    before = notes.errors
    key = _checked(row, "key", why_not_key, notes)
    name = _checked(row, "name", why_not_name, notes)
    site = _checked(row, "site", why_not_name, notes)
    team = _checked(row, "team", why_not_name, notes) if row.get("team") else ""
    numbers: list[DefaultNumber] = []
    for column in NUMBER_COLUMNS:
        number = _default_number(row, column, rules, notes)
        if number is None:
            continue
        if any(number.e164 == other.e164 for other in numbers):
            notes.warning(row, column, mask(number.e164), "is this person's default number already; it is left out")
            continue
        numbers.append(number)
    if notes.errors > before:
        return None
    if not numbers:
        notes.warning(
            row, NUMBER_COLUMNS[0], "", f"{key} has no default number: calls go to the site's fallback number"
        )
    return Person(PersonKey(intern(key)), name, intern(site), tuple(numbers), team=intern(team))


def read_did(row: Row, rules: CsvRules, notes: Notes) -> DidAssignment | None:
    before = notes.errors
    did = _number(row, "did", row.get("did"), rules, notes, private=False)
    owner = _checked(row, "owner", why_not_key, notes) if row.get("owner") else None
    site = _checked(row, "site", why_not_name, notes)
    platform = row.get("platform")
    if platform not in rules.platforms:
        known = ", ".join(sorted(rules.platforms)) or "none"
        notes.error(row, "platform", platform, f"is not a platform of the configuration; known are {known}")
    kind = row.get("kind").lower() or LineKind.VOICE
    if kind not in set(LineKind):
        notes.error(row, "kind", kind, f"is not a line kind; known are {', '.join(LineKind)}")
    critical = row.get("critical").lower()
    if critical not in _FLAGS:
        notes.error(row, "critical", critical, "must be yes or no (empty is no)")
    if did is None or notes.errors > before:
        return None
    return DidAssignment(
        did=Did(did.e164),
        owner=None if owner is None else PersonKey(intern(owner)),
        site=intern(site),
        scope=intern(platform),
        kind=LineKind(kind),
        critical=_FLAGS[critical],
    )


def read_site(row: Row, rules: CsvRules, notes: Notes) -> Site | None:
    before = notes.errors
    name = _checked(row, "name", why_not_name, notes)
    written = row.get("fallback_number")
    fallback = _number(row, "fallback_number", written, rules, notes, private=False) if written else None
    if fallback is not None:
        _warn_if_refused(row, "fallback_number", fallback, fallback.e164, rules, notes)
    announcement = row.get("announcement") or DEFAULT_ANNOUNCEMENT
    if (fault := why_not_announcement(announcement)) is not None:
        notes.error(row, "announcement", announcement, fault)
    zone = row.get("time_zone")
    if zone and (fault := why_not_zone(zone)) is not None:
        notes.error(row, "time_zone", zone[:80], fault)
    if notes.errors > before:
        return None
    return Site(
        name=intern(name),
        fallback_number=None if fallback is None else fallback.e164,
        announcement=intern(announcement),
        time_zone=intern(zone) if zone else None,
    )


def render_default_number(number: DefaultNumber, spaced: Callable[[str], str]) -> str:
    """As `_default_number` reads it; the ring seconds only when they are not the usual ones."""
    usual = number.ring_seconds == DEFAULT_RING_SECONDS
    return spaced(number.e164) if usual else f"{spaced(number.e164)} {number.ring_seconds}s"


def _checked(row: Row, column: str, why_not_text: Callable[[str], str | None], notes: Notes) -> str:
    text = row.get(column)
    if (fault := why_not_text(text)) is not None:
        notes.error(row, column, text[:80], fault)
    return text


def _default_number(row: Row, column: str, rules: CsvRules, notes: Notes) -> DefaultNumber | None:
    written = row.get(column)
    if not written:
        return None
    ring_seconds = DEFAULT_RING_SECONDS
    if (parts := _WITH_RING_SECONDS.fullmatch(written)) is not None:
        written, ring_seconds = parts["number"], int(parts["seconds"])
    number = _number(row, column, written, rules, notes, private=True)
    if not MIN_RING_SECONDS <= ring_seconds <= MAX_RING_SECONDS:
        message = f"rings for {ring_seconds} seconds; allowed are {MIN_RING_SECONDS} to {MAX_RING_SECONDS}"
        notes.error(row, column, mask_text(written), message)
        return None
    if number is None:
        return None
    _warn_if_refused(row, column, number, mask(number.e164), rules, notes)
    return DefaultNumber(number.e164, ring_seconds)


def _number(row: Row, column: str, text: str, rules: CsvRules, notes: Notes, *, private: bool) -> Number | None:
    shown = mask_text(text) if private else text[:80]
    try:
        number = parse_number(text, rules.default_country)
    except NumberError as error:
        notes.error(row, column, shown, str(error))
        return None
    if not number.valid:
        notes.warning(row, column, shown, "is in no range the numbering plan knows; check the digits")
    return number


def _warn_if_refused(row: Row, column: str, number: Number, shown: str, rules: CsvRules, notes: Notes) -> None:
    refusal = why_not(number, rules.policy, ())
    if refusal is not None:
        notes.warning(row, column, shown, f"will not be dialled: {refusal.sentence}")
