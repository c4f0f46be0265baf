"""The trunks calls come in by, and how each writes the numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ringfence.config.announcement_settings import AnnouncementMode, Language
from ringfence.config.asked_settings import AskedSettings
from ringfence.config.words import E164, HostPort, Name, RegistrationName, Table


def _own_context(name: str) -> str:
    if name.startswith("ringfence-"):
        raise ValueError(f"{name!r} is a context of ours: calls would go round; name one of your own dialplan")
    return name


OwnContext = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,78})?$"), AfterValidator(_own_context)]


class TrunkSettings(AskedSettings, Table):
    """[[trunk]]: an inbound trunk, whose endpoint's context is ringfence-in-<name>."""

    name: Name = Field(description="trunk name: small letters, digits, underscore")
    platform: Name = Field(description="the platform its calls go to when nothing else is known of the DID")
    endpoint: str = Field("", description="your own PJSIP endpoint; default ringfence-<name>, written by `init`")
    sources: list[str] = Field(min_length=1, description="addresses or networks its calls come from")
    did_source: Literal["request-uri", "to", "p-called-party-id", "diversion"] = Field(
        "request-uri", description="where the DID is"
    )
    country_code: str = Field("44", pattern=r"^[1-9][0-9]{0,2}$", description="for national numbers, without plus")
    national_prefix: str = Field("0", pattern=r"^[0-9]{0,3}$", description="what national numbers begin with")
    international_prefix: str = Field(
        "00", pattern=r"^[0-9]{0,4}$", description="what international numbers begin with"
    )
    bare: Literal["e164", "national", "extension"] = Field("e164", description="what a number without any prefix is")
    range_prefix: str = Field(
        "", pattern=r"^(\+[1-9][0-9]{1,13})?$", description="with `extension`: what stands before it"
    )
    extension_length: int = Field(0, ge=0, le=10, description="with `extension`: how many digits it has")
    ranges: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="with `extension`, in place of `range_prefix`: each range, as `+441134960xxx`",
    )
    normal_context: OwnContext = Field(
        "", description="your own dialplan's context, which gets its calls in NORMAL; default: we dial the platform"
    )
    host_port: HostPort | None = Field(None, description="address and SIP port to probe, host:port; none: not probed")
    registration: RegistrationName = Field(
        "", description="the `type=registration` in your pjsip.conf by which Asterisk registers there: evidence"
    )
    profile: Literal["lan", "wan"] = Field("wan", description="how hard it is probed: `lan` same building, `wan` far")
    fallback_number: E164 | None = Field(None, description="where a DID without a record goes in DR mode")
    announcement: str = Field("unavailable", description="what such a caller hears at the end")
    language: Language | None = Field(None, description="language of its callers, as `en`; default the file's own")
    announcements: AnnouncementMode = Field(
        "answered", description="whether an announcement answers the call, or is told unbilled before a refusal"
    )
