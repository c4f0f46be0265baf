"""The directory as four CSV files, `people.csv`, `dids.csv`, `sites.csv` and `teams.csv`: texts in, a directory or
problems out. `csv_references` has what they say of each other.

A file that is not given leaves its part of the directory as it is; references are checked against the whole. All
problems come at once, and one error is enough for nothing to be imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ringfence.domain.csv_fields import (
    DID_COLUMNS,
    NUMBER_COLUMNS,
    PEOPLE_COLUMNS,
    CsvRules,
    Notes,
    read_person,
    render_default_number,
)
from ringfence.domain.csv_range import (
    DidRow,
    check_ranges,
    key_of,
    ranges_in,
    read_did_row,
    render_did_row,
    rows_in,
    says_by_extension,
)
from ringfence.domain.csv_references import STORED, Part, Parts, Reference, faults_between
from ringfence.domain.csv_site import SITE_COLUMNS, read_site, render_site
from ringfence.domain.csv_team import TEAM_COLUMNS, members_in, read_team, render_team
from ringfence.domain.csv_text import Columns, Problem, Row, Severity, read_sheet, render_sheet
from ringfence.domain.did_range import directory_of
from ringfence.domain.directory import Directory, Person, Site, why_not_key
from ringfence.domain.directory_diff import held_or_new
from ringfence.domain.numbers import spaced
from ringfence.domain.team import Team

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
    teams: CsvFile | None = None


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
class _Kind(Generic[T]):
    """How one of the files is read. `refers`: what an item says of the other files, as (column, key). `may_be_empty`:
    many have none of these, and where some are named elsewhere it is a fault there that they are gone."""

    columns: Columns
    key_column: str
    read: Callable[[Row, CsvRules, Notes], T | None]
    key_of: Callable[[T], str]
    refers: Callable[[T], Iterator[tuple[str, str]]]
    may_be_empty: bool = False


def _of_person(person: Person) -> Iterator[tuple[str, str]]:
    yield "site", person.site


def _of_did(item: DidRow) -> Iterator[tuple[str, str]]:
    yield "site", item.site
    if item.owner is not None:
        yield "owner", item.owner
    if item.team:
        yield "team", item.team


def _of_site(_: Site) -> Iterator[tuple[str, str]]:
    yield from ()


def _of_team(team: Team) -> Iterator[tuple[str, str]]:
    yield "site", team.site
    for member in team.members:
        yield "members", member


_PEOPLE: Final = _Kind(PEOPLE_COLUMNS, "key", read_person, lambda person: person.key, _of_person)
_DIDS: Final[_Kind[DidRow]] = _Kind(DID_COLUMNS, "did", read_did_row, key_of, _of_did)
_SITES: Final = _Kind(SITE_COLUMNS, "name", read_site, lambda site: site.name, _of_site)
_TEAMS: Final = _Kind(TEAM_COLUMNS, "name", read_team, lambda team: team.name, _of_team, may_be_empty=True)


def read_directory(files: CsvFiles, current: Directory, rules: CsvRules) -> Reading:
    """The directory that the files make of the current one, or every reason why they make none."""
    parts = Parts(
        people=_part(files.people, _PEOPLE, current.people, rules),
        dids=_part(files.dids, _DIDS, {**current.rows, **current.ranges}, rules),
        sites=_part(files.sites, _SITES, current.sites, rules),
        teams=_part(files.teams, _TEAMS, current.teams, rules),
    )
    if check_ranges(parts.dids, parts.people):
        faults_between(parts, rules.policy.ways)
    problems = [
        *sorted(parts.people.problems, key=_line),
        *sorted(parts.dids.problems, key=_line),
        *sorted(parts.sites.problems, key=_line),
        *sorted(parts.teams.problems, key=_line),
    ]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Reading(None, tuple(problems))
    people, sites, teams = parts.people.items.values(), parts.sites.items.values(), parts.teams.items.values()
    directory = directory_of(people, rows_in(parts.dids.items), sites, teams, ranges_in(parts.dids.items))
    return Reading(directory, tuple(problems))


def render_people(directory: Directory) -> str:
    """`people.csv`, with private numbers in clear: for the people who keep them."""
    columns = ("key", "name", "site", "team", "extension", *NUMBER_COLUMNS)

    def rows() -> Iterator[list[str]]:
        for person in sorted(directory.people.values(), key=lambda person: person.key):
            numbers = [render_default_number(number, spaced) for number in person.default_numbers]
            empty = [""] * (len(NUMBER_COLUMNS) - len(numbers))
            yield [person.key, person.name, person.site, person.team, person.extension, *numbers, *empty]

    return render_sheet(columns, rows())


def render_dids(directory: Directory) -> str:
    """`dids.csv`, with ranges as they came."""
    items: list[DidRow] = [*directory.rows.values(), *directory.ranges.values()]
    return render_sheet(DID_COLUMNS.all, map(render_did_row, sorted(items, key=key_of)))


def render_sites(directory: Directory) -> str:
    """`sites.csv`."""
    in_order = sorted(directory.sites.values(), key=lambda site: site.name)
    return render_sheet(SITE_COLUMNS.all, map(render_site, in_order))


def render_teams(directory: Directory) -> str:
    """`teams.csv`."""
    in_order = sorted(directory.teams.values(), key=lambda team: team.name)
    return render_sheet(TEAM_COLUMNS.all, map(render_team, in_order))


def _part(file: CsvFile | None, kind: _Kind[T], current: Mapping[K, T], rules: CsvRules) -> Part[T]:
    stored = {str(key): item for key, item in current.items()}
    if file is None:
        return Part(STORED, kind.refers, stored)
    notes = Notes(file.name)
    part: Part[T] = Part(file.name, kind.refers, problems=notes.problems)
    rows = 0
    for row in read_sheet(file.name, file.data, kind.columns, notes.problems):
        rows += 1
        item = kind.read(row, rules, notes)
        key = row.get(kind.key_column) if item is None else kind.key_of(item)
        if key in part.lines:
            message = f"comes twice, first in line {part.lines[key]}; remove one of the two lines"
            notes.error(row, kind.key_column, key, message)
            continue
        part.lines[key] = row.line
        if item is None:
            part.faulty.extend(Reference(row.line, key, *said) for said in _said(row, kind.key_column))
        else:
            part.items[key] = held_or_new(stored, key, item)
    empty = not rows and not notes.problems
    part.whole = rows > 0 or (empty and kind.may_be_empty)
    if empty and not kind.may_be_empty:
        message = (
            "has no rows below its first line and would empty this part; leave the file away to keep what is stored"
        )
        notes.problems.append(Problem(file.name, 1, "", "", message))
    return part


def _said(row: Row, key_column: str) -> Iterator[tuple[str, str]]:
    """What a faulty row says of other files, as it is written."""
    for column in ("site", *(("owner", "team") if key_column == "did" else ())):
        if row.get(column) and not (column == "owner" and says_by_extension(row)):
            yield column, row.get(column)
    for member in members_in(row):
        # What is no key at all has been told as that.
        if why_not_key(member) is None:
            yield "members", member


def _line(problem: Problem) -> int:
    return problem.line
