"""The settings of joiners, movers and leavers: the rules, and the HR sources as one union over their types.

`docs/explanation/joiners-movers-leavers.md` says what each rule is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ringfence.domain.hr.record import STATUS_FIELDS, HrRecord
from ringfence.domain.hr.roster import IMPORTED
from ringfence.domain.ring_hours import RingHoursError, parse_ring_hours
from ringfence.hr.folder import FolderSettings
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.rest_settings import RestSettings
from ringfence.hr.scim.settings import ScimSettings
from ringfence.hr.sftp_link import SftpSettings

PRECEDENCE_FIELDS: Final = tuple(
    field.name for field in fields(HrRecord) if field.name not in ("id", "key", "post", *STATUS_FIELDS)
)
"""Not the fields of employment: there every source that states anything has a word."""


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text[:64]!r} is not an IANA time zone such as Europe/London") from None
    return text


def _hours(text: str) -> str:
    if text:
        try:
            parse_ring_hours(text, "UTC")
        except RingHoursError as error:
            raise ValueError(f"{error}; empty for any hour") from error
    return text


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Hours = Annotated[str, AfterValidator(_hours)]


class HrSettings(BaseModel):
    """[hr]: joiners, movers and leavers: the rules for what HR sources say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: TimeZone = Field("Europe/London", description="IANA time zone of sites that name none")
    quarantine_days: float = Field(
        30, ge=0, le=3650, description="so long a leaver's DID rings its site's fallback number only"
    )
    retention_days: float = Field(
        30, ge=0, le=3650, description="so long after somebody left their private numbers are kept"
    )
    require_consent: bool = Field(False, description="whether a default number rings only with consent given")
    private_hours: Hours = Field(
        "07:00-22:00",
        description="when private numbers without hours of their own may ring, as `mon-fri 08:00-18:00`; empty: always",
    )
    guard_percent: float = Field(
        5.0, ge=0, le=100, description="share of a source's people above which a kind of change is held"
    )
    guard_rows: int = Field(20, ge=1, le=100_000, description="people above whom a kind of change is held in any case")
    guard_window_hours: float = Field(
        12, ge=0.1, le=720, description="what a source changed within this time counts together"
    )
    coverage_target_percent: float = Field(
        0,
        ge=0,
        le=100,
        description="share of DIDs that shall end with somebody known to answer; below it is an alarm; 0: no target",
    )
    confirmed_days: int = Field(
        365, ge=1, le=3650, description="so long a person's confirmation of a number counts for coverage"
    )
    precedence: dict[str, list[str]] = Field(
        {}, description="field of a record = sources in order, when it differs from the order of `[[hr_source]]`"
    )


AnySource = FolderSettings | SftpSettings | LdapSettings | RestSettings | ScimSettings
HrSourceSettings = Annotated[AnySource, Field(discriminator="type")]
"""One `[[hr_source]]`; `type` says which settings it has."""

KINDS: Final = ("folder", "sftp", "ldap", "json", "scim")


def hr_faults(hr: HrSettings, sources: Sequence[AnySource]) -> list[str]:
    """What is wrong between the rules and the sources, in sentences with the fix."""
    names = [source.name for source in sources]
    faults = [
        f"hr_source name {name!r} is used twice; give each its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += [
        f"hr_source name {name!r} is taken: entries and the import are called so; choose another"
        for name in names
        if name in (IMPORTED, "person", "helpdesk")
    ]
    pushing = [source.name for source in sources if source.type == "scim"]
    if len(pushing) > 1:
        faults.append(f"hr_source {' and '.join(pushing)} are both scim; there is one address for it, keep one")
    faults += [
        f"hr_source {source.name!r} keeps files with private numbers for {source.archive_days} days, beyond "
        f"hr.retention_days; set archive_days to at most {hr.retention_days:g}"
        for source in sources
        if isinstance(source, FolderSettings | SftpSettings) and source.archive_days > max(1, hr.retention_days)
    ]
    known = (*names, IMPORTED)
    for field, order in hr.precedence.items():
        if field not in PRECEDENCE_FIELDS:
            faults.append(f"hr.precedence names field {field!r}, known: {', '.join(PRECEDENCE_FIELDS)}")
        faults += [
            f"hr.precedence.{field} names source {name!r}, known: {', '.join(known)}"
            for name in order
            if name not in known
        ]
        if len(set(order)) < len(order):
            faults.append(f"hr.precedence.{field} names a source twice; name each once")
    return faults
