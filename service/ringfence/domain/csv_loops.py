"""Numbers in the directory's files that would bring a call back to us: each is a fault of its own row, and none is
imported. What is in force is proved as a whole by `loop_proof`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.domain.csv_range import DidRow
from ringfence.domain.directory import Person, Site
from ringfence.domain.known_ways import KnownWays
from ringfence.domain.numbers import mask
from ringfence.domain.team import Team


@dataclass(frozen=True, slots=True)
class LoopFault:
    """`key` is the row's, `value` the number as people may see it."""

    key: str
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class LoopSearch:
    """`own_dids`: those that the files make ours, too."""

    ways: KnownWays
    own_dids: Mapping[str, object]

    def people(self, people: Mapping[str, Person]) -> Iterator[LoopFault]:
        for key, person in people.items():
            for position, number in enumerate(person.default_numbers, start=1):
                yield from self._fault(key, f"default_number_{position}", number.e164, private=True)

    def sites(self, sites: Mapping[str, Site]) -> Iterator[LoopFault]:
        for name, site in sites.items():
            yield from self._fault(name, "fallback_number", site.fallback_number)
            yield from self._fault(name, "out_of_hours_number", site.out_of_hours_number)

    def teams(self, teams: Mapping[str, Team]) -> Iterator[LoopFault]:
        for name, team in teams.items():
            yield from self._fault(name, "backstop_number", team.backstop_number)

    def dids(self, dids: Mapping[str, DidRow]) -> Iterator[LoopFault]:
        for did, item in dids.items():
            yield from self._fault(did, "divert_number", item.divert_number)

    def _fault(self, key: str, column: str, number: str | None, *, private: bool = False) -> Iterator[LoopFault]:
        way = None if number is None else self.ways.way_back(number, self.own_dids)
        if number is None or way is None:
            return
        if number in self.own_dids:
            words = "is one of our own DIDs: the call would come back for ever"
        else:
            words = f"would bring the call back to us: {way.words}"
        message = f"of {key} {words}; write a number that leads outside"
        yield LoopFault(key, column, mask(number) if private else number, message)
