"""What one site tells Asterisk: its trunks, platforms, egress and announcements, checked.

The generators beside this file turn these values into Asterisk's files. Every value is checked when it
is made, so that nothing an administrator typed can add a line to such a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ringfence.asterisk.caps import NO_CAP, NO_CAPS, Cap, Caps
from ringfence.domain.identities import Rung
from ringfence.domain.prompts import DEFAULT_LANGUAGE, is_language
from ringfence.domain.received_number import BareNumber, NumberRules, why_not_ranges


class SiteValueError(ValueError):
    """A value that must not stand in an Asterisk file; the message says which and why."""


class NumberFormat(Enum):
    """How a far end wants its numbers: `+44113…`, `44113…`, `0044113…`, `0113…`."""

    AS_RECEIVED = "as-received"
    E164 = "e164"
    PLAIN = "plain"
    INTERNATIONAL = "00"
    NATIONAL = "national"


# 403: how most carriers refuse a From that is not theirs. 428, 436 to 438: a signed identity is missing or does not
# hold (RFC 8224, 6.2.2), which a number of our own may cure. 433: no anonymous calls (RFC 5079). Not among them: 603
# (RFC 3261), 607 (RFC 8197) and 608 (RFC 8688), the word of the person, or of a filter on the person's behalf.
IDENTITY_REFUSALS: Final = (403, 428, 433, 436, 437, 438)

TRUNK_ENDING: Final = "_trunk"
"""The endpoint of the lowest rung is the dialled one's name with this ending."""

_USUAL_NUMBERS: Final = NumberRules()
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HOST_PORT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9.-]{0,250}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?(;transport=(udp|tcp|tls))?"
)
_DIGITS = re.compile(r"[0-9]{0,4}")
COUNTRY = re.compile(r"[1-9][0-9]{0,2}")
E164_START = re.compile(r"\+[1-9][0-9]{0,14}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}")
_CONTEXT = re.compile(r"(?!ringfence-)[A-Za-z0-9][A-Za-z0-9_-]{0,78}")
_SOUND = re.compile(r"[A-Za-z0-9_./-]{1,200}")


def check(pattern: re.Pattern[str], value: str, what: str) -> None:
    if pattern.fullmatch(value) is None:
        raise SiteValueError(f"{what} {value!r} is not allowed; it must match {pattern.pattern}")


def check_name(value: str, what: str) -> None:
    check(_NAME, value, what)


def check_endpoint(value: str, what: str) -> None:
    """A name of PJSIP's, so not held to ours: sites have theirs already."""
    check(_ENDPOINT, value, what)


def check_host_port(value: str, what: str) -> None:
    check(_HOST_PORT, value, what)


