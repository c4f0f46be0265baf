"""[[known_forward]] and the platforms' ranges: where numbers are known to lead, for the proof against loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pydantic import Field

from ringfence.config.words import E164, Table
from ringfence.domain.known_ways import KnownWays, forwards_of
from ringfence.domain.numbers import mask


class KnownForwardSettings(Table):
    """[[known_forward]]: a number that is known to be forwarded, so that no divert goes round by it."""

    number: E164 = Field(description="the number that is forwarded, E.164")
    to: E164 = Field(description="where it is forwarded to; may be one of our own DIDs")


class WithRanges(Protocol):
    """A platform."""

    @property
    def name(self) -> str: ...

    @property
    def ranges(self) -> Sequence[str]: ...


def known_ways(platforms: Iterable[WithRanges], forwards: Iterable[KnownForwardSettings]) -> KnownWays:
    """What the configuration says of where numbers lead."""
    return KnownWays(
        ranges=tuple((start, platform.name) for platform in platforms for start in platform.ranges),
        forwards=forwards_of((forward.number, forward.to) for forward in forwards),
    )


def way_faults(
    forwards: Sequence[KnownForwardSettings], platforms: Iterable[WithRanges], fallbacks: Mapping[str, str | None]
) -> list[str]:
    """Forwards that say nothing or lead in a circle, and fallback numbers (by their trunk) that would come back: such a
    call would reach nobody."""
    faults = []
    ways = known_ways(platforms, forwards)
    pairs = Counter((forward.number, forward.to) for forward in forwards)
    for (number, to), times in pairs.items():
        if times > 1:
            faults.append(f"known_forward from {mask(number)} to {mask(to)} stands {times} times; once is enough")
    for way in ways.circles():
        faults.append(f"known_forward leads in a circle: {way.words}; one of them is wrong")
    for trunk, fallback in fallbacks.items():
        back = None if fallback is None else ways.way_back(fallback, ())
        if back is not None:
            faults.append(f"fallback_number of trunk {trunk!r} would come back: {back.words}; give another")
    return faults
