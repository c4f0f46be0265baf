"""Where a number is known to lead, so that a divert to it that would come back to us is seen beforehand.

Three things are known: our own DIDs, the ranges a platform takes without our table knowing each number, and forwards
that somebody told us of. What a mobile forwards to without anybody having told is found at call time alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ringfence.domain.numbers import mask

MAX_FORWARDS: Final = 1000
"""A number's way is followed anew each time it is asked for, since DIDs come and go."""


class WayEnd(StrEnum):
    """Where a way that must not be taken ends."""

    OWN_DID = "own_did"
    PLATFORM = "platform"
    CIRCLE = "circle"
    """The forwards among themselves: the carriers would carry the call round."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """`numbers`: the one that is dialled, what it is forwarded to, and so on; a circle's last one is in it twice.
    `platform` is the one in whose range the last number lies; empty: in none."""

    numbers: tuple[str, ...]
    end: WayEnd
    platform: str = ""

    def __repr__(self) -> str:
        return f"WayBack({self.words})"

    @property
    def words(self) -> str:
        """For people: nothing but our own DID is shown whole."""
        last = self.numbers[-1] if self.end is WayEnd.OWN_DID else mask(self.numbers[-1])
        steps = [mask(self.numbers[0]) if len(self.numbers) > 1 else last]
        steps += [f"is forwarded to {mask(number)}" for number in self.numbers[1:-1]]
        if len(self.numbers) > 1:
            steps.append(f"is forwarded to {last}")
        return f"{', which '.join(steps)}, {self._end_words}"

    @property
    def _end_words(self) -> str:
        match self.end:
            case WayEnd.OWN_DID:
                return "which is one of our own DIDs"
            case WayEnd.PLATFORM:
                return f"which is in a range of platform {self.platform}"
            case WayEnd.CIRCLE:
                return "and so round again"


@dataclass(frozen=True, slots=True)
class KnownWays:
    """`ranges`: beginnings of numbers in E.164, and the platform that takes them. `forwards`: a number, and every one
    it may be forwarded to; at most 1,000."""

    ranges: tuple[tuple[str, str], ...] = ()
    forwards: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        assert len(self.forwards) <= MAX_FORWARDS

    def way_back(self, e164: str, own_dids: Container[str]) -> WayBack | None:
        """A way by which a divert to this number is known to come back; None when none is known."""
        if e164 in self.forwards:
            return next(self.ways_back(e164, own_dids), None)
        end = self._end_at(e164, own_dids)
        return None if end is None else WayBack((e164,), *end)

    def ways_back(self, e164: str, own_dids: Container[str]) -> Iterator[WayBack]:
        """Every place to which a divert to this number is known to come back, by one way each."""
        way: dict[str, None] = {}  # in order, and quick to ask
        done: set[str] = set()
        further = [iter((e164,))]
        while further:
            number = next(further[-1], None)
            if number is None:
                further.pop()
                if way:
                    done.add(way.popitem()[0])
            elif number in way:
                yield WayBack((*way, number), WayEnd.CIRCLE)
            elif number not in done:
                end = self._end_at(number, own_dids)
                if end is not None:
                    yield WayBack((*way, number), *end)
                way[number] = None
                # From an end on our own plans decide, not the carriers.
                further.append(iter(() if end is not None else self.forwards.get(number, ())))

    def leading_to(self, numbers: Container[str]) -> frozenset[str]:
        """The forwarded numbers that lead to one of these, at whatever distance."""
        before: dict[str, list[str]] = {}
        for source, targets in self.forwards.items():
            for target in targets:
                before.setdefault(target, []).append(source)
        waiting = [target for target in before if target in numbers]
        found: set[str] = set()
        for number in waiting:
            for source in before.get(number, ()):
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return frozenset(found)

    def circles(self) -> tuple[WayBack, ...]:
        """Forwards that lead in a circle whatever our DIDs are, one way each."""
        found: dict[frozenset[str], WayBack] = {}
        for number in self.forwards:
            for way in self.ways_back(number, ()):
                if way.end is WayEnd.CIRCLE:
                    round_trip = way.numbers[way.numbers.index(way.numbers[-1]) :]
                    found.setdefault(frozenset(round_trip), WayBack(round_trip, WayEnd.CIRCLE))
        return tuple(found.values())

    def _end_at(self, number: str, own_dids: Container[str]) -> tuple[WayEnd, str] | None:
        if number in own_dids:
            return WayEnd.OWN_DID, ""
        for start, platform in self.ranges:
            if number.startswith(start):
                return WayEnd.PLATFORM, platform
        return None


def forwards_of(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    """Each number with every one it may be forwarded to, in the order given."""
    found: dict[str, list[str]] = {}
    for source, target in pairs:
        found.setdefault(source, []).append(target)
    return MappingProxyType({source: tuple(targets) for source, targets in found.items()})
