"""Answers that cost more than a look-up, remembered by what was asked about: so many at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

MOST_ANSWERS: Final = 200_000
"""More than the numbers of 50,000 people and 100,000 DIDs. Numbers come and go with every import and every dry run for
as long as the daemon runs; some 20 MB when full."""

T = TypeVar("T")


class KnownAnswers(Generic[T]):
    """Several threads may ask at once: an answer may then be worked out twice."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._answers: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def of(self, asked: str, work_out: Callable[[str], T]) -> T:
        """The answer from before, or the one that `work_out` gives now."""
        try:
            return self._answers[asked]
        except KeyError:
            pass
        answer = work_out(asked)
        if len(self._answers) >= self._most:
            # All of them: those still needed are worked out once more, and no order of use has to be kept.
            self._answers = {}
        self._answers[asked] = answer
        return answer
