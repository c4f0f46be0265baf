"""[egress] and [[egress_trunk]]: by what diverted calls go out, and what they may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ringfence.config.caps_settings import MOST, CapsSettings
from ringfence.config.identity_settings import IdentitySettings
from ringfence.config.words import Country, FarEnd, Name, Prefix, RegistrationName, Table
from ringfence.domain.denied_starts import denied_starts
from ringfence.domain.policy import DENIED_BY_DEFAULT


class EgressSettings(Table):
    """[egress]: what diverted calls may do."""

    countries: list[Country] = Field(
        ["GB"], min_length=1, description="countries that may be dialled, two letters each"
    )
    denied_prefixes: list[Prefix] = Field(
        ["+449", "+4470", "+44871", "+44872", "+44873"],
        description="E.164 beginnings never dialled, besides those that `countries` and the number types rule out",
    )
    max_calls: int = Field(30, ge=1, le=10_000, description="diverted calls at the same time, over all egress trunks")
    max_call_seconds: int = Field(7200, ge=60, le=86_400, description="longest diverted call, seconds")
    wait_for_channel_seconds: int = Field(
        20, ge=0, le=60, description="how long a caller may wait, told so and unanswered, when all channels are taken"
    )
    loop_patience_seconds: int = Field(
        8,
        ge=2,
        le=25,
        description="how long a second call by the same number, or withheld like the first, rings while that one still "
        "rings at the same place, before it is taken for the first one come back",
    )
    caps: CapsSettings = CapsSettings()
    sweep_per_second: float = Field(50.0, ge=1, le=500, description="callers freed from a dead platform per second")

    @property
    def all_denied_prefixes(self) -> tuple[str, ...]:
        """Those written here, and those that the numbering plans of these countries add: the dialplan can tell no type
        of number and no country but by them."""
        known = denied_starts(frozenset(self.countries), DENIED_BY_DEFAULT)
        written = tuple(dict.fromkeys(self.denied_prefixes))
        return (*written, *(start for start in known if not start.startswith(written)))


class EgressTrunkSettings(IdentitySettings, FarEnd):
    """[[egress_trunk]]: a trunk diverted calls go out by, in order."""

    name: Name = Field(description="trunk name: small letters, digits, underscore")
    channels: int = Field(30, ge=1, le=10_000, description="calls it carries at the same time")
    reserved_for_critical: int = Field(
        2, ge=0, le=10_000, description="channels kept for critical DIDs; one is always left to the others"
    )
    # None by default: what a trunk can carry in an hour is bounded by its channels.
    calls_per_hour: int = Field(0, ge=0, le=MOST, description="attempts through it in an hour; 0: no limit")
    minutes_per_hour: int = Field(0, ge=0, le=MOST, description="minutes answered through it in an hour; 0: no limit")
    number_format: Literal["e164", "plain", "00", "national"] = Field("e164", description="how it wants the number")
    country_code: str = Field("44", pattern=r"^[1-9][0-9]{0,2}$", description="its own country, for `national`")
    national_prefix: str = Field("0", pattern=r"^[0-9]{0,3}$", description="what it wants before national numbers")
    registration: RegistrationName = Field(
        "", description="the `type=registration` in your pjsip.conf by which Asterisk registers there: evidence"
    )
    no_progress_seconds: float = Field(5.0, ge=0.5, le=60, description="silence after which the next trunk is tried")
