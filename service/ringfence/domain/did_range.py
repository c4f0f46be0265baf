"""Ranges of DIDs: one row of `dids.csv` for up to 10,000 numbers that are treated alike.

A range is kept as it was written, and expanded wherever a directory is put together (`directory_of`): whoever routes,
counts or explains sees DIDs alone. A row for one of its numbers beats the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from ringfence.domain.directory import DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.numbers import Did
from ringfence.domain.team import Team

MAX_RANGE_DIDS: Final = 10_000
MAX_RANGED_DIDS: Final = 250_000
"""Of all ranges together: more cannot be published, and a file of ranges is small for what it asks for."""


@dataclass(frozen=True, slots=True)
class DidRange:
    """The numbers from `first` to `last`, both included, of equal length. `by_extension`: each belongs to the person
    whose extension it ends in, if there is one; then `owner` is None. The rest is what a `DidAssignment` has."""

    first: Did
    last: Did
    owner: PersonKey | None
    site: str
    scope: str
    by_extension: bool = False
    kind: LineKind = LineKind.VOICE
    critical: bool = False
    team: str = ""
    divert_number: str | None = None

    def __post_init__(self) -> None:
        assert len(self.first) == len(self.last) and self.first <= self.last, f"range {self.key}"
        assert not (self.by_extension and self.owner), f"range {self.key} has an owner and is by extension"

    @property
    def key(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def count(self) -> int:
        return int(self.last) - int(self.first) + 1

    @property
    def numbers(self) -> Iterator[Did]:
        return (Did(f"+{number}") for number in range(int(self.first), int(self.last) + 1))

    def assignment(self, did: Did, owner: PersonKey | None) -> DidAssignment:
        """What one of its numbers is."""
        return DidAssignment(
            did,
            owner,
            self.site,
            self.scope,
            self.kind,
            self.critical,
            team=self.team,
            divert_number=self.divert_number,
        )


class Extensions:
    """Who has which extension. Where two people of one site share one, nobody has it."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._at_site: dict[tuple[str, str], PersonKey | None] = {}
        self._anywhere: dict[str, PersonKey | None] = {}
        self.shared: list[tuple[Person, PersonKey]] = []
        """Each with the person of the same site whose extension it was already."""
        holders: dict[tuple[str, str], PersonKey] = {}
        for person in people:
            if not person.extension:
                continue
            place = (person.site, person.extension)
            if place in holders:
                self.shared.append((person, holders[place]))
            holders.setdefault(place, person.key)
            self._at_site[place] = None if place in self._at_site else person.key
            self._anywhere[person.extension] = None if person.extension in self._anywhere else person.key
        self._lengths = sorted({len(extension) for extension in self._anywhere}, reverse=True)

    def owner(self, did: Did, site: str, at_least: int) -> PersonKey | None:
        """The longest extension of at least so many digits counts; its holder at this site before one elsewhere."""
        for length in self._lengths:
            tail = did[-length:]
            if length < at_least:
                break
            if (site, tail) in self._at_site:
                return self._at_site[site, tail]
            if tail in self._anywhere:
                return self._anywhere[tail]
        return None


def expanded(
    ranges: Iterable[DidRange], people: Iterable[Person], rows: Mapping[Did, DidAssignment]
) -> dict[Did, DidAssignment]:
    """The numbers of the ranges, but for those with a row of their own. Some 4 µs a number."""
    found: dict[Did, DidAssignment] = {}
    extensions = Extensions(people)
    for one in ranges:
        # With fewer digits than this, an extension could be the end of two of its numbers.
        at_least = len(str(one.count - 1))
        for did in one.numbers:
            if did not in rows:
                owner = extensions.owner(did, one.site, at_least) if one.by_extension else one.owner
                found[did] = one.assignment(did, owner)
    return found


def directory_of(
    people: Iterable[Person],
    rows: Iterable[DidAssignment],
    sites: Iterable[Site],
    teams: Iterable[Team] = (),
    ranges: Iterable[DidRange] = (),
) -> Directory:
    """A directory with its ranges expanded. Raises DirectoryError as `Directory.of` does."""
    people, rows, ranges = tuple(people), tuple(rows), tuple(ranges)
    if not ranges:
        return Directory.of(people, rows, sites, teams)
    written = {item.did: item for item in rows}
    whole = Directory.of(people, (*rows, *expanded(ranges, people, written).values()), sites, teams)
    return replace(
        whole,
        ranges=MappingProxyType({one.key: one for one in ranges}),
        written=MappingProxyType(written),
    )


def flat(directory: Directory) -> Directory:
    """The same DIDs, each as if it had been written by itself: the directory in force does not remember ranges."""
    return replace(directory, ranges=MappingProxyType({}), written=None) if directory.ranges else directory


def overlaps(ranges: Iterable[DidRange]) -> Iterator[tuple[DidRange, DidRange]]:
    """Pairs of ranges that share a number."""
    furthest: DidRange | None = None
    for one in sorted(ranges, key=lambda item: int(item.first)):
        if furthest is not None and int(one.first) <= int(furthest.last):
            yield furthest, one
        if furthest is None or int(one.last) > int(furthest.last):
            furthest = one
