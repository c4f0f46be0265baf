"""Who has to press 1 before a caller is put through: whoever answers a number that a voicemail may answer too.

Without it a mobile that is off counts as answered, and the caller talks to a private mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ringfence.domain.directory import DefaultNumber
from ringfence.domain.known_answers import KnownAnswers
from ringfence.domain.numbers import NumberError, NumberKind, classify

# What a person has at home or in a pocket; a number in no known range may be anything. The other kinds are firms'.
ASKED_BY_DEFAULT: Final = frozenset(
    {
        NumberKind.MOBILE,
        NumberKind.FIXED_LINE,
        NumberKind.FIXED_LINE_OR_MOBILE,
        NumberKind.VOIP,
        NumberKind.PERSONAL_NUMBER,
        NumberKind.UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class PressOne:
    """`kinds` are asked, unless the number itself says otherwise. Remembers what it said of each number, as
    `EgressGate` does and for the same reason."""

    kinds: frozenset[NumberKind] = ASKED_BY_DEFAULT
    _answers: KnownAnswers[bool] = field(default_factory=KnownAnswers, repr=False, compare=False)

    def asks(self, number: DefaultNumber) -> bool:
        """Whether who answers this person's number has to press 1."""
        if number.press_one is not None:
            return number.press_one
        if not self.kinds:
            return False
        return self._answers.of(number.e164, self._judge)

    def _judge(self, e164: str) -> bool:
        try:
            return classify(e164).kind in self.kinds
        except NumberError:
            return True


NOBODY_ASKED: Final = PressOne(frozenset())
