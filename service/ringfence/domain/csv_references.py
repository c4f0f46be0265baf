"""What the directory's files say of each other, and whether that holds: for `directory_csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from ringfence.domain.csv_loops import LoopFault, LoopSearch
from ringfence.domain.csv_range import DidRow, own_dids
from ringfence.domain.csv_text import Problem
from ringfence.domain.directory import DidAssignment, Person, Site
from ringfence.domain.known_ways import KnownWays
from ringfence.domain.route_table import BUCKET_COUNT, MAX_BUCKET_ROWS, bucket_of
from ringfence.domain.team import Team, record_id

STORED: Final = "the stored directory"
MAX_TOLD_APART: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a row says of another file: of faulty rows too, so that one reading tells all."""

    line: int
    key: str
    column: str
    wanted: str


@dataclass(slots=True)
class Part(Generic[T]):
    """One part of the directory to be. `lines` knows every key that was written, also those of faulty rows: who is
    misspelt in one file shall not be called missing in another. `refers`: what an item says of the other files, as
    (column, key); `faulty`: what faulty rows say."""

    file: str
    refers: Callable[[T], Iterator[tuple[str, str]]]
    items: dict[str, T] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faulty: list[Reference] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True  # false: the file could not be read, so nothing can be said of what it lacks

    def references(self) -> Iterator[Reference]:
        """What its rows say, those of faulty rows last; made as it is asked for, or 100,000 DIDs would hold 25 MB."""
        for key, item in self.items.items():
            line = self.lines.get(key, 0)
            yield from (Reference(line, key, column, wanted) for column, wanted in self.refers(item))
        yield from self.faulty

    def fault(self, key: str, column: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, self.lines.get(key, 0), column, value, message))

    def faults(self, found: Iterable[LoopFault]) -> None:
        for fault in found:
            self.fault(fault.key, fault.column, fault.value, fault.message)


@dataclass(frozen=True, slots=True)
class Parts:
    """All of the directory to be."""

    people: Part[Person]
    dids: Part[DidRow]
    sites: Part[Site]
    teams: Part[Team]


_Target = Part[Person] | Part[Site] | Part[Team]


def faults_between(parts: Parts, ways: KnownWays) -> None:
    """Notes in each part what it says wrongly of another, and what the parts together cannot be."""
    _check_references(parts.people, parts)
    _check_references(parts.dids, parts)
    _check_references(parts.teams, parts)
    own = own_dids(parts.dids.items, parts.people.items)
    _check_loops(parts, own, ways)
    _check_buckets(parts.dids, own)
    _check_ids(parts.sites)
    _check_ids(parts.teams)


def _check_references(part: Part[T], parts: Parts) -> None:
    targets: dict[str, tuple[_Target, str]] = {
        "site": (parts.sites, "site"),
        "owner": (parts.people, "person"),
        "team": (parts.teams, "team"),
        "members": (parts.people, "person"),
    }
    found: dict[str, list[Reference]] = {column: [] for column, (target, _) in targets.items() if target.whole}
    for reference in part.references():
        target, _ = targets[reference.column]
        if target.whole and reference.wanted not in target.items and reference.wanted not in target.lines:
            found[reference.column].append(reference)
    for column, missing in found.items():
        target, what = targets[column]
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


def _missing(reference: Reference, part: Part[T], target: _Target, what: str) -> Problem:
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


def _check_loops(parts: Parts, own: Mapping[str, DidAssignment], ways: KnownWays) -> None:
    search = LoopSearch(ways, own)
    parts.people.faults(search.people(parts.people.items))
    parts.dids.faults(search.dids(parts.dids.items))
    parts.sites.faults(search.sites(parts.sites.items))
    parts.teams.faults(search.teams(parts.teams.items))


def _check_ids(part: Part[T]) -> None:
    """Asterisk knows teams and sites by a few digits of a digest: two of them may, hardly ever, be the same."""
    taken: dict[str, str] = {}
    for name in part.items:
        other = taken.setdefault(record_id(name), name)
        if other != name:
            part.fault(name, "name", name, f"and {other!r} cannot be told apart in Asterisk; change one of the names")


def _check_buckets(dids: Part[DidRow], own: Iterable[str]) -> None:
    for bucket, rows in Counter(map(bucket_of, own)).items():
        if rows > MAX_BUCKET_ROWS:
            message = (
                f"{rows} DIDs end in {bucket:03d} or {bucket + BUCKET_COUNT:03d}, at most {MAX_BUCKET_ROWS} can be "
                "published safely; split them over several nodes"
            )
            dids.problems.append(Problem(dids.file, 0, "did", "", message))


def _same_but_for_case(wanted: str, known: Iterable[str]) -> str | None:
    return next((name for name in known if name.casefold() == wanted.casefold()), None)
