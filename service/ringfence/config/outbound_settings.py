"""[outbound] and [[outbound_site]]: calls of the site's own phones, and whom an emergency call reaches and names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import phonenumbers
from phonenumbers import shortnumberinfo
from pydantic import Field

from ringfence.asterisk.site_outbound import Outbound, OutboundSite
from ringfence.config.words import E164, Country, Name, Prefix, Table
from ringfence.domain.denied_starts import denied_starts
from ringfence.domain.numbers import NumberKind

LONGEST_EMERGENCY = 1000
# What a business calls and what costs by the minute are told apart by their kinds; shared cost is ordinary there.
DENIED_KINDS = frozenset({NumberKind.PREMIUM_RATE, NumberKind.PERSONAL_NUMBER, NumberKind.PAGER})


class OutboundSettings(Table):
    """[outbound]: what the site's own phones may dial. Emergency calls ask nothing of it."""

    countries: list[Country] = Field([], description="countries that may be dialled; none: those of [egress]")
    allowed_prefixes: list[Prefix] = Field(
        [], max_length=100, description="E.164 beginnings dialled all the same, as `+44845` or a supplier's `+1212555`"
    )
    denied_prefixes: list[Prefix] = Field(
        [],
        max_length=100,
        description="E.164 beginnings never dialled, besides premium, personal and pager numbers and those of "
        "countries that share an allowed one's code",
    )
    ring_seconds: int = Field(120, ge=5, le=600, description="how long the called side may ring, seconds")
    max_call_seconds: int = Field(
        14_400, ge=60, le=86_400, description="longest outgoing call, seconds; no emergency's"
    )


class OutboundSiteSettings(Table):
    """[[outbound_site]]: one site whose phones' context is ringfence-outbound-<name>."""

    name: Name = Field(description="its name: small letters, digits, underscore")
    main_number: E164 = Field(description="what a call presents whose caller has no DID of ours")
    country: Country = Field("GB", description="where it stands: how numbers without a plus are meant")
    national_prefix: str = Field(
        "0", pattern=r"^[0-9]{0,4}$", description="what its phones dial before national numbers"
    )
    international_prefix: str = Field(
        "00", pattern=r"^[0-9]{0,4}$", description="what its phones dial before international numbers"
    )
    extension_prefix: str = Field(
        "", pattern=r"^(\+[1-9][0-9]{1,13})?$", description="what makes a DID of an extension, as `+4411349600`"
    )
    extension_length: int = Field(0, ge=0, le=10, description="how many digits an extension has")
    short_numbers: list[str] = Field([], max_length=50, description="short numbers dialled as they are, as `111`")
    emergency_numbers: list[str] = Field([], max_length=20, description="none: those of the country")
    emergency_identity: E164 | None = Field(
        None, description="what an emergency call presents, known to the carrier with this address; default main_number"
    )
    emergency_verified: date | None = Field(
        None, description="when the emergency service was asked and had the right address for it"
    )

    @property
    def emergency(self) -> tuple[str, ...]:
        return tuple(self.emergency_numbers) or emergency_numbers(self.country)


def emergency_numbers(country: str) -> tuple[str, ...]:
    """The emergency numbers of a country, such as 112 and 999."""
    candidates = (str(number) for number in range(10, LONGEST_EMERGENCY))
    return tuple(number for number in candidates if shortnumberinfo.is_emergency_number(number, country)) or ("112",)


def outbound_of(general: OutboundSettings, sites: Sequence[OutboundSiteSettings], otherwise: Sequence[str]) -> Outbound:
    """What the dialplan takes of it. `otherwise`: countries, where none are given. Raises SiteValueError."""
    countries = frozenset(general.countries or otherwise)
    codes = {str(phonenumbers.country_code_for_region(country)) for country in countries}
    return Outbound(
        sites=tuple(_site(site) for site in sites),
        allowed_countries=tuple(sorted(codes)),
        also_allowed_prefixes=tuple(general.allowed_prefixes),
        denied_prefixes=(*general.denied_prefixes, *denied_starts(countries, DENIED_KINDS)),
        ring_seconds=general.ring_seconds,
        max_call_seconds=general.max_call_seconds,
    )


def _site(site: OutboundSiteSettings) -> OutboundSite:
    return OutboundSite(
        name=site.name,
        main_number=site.main_number,
        emergency_numbers=site.emergency,
        emergency_identity=site.emergency_identity or "",
        country=str(phonenumbers.country_code_for_region(site.country)),
        national_prefix=site.national_prefix,
        international_prefix=site.international_prefix,
        extension_prefix=site.extension_prefix,
        extension_length=site.extension_length,
        short_numbers=tuple(site.short_numbers),
    )
