"""Beginnings of numbers by which a dialplan can refuse what the policy refuses, although it knows no numbering plan.

Among the allowed calling codes lie ranges that are not allowed: premium numbers, and those of other countries (+44 is
Jersey's too, +1 the Caribbean's, where much fraud goes). The library describes each range by a pattern. All that is
denied and all that is allowed are walked together digit by digit; where only the denied go on, the beginning is denied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from phonenumbers import PhoneMetadata

from ringfence.domain.numbers import NumberKind

MAX_DIGITS: Final = 6
"""National digits that are looked at. Where the allowed and the denied still share a beginning, only the policy can
tell them apart."""

# Ranges of no country, by ITU-T E.164's list of assigned codes: shared cost, Inmarsat, personal numbers, satellites,
# international networks, disaster relief, premium rate. No country's calling code begins with one of them.
INTERNATIONAL_NETWORKS: Final = ("+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979")

_TOKEN: Final = re.compile(r"\(\?:|\(|\)|\||\[[0-9-]+\]|\\d|[0-9]|\{\d+(?:,\d+)?\}|\?")
_ANY: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a walk through a pattern may be: the digits that go on, and where to. None go on: the number is whole."""

    moves: tuple[tuple[frozenset[str], _Place], ...] = ()


_Places = frozenset[_Place]


@lru_cache(maxsize=8)
def denied_starts(countries: frozenset[str], denied_kinds: frozenset[NumberKind]) -> tuple[str, ...]:
    """E.164 beginnings of what is denied where these countries (ISO 3166) are allowed. None of them begins a number in
    a known range that is allowed. Takes some 50 ms a calling code, once."""
    found = list(INTERNATIONAL_NETWORKS)
    for code in sorted({phonenumbers.country_code_for_region(country) for country in countries}):
        denied: set[_Place] = set()
        allowed: set[_Place] = set()
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ()):
            for kind, pattern in _ranges(region):
                is_allowed = region in countries and kind not in denied_kinds
                (allowed if is_allowed else denied).add(_walkable(pattern))
        starts = _Walk().denied_only(frozenset(denied), frozenset(allowed))
        found += (f"+{code}{start}" for start in starts)
    return tuple(found)


class _Walk:
    """Through the denied and the allowed together. Many beginnings come to the same places: those are walked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[_Places, _Places, int], tuple[str, ...]] = {}

    def denied_only(self, denied: _Places, allowed: _Places, digits_left: int = MAX_DIGITS) -> tuple[str, ...]:
        """The further digits with which the denied go on and the allowed do not."""
        if not denied:
            return ()
        if not allowed:
            return ("",)
        if not digits_left:
            return ()
        key = denied, allowed, digits_left
        if key not in self._known:
            self._known[key] = tuple(
                digit + further
                for digit in sorted(_ANY)
                for further in self.denied_only(_after(denied, digit), _after(allowed, digit), digits_left - 1)
            )
        return self._known[key]


def _after(places: _Places, digit: str) -> _Places:
    return frozenset(further for place in places for digits, further in place.moves if digit in digits)


def _ranges(region: str) -> Iterator[tuple[NumberKind, str]]:
    metadata: Any = PhoneMetadata.metadata_for_region(region)
    for kind in NumberKind:
        described = getattr(metadata, str(kind), None)
        if described is not None and described.national_number_pattern:
            yield kind, described.national_number_pattern


def _walkable(pattern: str) -> _Place:
    tokens = _TOKEN.findall(pattern)
    assert "".join(tokens) == pattern, f"not understood: {pattern}"
    choices, used = _parsed([*tokens, ")"], 0)
    assert used == len(tokens) + 1
    return _placed(choices, _Place())


# A parsed pattern: a set of digits, a list of choices (each a list of such items), or an item with how often it may
# come at least and at most.
_Choices = list[list[Any]]


def _parsed(tokens: list[str], place: int) -> tuple[_Choices, int]:
    """Up to and with the closing bracket; the choices, and how far that is."""
    choices: _Choices = [[]]
    while tokens[place] != ")":
        part, place = tokens[place], place + 1
        if part == "|":
            choices.append([])
        elif part.startswith("("):
            inner, place = _parsed(tokens, place)
            choices[-1].append(inner)
        elif part == "?":
            choices[-1][-1] = (choices[-1][-1], 0, 1)
        elif part.startswith("{"):
            least, _, most = part[1:-1].partition(",")
            choices[-1][-1] = (choices[-1][-1], int(least), int(most or least))
        else:
            choices[-1].append(_digits(part))
    return choices, place + 1


def _placed(item: Any, follow: _Place) -> _Place:
    """Where a walk is before this item, given where it is after it."""
    match item:
        case frozenset():
            return _Place(((item, follow),))
        case tuple():
            repeated, least, most = item
            place = follow
            for _ in range(most - least):
                place = _Place((*_placed(repeated, place).moves, *follow.moves))
            for _ in range(least):
                place = _placed(repeated, place)
            return place
        case _:
            moves: list[tuple[frozenset[str], _Place]] = []
            for choice in item:
                place = follow
                for part in reversed(choice):
                    place = _placed(part, place)
                moves += place.moves
            return _Place(tuple(moves))


def _digits(part: str) -> frozenset[str]:
    if part == r"\d":
        return _ANY
    ranged = re.sub(r"([0-9])-([0-9])", lambda pair: "".join(map(str, range(int(pair[1]), int(pair[2]) + 1))), part)
    return frozenset(ranged.strip("[]"))
