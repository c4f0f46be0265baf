"""Telephones whose owners are now here and now there: what one does with a call, by a lot that is alike in every run.

The lot is the number's, the caller's and the attempt's: a telephone that is off is off for every trunk that asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.lab.behaviour import Behaviour

TOLD_APART_DIGITS = 9
"""However a trunk writes a number, these are its last."""


@dataclass(frozen=True, slots=True)
class Moods:
    """What telephones may do, each with its share, and the seed of the lots."""

    shares: tuple[tuple[int, Behaviour], ...]
    seed: int = 1

    def drawn(self, number: str, caller: str, attempt: int) -> Behaviour:
        """`attempt`: how often this caller has rung there by the same trunk before."""
        lot = Random(f"{self.seed} {number[-TOLD_APART_DIGITS:]} {caller} {attempt}")
        return lot.choices([mood for _, mood in self.shares], [share for share, _ in self.shares])[0]

    def to_json(self) -> dict[str, object]:
        return {"seed": self.seed, "shares": [[share, mood.to_json()] for share, mood in self.shares]}

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> Moods:
        shares, seed = fields["shares"], fields["seed"]
        assert isinstance(shares, list) and isinstance(seed, int)
        return cls(tuple((int(share), Behaviour.from_json(mood)) for share, mood in shares), seed)


@dataclass(slots=True)
class MoodyNumbers:
    """Which telephones of one far end have moods, and which."""

    _moods: dict[str, Moods] = field(default_factory=dict)
    _attempts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def set(self, numbers: list[str], moods: Moods) -> None:
        self._moods |= dict.fromkeys(numbers, moods)

    def clear(self) -> None:
        self._moods.clear()
        self._attempts.clear()

    def behaviour(self, number: str, caller: str) -> Behaviour | None:
        """For one more call by this caller; nothing for a number without moods."""
        moods = self._moods.get(number)
        if moods is None:
            return None
        attempt = self._attempts[number, caller]
        self._attempts[number, caller] += 1
        return moods.drawn(number, caller, attempt)
