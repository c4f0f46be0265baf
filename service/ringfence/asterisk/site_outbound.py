"""What a site's own calls to the outside need: who they say they are, what they may dial, whom an emergency reaches.

`dialplan.py` puts the lines made here into `extensions_ringfence_site.conf`; what they mean stands in
`asterisk-conf/extensions_ringfence_outbound.conf`. Every value is checked, as in `site.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ringfence.asterisk.site import (
    COUNTRY,
    E164,
    E164_START,
    SiteValueError,
    check,
    check_count,
    check_endpoint,
    check_name,
    check_prefixes,
)

_SHORT = re.compile(r"[0-9]{2,6}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,250}")


@dataclass(frozen=True, slots=True)
class OutboundSite:
    """One site: its phones' context is `ringfence-outbound-<name>`."""

    name: str
    main_number: str
    emergency_numbers: tuple[str, ...]
    emergency_identity: str = ""
    """What an emergency call presents; the main number where there is none."""
    country: str = "44"
    national_prefix: str = "0"
    international_prefix: str = "00"
    extension_prefix: str = ""
    """What makes a DID of an extension, as `+4411349600`."""
    extension_length: int = 0
    short_numbers: tuple[str, ...] = ()
    """Dialled as they are, beside those of emergency: a helpline, the network's own."""

    def __post_init__(self) -> None:
        check_name(self.name, "outbound site's name")
        check(E164, self.main_number, f"main number of outbound site {self.name}")
        check(E164, self.emergency_identity or self.main_number, f"emergency identity of outbound site {self.name}")
        check_prefixes(self.country, self.national_prefix, self.international_prefix, f"outbound site {self.name}")
        if self.extension_prefix:
            check(E164_START, self.extension_prefix, f"extension prefix of outbound site {self.name}")
        check_count(self.extension_length, f"extension length of outbound site {self.name}", 0, 10)
        if not self.emergency_numbers:
            raise SiteValueError(f"outbound site {self.name} has no emergency number")
        for number in (*self.emergency_numbers, *self.short_numbers):
            check(_SHORT, number, f"short number of outbound site {self.name}")


@dataclass(frozen=True, slots=True)
class Outbound:
    """All sites, and what their phones may dial."""

    sites: tuple[OutboundSite, ...] = ()
    allowed_countries: tuple[str, ...] = ()
    """Calling codes, without a plus."""
    denied_prefixes: tuple[str, ...] = ()
    also_allowed_prefixes: tuple[str, ...] = ()
    """Dialled all the same, whatever the other two say."""
    ring_seconds: int = 120
    max_call_seconds: int = 14_400

    def __post_init__(self) -> None:
        for country in self.allowed_countries:
            check(COUNTRY, country, "country for outgoing calls")
        for prefix in (*self.denied_prefixes, *self.also_allowed_prefixes):
            check(E164_START, prefix, "prefix of outgoing calls")
        check_count(self.ring_seconds, "ring seconds of outgoing calls", 5, 600)
        check_count(self.max_call_seconds, "most seconds of an outgoing call", 60, 86_400)
        names = [site.name for site in self.sites]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SiteValueError(f"outbound site {twice[0]!r} is there twice")


@dataclass(frozen=True, slots=True)
class OutboundPeer:
    """A platform that places calls of its own through us: known by its address, and put into a site's context."""

    endpoint: str
    source: str
    site: str

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint, "endpoint of outgoing calls")
        check(_SOURCE, self.source, f"source address of {self.endpoint}")
        check_name(self.site, f"outbound site of {self.endpoint}")

    @property
    def context(self) -> str:
        return f"ringfence-outbound-{self.site}"


NO_OUTBOUND = Outbound()


def outbound_values(outbound: Outbound) -> Iterator[tuple[str, str]]:
    """Global variables, name and value."""
    codes = "|".join(outbound.allowed_countries)
    yield "RF_OUTBOUND_ALLOW", f"^[+]({codes})" if codes else "^$"
    yield "RF_OUTBOUND_DENY", _starts(outbound.denied_prefixes)
    yield "RF_OUTBOUND_ALSO", _starts(outbound.also_allowed_prefixes)
    yield "RF_OUTBOUND_RING", str(outbound.ring_seconds)
    yield "RF_OUTBOUND_MAX_SECONDS", str(outbound.max_call_seconds)
    for site in outbound.sites:
        start = f"RF_O_{site.name}"
        yield f"{start}_MAIN", site.main_number
        yield f"{start}_COUNTRY", site.country
        yield f"{start}_NATIONAL", site.national_prefix
        yield f"{start}_INTERNATIONAL", site.international_prefix
        yield f"{start}_EXT_PREFIX", site.extension_prefix
        yield f"{start}_EXT_LENGTH", str(site.extension_length)
        yield f"{start}_SHORT", _any(site.short_numbers)
        yield f"{start}_EMERGENCY", _any(site.emergency_numbers)
        # A platform that makes E.164 of everything makes +112 or 0044999 of these, and a telephone may add what belongs
        # to no number. No real number is so short.
        front = f"([+]|{site.international_prefix})?({site.country})?"
        yield f"{start}_EMERGENCY_AS", f"^{front}({'|'.join(site.emergency_numbers)})(#|;.*)?$"
        yield f"{start}_EMERGENCY_ID", site.emergency_identity or site.main_number


def outbound_contexts(outbound: Outbound, edition: str) -> Iterator[str]:
    """A context for each site's phones, as an inbound trunk has one."""
    for site in outbound.sites:
        yield from ("", f"[ringfence-outbound-{site.name}]")
        yield f"exten => _[!-~]!,1,Set(RF_OUT={site.name})"
        yield " same => n,Set(RF_RAW=${EXTEN})"
        yield from entrance(edition, "ringfence-outbound,number,1")
        yield "exten => h,1,Hangup(1)"


def entrance(edition: str, onward: str) -> Iterator[str]:
    """On to where calls are read; the site's values are set first where they are older than this file. A SIP MESSAGE
    comes this way, too, where the endpoint has no `message_context`, and would ring telephones."""
    yield f' same => n,GotoIf($["${{RF_SITE}}" = "{edition}" & "${{CHANNEL:0:8}}" != "Message/"]?{onward})'
    yield ' same => n,ExecIf($["${CHANNEL:0:8}" = "Message/"]?Hangup())'
    yield " same => n,Gosub(ringfence-site,s,1)"
    yield f" same => n,Goto({onward})"


def _starts(prefixes: Iterable[str]) -> str:
    """An empty expression would match every number."""
    words = "|".join(prefix[1:] for prefix in prefixes)
    return f"^[+]({words})" if words else "^$"


def _any(numbers: Iterable[str]) -> str:
    words = "|".join(numbers)
    return f"^({words})$" if words else "^$"
