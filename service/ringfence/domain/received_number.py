"""How a trunk's number becomes a DID: the dialplan's reading again, in Python, with what it did as sentences.

`extensions_ringfence.conf`, "Read the number", is what happens to a call; this says the same beforehand, and a test
proves with real calls that both agree. Pure: values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import combinations
from typing import Final


class DidSource(Enum):
    """Where a trunk puts the DID."""

    REQUEST_URI = "request-uri"
    TO = "to"
    P_CALLED_PARTY_ID = "p-called-party-id"
    DIVERSION = "diversion"


class BareNumber(Enum):
    """What a number is that has neither a plus nor a prefix."""

    E164 = "e164"
    NATIONAL = "national"
    EXTENSION = "extension"


class Rule(StrEnum):
    """What the dialplan does with a number, in its own order."""

    PLUS = "plus"
    PARAMETERS = "parameters"
    PHONE_CONTEXT = "phone_context"
    INTERNATIONAL_PREFIX = "international_prefix"
    NATIONAL_PREFIX = "national_prefix"
    BARE_E164 = "bare_e164"
    BARE_NATIONAL = "bare_national"
    EXTENSION = "extension"
    NO_EXTENSION = "no_extension"
    NOT_E164 = "not_e164"
    NOT_CLEAN = "not_clean"


SENTENCES: Final = {
    Rule.PLUS: "it begins with a plus, so it is taken as it is",
    Rule.PARAMETERS: "what follows the semicolon says how the number was routed, and is left away",
    Rule.PHONE_CONTEXT: "its phone-context is the trunk's country, so it is a national number",
    Rule.INTERNATIONAL_PREFIX: "it begins with the international prefix, which becomes the plus",
    Rule.NATIONAL_PREFIX: "it begins with the national prefix, which becomes the country code",
    Rule.BARE_E164: "it has no prefix, and on this trunk such numbers begin with the country code",
    Rule.BARE_NATIONAL: "it has no prefix, and on this trunk such numbers are national",
    Rule.EXTENSION: "it has as many digits as this trunk sends of a range, and is the last ones of this range",
    Rule.NO_EXTENSION: "it has no prefix, and is not the last digits of any of this trunk's ranges",
    Rule.NOT_E164: "that is no E.164 number, so the call goes to the platform with the number as it came",
    Rule.NOT_CLEAN: "it is not a plain number, so the call is refused with 404",
}

_PLUS = re.compile(r"[+][0-9]{1,15}")
_DIGITS = re.compile(r"[0-9]{1,16}")
_WITH_PARAMETERS = re.compile(
    r"([+][0-9]{1,15}|[0-9]{1,16})(;(npdi|enumdi|(rn|cic|tgrp|[a-z]+-context)=[A-Za-z0-9+.-]{1,40}))+"
)
_E164 = re.compile(r"[+][1-9][0-9]{5,14}")
_RANGE = re.compile(r"\+[1-9][0-9]*x+")


@dataclass(frozen=True, slots=True)
class NumberRules:
    """What a trunk's settings say of its numbers; the meaning of each is that of [[trunk]]."""

    source: DidSource = DidSource.REQUEST_URI
    country: str = "44"
    national_prefix: str = "0"
    international_prefix: str = "00"
    bare: BareNumber = BareNumber.E164
    range_prefix: str = ""
    """With `BareNumber.EXTENSION`: what stands before an extension, as `+4411349600`."""
    extension_length: int = 0
    ranges: tuple[str, ...] = ()
    """In place of the prefix: every range, as `+441134960xxx`; then a length of 0 is that of the digits that vary."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One rule, and the number after it."""

    rule: Rule
    number: str

    @property
    def sentence(self) -> str:
        return SENTENCES[self.rule]


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """`received`: as the dialplan has it. `did`: what is looked up; empty: the call is refused. `fired`: the rules, in
    order."""

    received: str
    did: str
    fired: tuple[Fired, ...]

    @property
    def refused(self) -> bool:
        return not self.did

    @property
    def is_e164(self) -> bool:
        """A number that the directory could know."""
        return _E164.fullmatch(self.did) is not None


def read_number(received: str, rules: NumberRules) -> ReadNumber:
    """What the dialplan makes of the user part that the trunk's calls have where the DID is, unescaped."""
    fired = tuple(_read(received, rules))
    last = fired[-1]
    did = "" if last.rule is Rule.NOT_CLEAN else last.number
    return ReadNumber(received, did, fired)


