"""Rows of `dids.csv`: one DID, or a range of them, as `+441134960000-+441134960099`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ringfence.domain.csv_fields import CsvRules, Notes, own_number, read_did
from ringfence.domain.csv_text import Problem, Row, Severity
from ringfence.domain.did_range import (
    MAX_RANGE_DIDS,
    MAX_RANGED_DIDS,
    DidRange,
    Extensions,
    expanded,
    overlaps,
)
from ringfence.domain.directory import DidAssignment, Person
from ringfence.domain.numbers import Did, spaced

if TYPE_CHECKING:
    from ringfence.domain.csv_references import Part

BY_EXTENSION: Final = "by extension"
MIN_DIGITS: Final = 7

DidRow = DidAssignment | DidRange

_DASH = re.compile(r"[-\u2010-\u2013]")


def read_did_row(row: Row, rules: CsvRules, notes: Notes) -> DidRow | None:
    """What a row says of one DID or of a range; None when there was a fault, which is noted."""
    ends = _ends(row.get("did"))
    if ends is None:
        if says_by_extension(row):
            notes.error(row, "owner", BY_EXTENSION, "is for a range of DIDs; write the owner's key")
            return None
        return read_did(row, rules, notes)
    by_extension = says_by_extension(row)
    said = {"did": ends[0]} | ({"owner": ""} if by_extension else {})
    item = read_did(Row(row.line, row.cells | said), rules, notes)
    last = own_number(row, ends[1], rules, Notes(notes.file) if item is None else notes)
    if item is None or last is None:
        return None
    fault = _why_not_range(item.did, last)
    if fault is not None:
        notes.error(row, "did", row.get("did")[:80], fault)
        return None
    return DidRange(
        item.did,
        last,
        item.owner,
        item.site,
        item.scope,
        by_extension=by_extension,
        kind=item.kind,
        critical=item.critical,
        team=item.team,
        divert_number=item.divert_number,
    )


def says_by_extension(row: Row) -> bool:
    return " ".join(row.get("owner").lower().split()) == BY_EXTENSION


def key_of(item: DidRow) -> str:
    return item.key if isinstance(item, DidRange) else item.did


def rows_in(items: Mapping[str, DidRow]) -> Iterator[DidAssignment]:
    return (item for item in items.values() if isinstance(item, DidAssignment))


def ranges_in(items: Mapping[str, DidRow]) -> Iterator[DidRange]:
    return (item for item in items.values() if isinstance(item, DidRange))


def own_dids(items: Mapping[str, DidRow], people: Mapping[str, Person]) -> dict[str, DidAssignment]:
    """Every DID that the rows make ours."""
    rows = {item.did: item for item in rows_in(items)}
    ranged = expanded(ranges_in(items), people.values(), rows)
    return {item.did: item for item in (*rows.values(), *ranged.values())}


def check_ranges(dids: Part[DidRow], people: Part[Person]) -> bool:
    """Whether the ranges can be expanded; notes what is wrong with them together."""
    ranges = list(ranges_in(dids.items))
    for one, other in overlaps(ranges):
        first, second = sorted((one, other), key=lambda item: dids.lines.get(item.key, 0))
        message = (
            f"shares numbers with {first.key} in line {dids.lines.get(first.key, 0)}; "
            "a number may be in one range only, or have a row of its own"
        )
        dids.fault(second.key, "did", second.key, message)
    together = sum(one.count for one in ranges)
    if together > MAX_RANGED_DIDS:
        message = f"the ranges hold {together:,} DIDs together, at most {MAX_RANGED_DIDS:,} can be published"
        dids.problems.append(Problem(dids.file, 0, "did", "", message))
        return False
    if any(one.by_extension for one in ranges):
        for person, other_key in Extensions(people.items.values()).shared:
            message = f"is the extension of {other_key} as well: the DID that ends in it belongs to neither"
            place = (people.file, people.lines.get(person.key, 0), "extension", person.extension)
            people.problems.append(Problem(*place, message, Severity.WARNING))
    return True


def render_did_row(item: DidRow) -> list[str]:
    """As `read_did_row` reads it."""
    if isinstance(item, DidRange):
        did, owner = f"{spaced(item.first)} - {spaced(item.last)}", BY_EXTENSION if item.by_extension else item.owner
    else:
        did, owner = spaced(item.did), item.owner
    return [
        did,
        owner or "",
        item.site,
        item.scope,
        item.kind,
        "yes" if item.critical else "no",
        item.team,
        spaced(item.divert_number) if item.divert_number else "",
    ]


def _ends(text: str) -> tuple[str, str] | None:
    """The two numbers of a range; None: it is one number. A hyphen may also stand within a number, so that it parts
    two only where both have as many digits, and enough."""
    for dash in _DASH.finditer(text):
        first, last = text[: dash.start()].strip(), text[dash.end() :].strip()
        digits = [sum(character.isdigit() for character in end) for end in (first, last)]
        if digits[0] == digits[1] >= MIN_DIGITS:
            return first, last
    return None


def _why_not_range(first: Did, last: Did) -> str | None:
    if len(first) != len(last):
        return "begins and ends with numbers of different length; write one range for each length"
    count = int(last) - int(first) + 1
    if count < 1:
        return "ends before it begins; exchange the two numbers"
    if count > MAX_RANGE_DIDS:
        return f"holds {count:,} numbers; at most {MAX_RANGE_DIDS:,} are allowed, so split it"
    return None
