"""One parser as the fuzzer sees it, and what may come of an input."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.fuzz.samples import samples_of, words_of

Try = Callable[[bytes], str]
"""Gives one input to the parser. The text says what became of it: inputs of different outcomes are all worth keeping.
Raises Broken where an invariant does not hold; any other exception is a finding, too."""

_DIGITS: Final = re.compile(r"[0-9]+")
_NAMED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
MAX_OUTCOME_CHARACTERS: Final = 90


class Broken(Exception):
    """An invariant does not hold; the text says which, up to a colon, and of what."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser. `reads`: the modules whose lines count, below `ringfence`. `make` builds what it needs, once. `made`:
    samples besides those in the folder. `grows`: time and memory are measured on inputs of doubled size.
    `dear`: an input takes so long that the tests try few."""

    name: str
    what: str
    reads: str
    make: Callable[[], Try]
    made: Callable[[], tuple[bytes, ...]] = tuple
    max_bytes: int = 4096
    grows: bool = True
    dear: bool = False

    @property
    def modules(self) -> tuple[str, ...]:
        return tuple(f"ringfence.{name}" for name in self.reads.split())

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """What its fuzzer begins with. There is at least one."""
        found = (*self.made(), *samples_of(self.name))
        assert found, self.name
        return found

    @property
    def words(self) -> tuple[bytes, ...]:
        """Pieces of its grammar."""
        return words_of(self.name)


def shape(text: object) -> str:
    """A sentence without what differs from input to input."""
    plain = _NAMED.sub("'?'", _DIGITS.sub("9", str(text)))
    return plain.encode("ascii", "replace").decode()[:MAX_OUTCOME_CHARACTERS]


def holds(condition: object, rule: str, about: object = "") -> None:
    """Raises Broken."""
    if not condition:
        raise Broken(f"{rule}: {about!r}"[:400])


def hides(said: object, *private: str) -> None:
    """Raises Broken where a person would read a private number in clear: six of its digits in a row are enough."""
    shown = str(said)
    for number in private:
        holds(number[-6:] not in shown, "a private number is shown", shown[:200])
