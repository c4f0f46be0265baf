"""May this number be the target of a divert? Every answer is a reason why not, or None.

The last guard stands in the dialplan's egress; this one keeps a forbidden number out of the table in the
first place and tells people why. Its rules exist because a divert is paid by us: toll fraud reaches premium,
shared cost, personal and satellite numbers first, and a divert that comes back to us is a loop (`loop_proof`).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ringfence.domain.known_answers import KnownAnswers
from ringfence.domain.known_ways import KnownWays, WayBack, WayEnd
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


NO_COUNTRY: Final = "001"
"""The region of calling codes that belong to no country."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What may be dialled out. Countries are ISO 3166 codes; `001` stands for calling codes of no country. Prefixes
    are the beginnings of numbers in E.164. `ways`: where numbers are known to lead."""

    allowed_countries: frozenset[str]
    denied_kinds: frozenset[NumberKind] = DENIED_BY_DEFAULT
    denied_prefixes: tuple[str, ...] = ()
    ways: KnownWays = field(default_factory=KnownWays)


class Refusal(StrEnum):
    """Why a number is never dialled as a divert's target."""

    OWN_DID = "own_did"
    PLATFORM_RANGE = "platform_range"
    LEADS_BACK = "leads_back"
    FORWARD_CIRCLE = "forward_circle"
    EMERGENCY_OR_SHORT = "emergency_or_short"
    INTERNATIONAL_NETWORK = "international_network"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    KIND_DENIED = "kind_denied"
    PREFIX_DENIED = "prefix_denied"
    NOT_A_NUMBER = "not_a_number"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def comes_back(self) -> bool:
        """Whether this is about where the number leads, not about the number."""
        return self is Refusal.OWN_DID or self in _OF_WAY.values()


_OF_WAY: Final = {
    WayEnd.OWN_DID: Refusal.LEADS_BACK,
    WayEnd.PLATFORM: Refusal.PLATFORM_RANGE,
    WayEnd.CIRCLE: Refusal.FORWARD_CIRCLE,
}

_SENTENCES: Final = {
    Refusal.OWN_DID: "it is one of our own DIDs, and the call would come back to us for ever",
    Refusal.PLATFORM_RANGE: "it leads into a range of one of our platforms, and the call would come back to us",
    Refusal.LEADS_BACK: "it is known to be forwarded to one of our own DIDs, and the call would come back to us",
    Refusal.FORWARD_CIRCLE: "it is known to be forwarded in a circle, and the call would reach nobody",
    Refusal.EMERGENCY_OR_SHORT: "it is, or may reach, an emergency or short number",
    Refusal.INTERNATIONAL_NETWORK: "it belongs to a satellite or other network of no country, which costs most of all",
    Refusal.COUNTRY_NOT_ALLOWED: "its country is not among the allowed countries",
    Refusal.KIND_DENIED: "its number type (premium rate, shared cost, personal number...) is not allowed",
    Refusal.PREFIX_DENIED: "it begins with one of the denied prefixes",
    Refusal.NOT_A_NUMBER: "it is not a possible telephone number",
}


def why_not(number: Number, policy: EgressPolicy, own_dids: Container[str]) -> Refusal | None:
    """Why this number may not be dialled as a divert's target; None when it may."""
    way = policy.ways.way_back(number.e164, own_dids)
    return _why_not(number, policy) if way is None else refusal_of(way)


def refusal_of(way: WayBack) -> Refusal:
    """Why a number that leads back is refused."""
    own = way.end is WayEnd.OWN_DID and len(way.numbers) == 1
    return Refusal.OWN_DID if own else _OF_WAY[way.end]


def _why_not(number: Number, policy: EgressPolicy) -> Refusal | None:
    if number.emergency_or_short:
        return Refusal.EMERGENCY_OR_SHORT
    if number.region == NO_COUNTRY and NO_COUNTRY not in policy.allowed_countries:
        return Refusal.INTERNATIONAL_NETWORK
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

    Classifying costs some 10 µs a number; without the memory ten changed rows among 10,000 would cost a tenth of a
    second. It holds a number's text and one enum member, nothing of the numbering library. Where a number leads is
    asked anew each time, since own DIDs come and go; `blind`: not at all, for the proof of what would be otherwise.
    """

    policy: EgressPolicy
    blind: bool = False
    _answers: KnownAnswers[Refusal | None] = field(default_factory=KnownAnswers, repr=False, compare=False)

    def why_not(self, e164: str, own_dids: Container[str]) -> Refusal | None:
        """As the function of this name, for a number already in E.164."""
        way = self.way_back(e164, own_dids)
        return self.of_the_number(e164) if way is None else refusal_of(way)

    def way_back(self, e164: str, own_dids: Container[str]) -> WayBack | None:
        """A way by which a divert to this number is known to come back; None when none is known."""
        return None if self.blind else self.policy.ways.way_back(e164, own_dids)

    def of_the_number(self, e164: str) -> Refusal | None:
        """What is to be said against the number itself, wherever it leads."""
        return self._answers.of(e164, self._judge)

    def _judge(self, e164: str) -> Refusal | None:
        try:
            return _why_not(classify(e164), self.policy)
        except NumberError:
            return Refusal.NOT_A_NUMBER
