"""From one row of `people.csv` or `dids.csv` to a person or a DID; and what the readers of the other files share.

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
    DEFAULT_RING_SECONDS,
    MAX_DEFAULT_NUMBERS,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    DefaultNumber,
    DidAssignment,
    LineKind,
    Person,
    PersonKey,
    why_not_key,
    why_not_name,
)
from ringfence.domain.numbers import Did, Number, NumberError, mask, mask_text, parse_number
from ringfence.domain.policy import EgressPolicy, why_not

NUMBER_COLUMNS: Final = tuple(f"default_number_{n}" for n in range(1, MAX_DEFAULT_NUMBERS + 1))
PEOPLE_COLUMNS: Final = Columns(("key", "name", "site", NUMBER_COLUMNS[0]), ("team", "extension", *NUMBER_COLUMNS[1:]))
DID_COLUMNS: Final = Columns(("did", "owner", "site", "platform"), ("kind", "critical", "team", "divert_number"))

_DEFAULT_NUMBER = re.compile(
    r"(?P<number>.*?)(?:\s+(?P<seconds>[0-9]{1,4})\s*s)?(?:\s+(?P<press>press1|nopress))?", re.IGNORECASE | re.DOTALL
)
_EXTENSION = re.compile(r"[0-9]{2,10}")
_PRESS: Final = {"press1": True, "nopress": False}
_FLAGS: Final = {"": False, "no": False, "n": False, "0": False, "false": False} | {
    "yes": True,
    "y": True,
    "1": True,
    "true": True,
}


@dataclass(frozen=True, slots=True)
class CsvRules:
    """What the configuration says of the fields. `default_country` is the ISO 3166 code that national numbers belong
    to, `platforms` the names a DID's platform may have, `zone` the time zone of sites that name none, `announcements`
    those that a caller can be told; none: not known here."""

    default_country: str
    platforms: frozenset[str]
    policy: EgressPolicy
    zone: str = "Europe/London"
    announcements: frozenset[str] = frozenset()


@dataclass(slots=True)
class Notes:
    """The faults of one file, in the order they were found."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    """Those noted here. Asked twice for each row: counting them anew took as long as reading does."""

    def error(self, row: Row, column: str, value: str, message: str) -> None:
        self.errors += 1
        self.problems.append(Problem(self.file, row.line, column, value, message))

    def warning(self, row: Row, column: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, row.line, column, value, message, Severity.WARNING))


def read_person(row: Row, rules: CsvRules, notes: Notes) -> Person | None:
    before = notes.errors
    key = checked(row, "key", why_not_key, notes)
    name = checked(row, "name", why_not_name, notes)
    site = checked(row, "site", why_not_name, notes)
    team = checked(row, "team", why_not_name, notes) if row.get("team") else ""
    extension = checked(row, "extension", _why_not_extension, notes)
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
    return Person(PersonKey(intern(key)), name, intern(site), tuple(numbers), team=intern(team), extension=extension)


def read_did(row: Row, rules: CsvRules, notes: Notes) -> DidAssignment | None:
    before = notes.errors
    did = own_number(row, row.get("did"), rules, notes)
    owner = checked(row, "owner", why_not_key, notes) if row.get("owner") else None
    site = checked(row, "site", why_not_name, notes)
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
    team = checked(row, "team", why_not_name, notes) if row.get("team") else ""
    divert_number = public_number(row, "divert_number", rules, notes)
    if did is None or notes.errors > before:
        return None
    return DidAssignment(
        did=did,
        owner=None if owner is None else PersonKey(intern(owner)),
        site=intern(site),
        scope=intern(platform),
        kind=LineKind(kind),
        critical=_FLAGS[critical],
        team=intern(team),
        divert_number=divert_number,
    )


def render_default_number(number: DefaultNumber, spaced: Callable[[str], str]) -> str:
    """As `_default_number` reads it; the ring seconds only when they are not the usual ones."""
    parts = [spaced(number.e164)]
    if number.ring_seconds != DEFAULT_RING_SECONDS:
        parts.append(f"{number.ring_seconds}s")
    if number.press_one is not None:
        parts.append("press1" if number.press_one else "nopress")
    return " ".join(parts)


def checked(row: Row, column: str, why_not_text: Callable[[str], str | None], notes: Notes) -> str:
    """The column's text, whether it will do or not; a fault is noted."""
    text = row.get(column)
    if (fault := why_not_text(text)) is not None:
        notes.error(row, column, text[:80], fault)
    return text


def own_number(row: Row, text: str, rules: CsvRules, notes: Notes) -> Did | None:
    """The DID that is written in a row; None when it is none, which is noted."""
    number = _number(row, "did", text, rules, notes, private=False)
    return None if number is None else Did(number.e164)


def public_number(row: Row, column: str, rules: CsvRules, notes: Notes) -> str | None:
    """A place's number in E.164; None when the column is empty, or holds none, which is noted."""
    written = row.get(column)
    number = _number(row, column, written, rules, notes, private=False) if written else None
    if number is None:
        return None
    _warn_if_refused(row, column, number, rules, notes, private=False)
    return number.e164


def _why_not_extension(text: str) -> str | None:
    if not text or _EXTENSION.fullmatch(text):
        return None
    return "must be 2 to 10 digits, or empty"


def _default_number(row: Row, column: str, rules: CsvRules, notes: Notes) -> DefaultNumber | None:
    written = row.get(column)
    if not written:
        return None
    parts = _DEFAULT_NUMBER.fullmatch(written)
    assert parts is not None  # whatever it does not know is the number's
    written, ring_seconds = parts["number"], int(parts["seconds"] or DEFAULT_RING_SECONDS)
    press_one = None if parts["press"] is None else _PRESS[parts["press"].lower()]
    number = _number(row, column, written, rules, notes, private=True)
    if not MIN_RING_SECONDS <= ring_seconds <= MAX_RING_SECONDS:
        message = f"rings for {ring_seconds} seconds; allowed are {MIN_RING_SECONDS} to {MAX_RING_SECONDS}"
        notes.error(row, column, mask_text(written), message)
        return None
    if number is None:
        return None
    _warn_if_refused(row, column, number, rules, notes, private=True)
    return DefaultNumber(number.e164, ring_seconds, press_one=press_one)


def _number(row: Row, column: str, text: str, rules: CsvRules, notes: Notes, *, private: bool) -> Number | None:
    def shown() -> str:
        return mask_text(text) if private else text[:80]

    try:
        number = parse_number(text, rules.default_country)
    except NumberError as error:
        notes.error(row, column, shown(), str(error))
        return None
    if not number.valid:
        notes.warning(row, column, shown(), "is in no range the numbering plan knows; check the digits")
    return number


def _warn_if_refused(row: Row, column: str, number: Number, rules: CsvRules, notes: Notes, *, private: bool) -> None:
    refusal = why_not(number, rules.policy, ())
    # What comes back to us is an error, once the own DIDs of all files are known (`csv_loops`).
    if refusal is not None and not refusal.comes_back:
        shown = mask(number.e164) if private else number.e164
        notes.warning(row, column, shown, f"will not be dialled: {refusal.sentence}")
