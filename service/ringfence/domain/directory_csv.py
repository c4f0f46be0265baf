"""The directory as three CSV files, `people.csv`, `dids.csv` and `sites.csv`: texts in, a directory or problems out.

A file that is not given leaves its part of the directory as it is; references are checked against the whole. All
problems come at once, and one error is enough for nothing to be imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from ringfence.domain.csv_fields import (
    DID_COLUMNS,
    NUMBER_COLUMNS,
    PEOPLE_COLUMNS,
    SITE_COLUMNS,
    CsvRules,
    Notes,
    read_did,
    read_person,
    read_site,
    render_default_number,
)
from ringfence.domain.csv_text import Columns, Problem, Row, Severity, read_sheet, render_sheet
from ringfence.domain.directory import DidAssignment, Directory, Person, Site
from ringfence.domain.numbers import mask, spaced
from ringfence.domain.route_table import BUCKET_COUNT, MAX_BUCKET_ROWS, bucket_of

STORED: Final = "the stored directory"
MAX_TOLD_APART: Final = 3

T = TypeVar("T")
K = TypeVar("K", bound=str)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """`name` is what people know the file by; `data` its bytes as they lie on the disk."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """None: that part of the directory stays as it is."""

    people: CsvFile | None = None
    dids: CsvFile | None = None
    sites: CsvFile | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """`directory` is None when there was an error. Problems are in the order of the files' lines."""

    directory: Directory | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)


@dataclass(frozen=True, slots=True)
class _Reference:
    """What a row says of another file: of faulty rows too, so that one reading tells all."""

    line: int
    key: str
    column: str
    wanted: str


@dataclass(slots=True)
class _Part(Generic[T]):
    """One third of the directory to be. `lines` knows every key that was written, also those of faulty rows: who is
    misspelt in one file shall not be called missing in another."""

    file: str
    items: dict[str, T] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    references: list[_Reference] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True  # false: the file could not be read, so nothing can be said of what it lacks

    def fault(self, key: str, column: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, self.lines.get(key, 0), column, value, message))


def read_directory(files: CsvFiles, current: Directory, rules: CsvRules) -> Reading:
    """The directory that the files make of the current one, or every reason why they make none."""
    people = _part(files.people, PEOPLE_COLUMNS, "key", read_person, lambda person: person.key, current.people, rules)
    dids = _part(files.dids, DID_COLUMNS, "did", read_did, lambda item: item.did, current.assignments, rules)
    sites = _part(files.sites, SITE_COLUMNS, "name", read_site, lambda site: site.name, current.sites, rules)
    _check_references(people, sites, people)
    _check_references(dids, sites, people)
    _check_loops(people, dids, sites)
    _check_buckets(dids)
    problems = [
        *sorted(people.problems, key=_line),
        *sorted(dids.problems, key=_line),
        *sorted(sites.problems, key=_line),
    ]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Reading(None, tuple(problems))
    directory = Directory.of(people.items.values(), dids.items.values(), sites.items.values())
    return Reading(directory, tuple(problems))


def render_people(directory: Directory) -> str:
    """`people.csv`, with private numbers in clear: for the people who keep them."""
    columns = ("key", "name", "site", "team", *NUMBER_COLUMNS)

    def rows() -> Iterator[list[str]]:
        for person in sorted(directory.people.values(), key=lambda person: person.key):
            numbers = [render_default_number(number, spaced) for number in person.default_numbers]
            empty = [""] * (len(NUMBER_COLUMNS) - len(numbers))
            yield [person.key, person.name, person.site, person.team, *numbers, *empty]

    return render_sheet(columns, rows())


def render_dids(directory: Directory) -> str:
    """`dids.csv`."""
    rows = (
        [spaced(item.did), item.owner or "", item.site, item.scope, item.kind, "yes" if item.critical else "no"]
        for item in sorted(directory.assignments.values(), key=lambda item: item.did)
    )
    return render_sheet(DID_COLUMNS.all, rows)


def render_sites(directory: Directory) -> str:
    """`sites.csv`."""
    rows = (
        [
            site.name,
            spaced(site.fallback_number) if site.fallback_number else "",
            site.announcement,
            site.time_zone or "",
        ]
        for site in sorted(directory.sites.values(), key=lambda site: site.name)
    )
    return render_sheet(SITE_COLUMNS.all, rows)