def range_tails(ranges: Sequence[str], extension_length: int) -> tuple[tuple[str, str], ...]:
    """Of each range as `+441134960xxx` what stands before the digits that are sent, and their pattern, as `0xxx`; of
    `extension_length` digits, 0: as many as vary."""
    lengths = [extension_length or one.count("x") for one in ranges]
    return tuple((one[:-length], one[-length:]) for one, length in zip(ranges, lengths, strict=True))


def why_not_ranges(ranges: Sequence[str], extension_length: int) -> str | None:
    """Why a trunk cannot have these ranges; None when it can."""
    for one in ranges:
        varying = one.count("x")
        if not _RANGE.fullmatch(one) or not 7 <= len(one) - 1 <= 15 or varying > 10:
            return f"{one!r} is no range; write a plus, the digits, and an x for each that varies, as +441134960xxx"
        if extension_length and not varying <= extension_length <= len(one) - 2:
            return f"{one!r} has {varying} digits that vary, and extension_length {extension_length} does not fit"
    tails = range_tails(ranges, extension_length)
    for (prefix, tail), (other_prefix, other) in combinations(tails, 2):
        same = len(tail) == len(other) and all(a == b or "x" in (a, b) for a, b in zip(tail, other, strict=True))
        if same:
            return (
                f"{prefix}{tail} and {other_prefix}{other} cannot be told apart by the last {len(tail)} digits; "
                "have the carrier send more of them, and set extension_length"
            )
    return None


def _read(received: str, rules: NumberRules) -> Iterator[Fired]:
    if _PLUS.fullmatch(received):
        yield Fired(Rule.PLUS, received)
    elif _DIGITS.fullmatch(received):
        yield from _without_plus(received, rules)
    elif _WITH_PARAMETERS.fullmatch(received):
        yield from _with_parameters(received, rules)
    else:
        yield Fired(Rule.NOT_CLEAN, "")


def _with_parameters(received: str, rules: NumberRules) -> Iterator[Fired]:
    number, _, parameters = received.partition(";")
    contexts = [text for text in parameters.split(";") if text.startswith("phone-context=+")]
    ours = f"phone-context=+{rules.country}" in contexts
    if contexts and not ours:
        yield Fired(Rule.NOT_CLEAN, "")
        return
    yield Fired(Rule.PARAMETERS, number)
    if number.startswith("+"):
        yield Fired(Rule.PLUS, number)
    elif ours:
        prefix = rules.national_prefix
        national = number.removeprefix(prefix)
        yield from _valid(Rule.PHONE_CONTEXT, number, f"+{rules.country}{national}")
    else:
        yield from _without_plus(number, rules)


def _without_plus(number: str, rules: NumberRules) -> Iterator[Fired]:
    international, national = rules.international_prefix, rules.national_prefix
    extension = _prefix_of_extension(number, rules) if rules.bare is BareNumber.EXTENSION else None
    if extension is not None:
        # First of all, for last digits may begin with a prefix.
        yield from _valid(Rule.EXTENSION, number, f"{extension}{number}")
    elif international and number.startswith(international):
        yield from _valid(Rule.INTERNATIONAL_PREFIX, number, f"+{number[len(international) :]}")
    elif national and number.startswith(national):
        yield from _valid(Rule.NATIONAL_PREFIX, number, f"+{rules.country}{number[len(national) :]}")
    elif rules.bare is BareNumber.E164:
        yield from _valid(Rule.BARE_E164, number, f"+{number}")
    elif rules.bare is BareNumber.NATIONAL:
        yield from _valid(Rule.BARE_NATIONAL, number, f"+{rules.country}{number}")
    else:
        yield Fired(Rule.NO_EXTENSION, number)


def _prefix_of_extension(number: str, rules: NumberRules) -> str | None:
    if not rules.ranges:
        return rules.range_prefix if len(number) == rules.extension_length else None
    for prefix, tail in range_tails(rules.ranges, rules.extension_length):
        if re.fullmatch(tail.replace("x", "[0-9]"), number):
            return prefix
    return None


def _valid(rule: Rule, received: str, did: str) -> Iterator[Fired]:
    yield Fired(rule, did)
    if not _E164.fullmatch(did):
        yield Fired(Rule.NOT_E164, received)
