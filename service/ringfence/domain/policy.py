"""May this number be the target of a divert? Every answer is a reason why not, or None.

The last guard stands in the dialplan's egress; this one keeps a forbidden number out of the table in the
first place and tells people why. Its rules exist because a divert is paid by us: toll fraud reaches premium,
shared cost and personal numbers first, and a divert to an own DID is a loop.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ringfence.domain.numbers import Number, NumberError, NumberKind, classify

# UAN stays allowed: in several countries (the British 03 numbers) it costs what an ordinary call costs.
DENIED_BY_DEFAULT: Final = frozenset(
    {
        NumberKind.PREMIUM_RATE,
        NumberKind.SHARED_COST,
        NumberKind.PERSONAL_NUMBER,
        NumberKind.PAGER,
        NumberKind.VOICEMAIL,
    }
)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What may be dialled out. Countries are ISO 3166 codes; `001` stands for calling codes of no country. Prefixes
    are the beginnings of numbers in E.164."""

    allowed_countries: frozenset[str]
    denied_kinds: frozenset[NumberKind] = DENIED_BY_DEFAULT
    denied_prefixes: tuple[str, ...] = ()


class Refusal(StrEnum):
    """Why a number is never dialled as a divert's target."""

    OWN_DID = "own_did"
    EMERGENCY_OR_SHORT = "emergency_or_short"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    KIND_DENIED = "kind_denied"
    PREFIX_DENIED = "prefix_denied"
    NOT_A_NUMBER = "not_a_number"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES: Final = {
    Refusal.OWN_DID: "it is one of our own DIDs, and the call would come back to us for ever",
    Refusal.EMERGENCY_OR_SHORT: "it is, or may reach, an emergency or short number",
    Refusal.COUNTRY_NOT_ALLOWED: "its country is not among the allowed countries",
    Refusal.KIND_DENIED: "its number type (premium rate, shared cost, personal number...) is not allowed",
    Refusal.PREFIX_DENIED: "it begins with one of the denied prefixes",
    Refusal.NOT_A_NUMBER: "it is not a possible telephone number",
}


def why_not(number: Number, policy: EgressPolicy, own_dids: Container[str]) -> Refusal | None:
    """Why this number may not be dialled as a divert's target; None when it may."""
    if number.e164 in own_dids:
        return Refusal.OWN_DID
    if number.emergency_or_short:
        return Refusal.EMERGENCY_OR_SHORT
    if number.region not in policy.allowed_countries:
        return Refusal.COUNTRY_NOT_ALLOWED
    if number.kind in policy.denied_kinds:
        return Refusal.KIND_DENIED
    if number.e164.startswith(policy.denied_prefixes):
        return Refusal.PREFIX_DENIED
    return None


@dataclass(frozen=True, slots=True)
class EgressGate:
    """A policy that remembers what it said of each number.

    Classifying costs some 40 µs a number; without the memory ten changed rows among 10,000 would cost half a
    second. It holds a number's text and one enum member, nothing of the numbering library. Own DIDs are asked
    anew each time.
    """

    policy: EgressPolicy
    _answers: dict[str, Refusal | None] = field(default_factory=dict, repr=False, compare=False)

    def why_not(self, e164: str, own_dids: Container[str]) -> Refusal | None:
        """As the function of this name, for a number already in E.164."""
        if e164 in own_dids:
            return Refusal.OWN_DID
        if e164 not in self._answers:
            self._answers[e164] = self._judge(e164)
        return self._answers[e164]

    def _judge(self, e164: str) -> Refusal | None:
        try:
            return why_not(classify(e164), self.policy, ())
        except NumberError:
            return Refusal.NOT_A_NUMBER