def _part(
    file: CsvFile | None,
    columns: Columns,
    key_column: str,
    read: Callable[[Row, CsvRules, Notes], T | None],
    key_of: Callable[[T], str],
    current: Mapping[K, T],
    rules: CsvRules,
) -> _Part[T]:
    if file is None:
        held = {str(key): item for key, item in current.items()}
        return _Part(STORED, held, references=[reference for item in held.values() for reference in _stored(item)])
    sheet = read_sheet(file.name, file.data, columns)
    notes = Notes(file.name, list(sheet.problems))
    part: _Part[T] = _Part(file.name, problems=notes.problems, whole=bool(sheet.rows))
    for row in sheet.rows:
        item = read(row, rules, notes)
        key = row.get(key_column) if item is None else key_of(item)
        if key in part.lines:
            message = f"comes twice, first in line {part.lines[key]}; remove one of the two lines"
            notes.error(row, key_column, key, message)
            continue
        part.lines[key] = row.line
        part.references.extend(
            _Reference(row.line, key, column, row.get(column)) for column in ("owner", "site") if row.get(column)
        )
        if item is not None:
            part.items[key] = item
    if not sheet.rows and not sheet.problems:
        message = (
            "has no rows below its first line and would empty this part; leave the file away to keep what is stored"
        )
        notes.problems.append(Problem(file.name, 1, "", "", message))
    return part


def _stored(item: object) -> Iterator[_Reference]:
    if isinstance(item, Person):
        yield _Reference(0, item.key, "site", item.site)
    if isinstance(item, DidAssignment):
        yield _Reference(0, item.did, "site", item.site)
        if item.owner is not None:
            yield _Reference(0, item.did, "owner", item.owner)


def _check_references(part: _Part[T], sites: _Part[Site], people: _Part[Person]) -> None:
    for column, target, what in (("site", sites, "site"), ("owner", people, "person")):
        if not target.whole:
            continue
        missing = [
            reference
            for reference in part.references
            if reference.column == column
            and reference.wanted not in target.items
            and reference.wanted not in target.lines
        ]
        if part.file == STORED and len(missing) > MAX_TOLD_APART:
            # A file that holds only some rows: one fault, not one for each of its thousand consequences.
            some = ", ".join(sorted({reference.wanted for reference in missing})[:MAX_TOLD_APART])
            message = (
                f"{len(missing)} rows name a {what} that {target.file} does not hold ({some}, ...); is {target.file} "
                "whole? It replaces what is stored"
            )
            part.problems.append(Problem(part.file, 0, column, "", message))
            continue
        for reference in missing:
            part.problems.append(_missing(reference, part, target, what))


def _missing(reference: _Reference, part: _Part[T], target: _Part[Site] | _Part[Person], what: str) -> Problem:
    near = _same_but_for_case(reference.wanted, target.items)
    if near is not None:
        hint = f"did you mean {near!r}?"
    elif target.file == STORED:
        hint = f"import the file with the {what} along with this one, or correct it"
    else:
        hint = f"add it to {target.file} or correct it"
    # A row that was stored earlier has no line to look at, so the message names it.
    whose = f"of {reference.key} " if part.file == STORED else ""
    message = f"{whose}is no {what} of {target.file}; {hint}"
    return Problem(part.file, reference.line, reference.column, reference.wanted, message)


def _check_loops(people: _Part[Person], dids: _Part[DidAssignment], sites: _Part[Site]) -> None:
    loop = "is one of our own DIDs: the call would come back for ever; write an outside number"
    for key, person in people.items.items():
        for position, number in enumerate(person.default_numbers, start=1):
            if number.e164 in dids.items:
                people.fault(key, f"default_number_{position}", mask(number.e164), f"of {key} {loop}")
    for name, site in sites.items.items():
        if site.fallback_number is not None and site.fallback_number in dids.items:
            sites.fault(name, "fallback_number", site.fallback_number, f"of {name} {loop}")


def _check_buckets(dids: _Part[DidAssignment]) -> None:
    for bucket, rows in Counter(bucket_of(did) for did in dids.items).items():
        if rows > MAX_BUCKET_ROWS:
            message = (
                f"{rows} DIDs end in {bucket:03d} or {bucket + BUCKET_COUNT:03d}, at most {MAX_BUCKET_ROWS} can be "
                "published safely; split them over several nodes"
            )
            dids.problems.append(Problem(dids.file, 0, "did", "", message))


def _same_but_for_case(wanted: str, known: Iterable[str]) -> str | None:
    return next((name for name in known if name.casefold() == wanted.casefold()), None)


def _line(problem: Problem) -> int:
    return problem.line