def check_count(value: float, what: str, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SiteValueError(f"{what} {value} is not allowed; it must lie between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Trunk:
    """An inbound trunk; its endpoint's context is `ringfence-in-<name>`."""

    name: str
    platform: str
    number: NumberRules = _USUAL_NUMBERS
    language: str = DEFAULT_LANGUAGE
    """What its callers are spoken to in, as Asterisk names it."""
    early_media: bool = False
    """Announcements are told before a refusal, and nobody is billed; else they answer the call."""
    normal_context: str = ""
    """The site's own context, which gets its calls in NORMAL; empty: we dial the platform."""

    def __post_init__(self) -> None:
        check_name(self.name, "trunk name")
        if self.normal_context:
            check(_CONTEXT, self.normal_context, f"normal context of trunk {self.name}")
        check_name(self.platform, f"platform of trunk {self.name}")
        _check_language(self.language, f"language of trunk {self.name}")
        number = self.number
        check_prefixes(number.country, number.national_prefix, number.international_prefix, self.name)
        if number.bare is BareNumber.EXTENSION and number.ranges:
            if (fault := why_not_ranges(number.ranges, number.extension_length)) is not None:
                raise SiteValueError(f"ranges of trunk {self.name}: {fault}")
        elif number.bare is BareNumber.EXTENSION:
            check(E164_START, number.range_prefix, f"range prefix of trunk {self.name}")
            check_count(number.extension_length, f"extension length of trunk {self.name}", 1, 10)


@dataclass(frozen=True, slots=True)
class PrimaryPlatform:
    """A primary platform; its name is the scope in AstDB."""

    name: str
    endpoint: str
    host_port: str
    number_format: NumberFormat = NumberFormat.AS_RECEIVED
    ring_seconds: float = 120
    no_progress_seconds: float = 8

    def __post_init__(self) -> None:
        check_name(self.name, "platform name")
        check_endpoint(self.endpoint, f"endpoint of platform {self.name}")
        check_host_port(self.host_port, f"address of platform {self.name}")
        check_count(self.ring_seconds, f"ring seconds of platform {self.name}", 0.1, 600)
        check_count(self.no_progress_seconds, f"no-progress seconds of platform {self.name}", 0.1, 60)


@dataclass(frozen=True, slots=True)
class Identity:
    """The ladder of one egress trunk: which identity a call begins with, and what sends it one rung down."""

    first: Rung = Rung.CALLER
    trunk_number: str = ""
    """E.164; without it there is no lowest rung."""
    domain: str = ""
    """Behind the @ of From and of what we assert. Without one: Asterisk's own address, and the carrier's host."""
    refused_statuses: tuple[int, ...] = IDENTITY_REFUSALS
    retry_seconds: int = 24 * 3600
    """What was learnt of a rung above is forgotten after this."""

    def __post_init__(self) -> None:
        if self.domain:
            check(_DOMAIN, self.domain, "identity domain")
        check_count(self.retry_seconds, "seconds until a refused identity is tried again", 1, 366 * 86_400)
        for status in self.refused_statuses:
            check_count(status, "status that refuses an identity", 400, 699)
        if self.trunk_number:
            check(E164, self.trunk_number, "trunk number")
        elif self.first is Rung.TRUNK:
            raise SiteValueError("an identity that begins with the trunk's number needs one")

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """From the first one down."""
        ladder = tuple(Rung)[tuple(Rung).index(self.first) :]
        return ladder if self.trunk_number else tuple(rung for rung in ladder if rung is not Rung.TRUNK)


@dataclass(frozen=True, slots=True)
class EgressTrunk:
    """A trunk diverted calls go out by."""

    name: str
    endpoint: str
    host_port: str
    channel_count: int = 30
    number_format: NumberFormat = NumberFormat.E164
    no_progress_seconds: float = 8
    country: str = "44"
    national_prefix: str = "0"
    identity: Identity = Identity()
    reserved_count: int = 0
    """Channels only critical DIDs may take; where there are fewer, one is left to the others."""
    cap: Cap = NO_CAP

    def __post_init__(self) -> None:
        check_name(self.name, "egress trunk name")
        check_endpoint(self.endpoint, f"endpoint of egress trunk {self.name}")
        check_host_port(self.host_port, f"address of egress trunk {self.name}")
        check_count(self.channel_count, f"channels of egress trunk {self.name}", 1, 10_000)
        check_count(self.reserved_count, f"channels of egress trunk {self.name} for critical DIDs", 0, 10_000)
        check_count(self.no_progress_seconds, f"no-progress seconds of egress trunk {self.name}", 0.1, 60)
        check_prefixes(self.country, self.national_prefix, "", self.name)
        if self.number_format is NumberFormat.AS_RECEIVED:
            raise SiteValueError(f"egress trunk {self.name} has no number to pass on as received")

    @property
    def asserted_domain(self) -> str:
        """Behind the @ of P-Asserted-Identity and Diversion."""
        host_port = self.host_port.partition(";")[0]
        return self.identity.domain or re.sub(r":[0-9]{1,5}$", "", host_port)


@dataclass(frozen=True, slots=True)
class Egress:
    """The trunks in order, and what may be dialled at all."""

    trunks: tuple[EgressTrunk, ...]
    allowed_countries: tuple[str, ...]
    """Country codes, without a plus."""
    denied_prefixes: tuple[str, ...] = ()
    """E.164 beginnings within the allowed countries, such as premium rates: `+449`."""
    max_calls: int = 30
    max_call_seconds: int = 7200
    loop_patience_seconds: int = 8
    """How long a call that may be ours come back, or an honest second one, rings until it is taken for the former."""
    caps: Caps = NO_CAPS
    wait_seconds: int = 0
    """How long a caller may wait for a channel; 0: not at all."""

    def __post_init__(self) -> None:
        for country in self.allowed_countries:
            check(COUNTRY, country, "allowed country")
        for prefix in self.denied_prefixes:
            check(E164_START, prefix, "denied prefix")
        check_count(self.max_calls, "most diverted calls", 1, 100_000)
        check_count(self.max_call_seconds, "most seconds of a diverted call", 1, 86_400)
        check_count(self.loop_patience_seconds, "seconds of patience with a second call", 1, 25)
        check_count(self.wait_seconds, "seconds a caller waits for a channel", 0, 60)


@dataclass(frozen=True, slots=True)
class Announcement:
    """Sound files played in order: names below Asterisk's sounds or absolute, without an ending."""

    name: str
    sounds: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name(self.name, "announcement name")
        for sound in self.sounds:
            check(_SOUND, sound, f"sound of announcement {self.name}")


@dataclass(frozen=True, slots=True)
class SiteDialplan:
    """Everything the dialplan takes from the configuration."""

    node: str
    trunks: tuple[Trunk, ...]
    platforms: tuple[PrimaryPlatform, ...]
    egress: Egress
    announcements: tuple[Announcement, ...] = ()
    """The first one is used where a record names none, or one that is not here."""
    ring_budget_seconds: int = 90
    language: str = DEFAULT_LANGUAGE
    """What whoever answers a diverted call is spoken to in."""
    ask_seconds: int = 10
    """What is kept of the ring budget for asking whoever answers to press 1."""

    def __post_init__(self) -> None:
        check(_NODE, self.node, "node name")
        _check_language(self.language, "language")
        check_count(self.ring_budget_seconds, "ring budget seconds", 1, 180)
        check_count(self.ask_seconds, "seconds for pressing 1", 0, 30)
        _unique("trunk", [trunk.name for trunk in self.trunks])
        _unique("egress trunk", [trunk.name for trunk in self.egress.trunks])
        _unique("announcement", [announcement.name for announcement in self.announcements])
        platforms = _unique("platform", [platform.name for platform in self.platforms])
        for trunk in self.trunks:
            if trunk.platform not in platforms:
                raise SiteValueError(f"trunk {trunk.name} names platform {trunk.platform!r}, which is not there")


def _check_language(value: str, what: str) -> None:
    if not is_language(value):
        raise SiteValueError(f"{what} {value!r} is not allowed; it must be as Asterisk names one")


def check_prefixes(country: str, national: str, international: str, name: str) -> None:
    check(COUNTRY, country, f"country of {name}")
    check(_DIGITS, national, f"national prefix of {name}")
    check(_DIGITS, international, f"international prefix of {name}")


def _unique(what: str, names: list[str]) -> set[str]:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SiteValueError(f"{what} {twice[0]!r} is there twice")
    return set(names)
