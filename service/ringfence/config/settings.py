"""The settings as models: what may be written, within which bounds, and what it means.

`docs/reference/settings.md` is printed from these (`ringfence settings`); a tidy test fails when a setting lacks its
description.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from ringfence.config.access_settings import AccessSettings
from ringfence.config.announcement_settings import (
    AnnouncementSettings,
    Language,
    shipped_announcements,
)
from ringfence.config.asked_settings import why_not_asked
from ringfence.config.asterisk_settings import AsteriskSettings
from ringfence.config.backup_settings import BackupSettings
from ringfence.config.database_settings import DatabaseAddress
from ringfence.config.egress_settings import EgressSettings, EgressTrunkSettings
from ringfence.config.fastagi_settings import FastAgiTable
from ringfence.config.hr_settings import HrSettings, HrSourceSettings, hr_faults
from ringfence.config.http_settings import HttpSettings
from ringfence.config.notify_settings import HeartbeatSettings, NotifySettings, StaffMessageSettings, notify_faults
from ringfence.config.outbound_settings import OutboundSettings, OutboundSiteSettings
from ringfence.config.override_settings import OverrideSettings
from ringfence.config.platform_settings import PlatformSettings
from ringfence.config.press_one_settings import PressOneSettings
from ringfence.config.sign_in_settings import sign_in_faults
from ringfence.config.trunk_settings import TrunkSettings
from ringfence.config.usual_settings import UsualSettings
from ringfence.config.ways_settings import KnownForwardSettings, way_faults
from ringfence.config.words import Country, Name, Probed, Table
from ringfence.domain.known_ways import MAX_FORWARDS
from ringfence.domain.prompts import DEFAULT_LANGUAGE
from ringfence.domain.received_number import why_not_ranges
from ringfence.web.oidc.settings import SignInSettings


class ControlSettings(Probed):
    """[[control]]: something known good off this machine; tells "it is down" from "we are cut off"."""

    name: Name = Field(description="its name: small letters, digits, underscore")


class Settings(Table):
    """The whole file."""

    node: str = Field("ringfence", pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$", description="this node's name")
    shadow: bool = Field(
        False,
        description="decide, journal and show everything, and do nothing to calls: a trial beside a live site",
    )
    language: Language = Field(
        DEFAULT_LANGUAGE, description="what your own people hear; and callers, unless a trunk says"
    )
    default_country: Country = Field("GB", description="country of numbers written without a plus in imported files")
    state_dir: Path = Field(Path("/var/lib/ringfence"), description="database, spool and node identity")
    socket: Path = Field(Path("/run/ringfence/control.sock"), description="the local door, for this machine's admins")
    database: DatabaseAddress = Field(
        "", description="address of a PostgreSQL database, without a password; default SQLite in state_dir"
    )
    asterisk_conf_dir: Path = Field(Path("/etc/asterisk/ringfence"), description="where the Asterisk snippets lie")
    ring_budget_seconds: int = Field(
        90, ge=30, le=150, description="ringing of a whole plan; carriers cut at 120 to 180"
    )
    site_ring_seconds: int = Field(30, ge=5, le=85, description="how long a site's fallback number rings")
    keep_notices_days: int = Field(90, ge=1, le=3650, description="how long told notices are kept")
    keep_calls_days: int = Field(90, ge=1, le=3650, description="how long call records are kept")
    keep_callers_days: int = Field(
        30, ge=1, le=3650, description="how long callers' numbers are kept in them; at most keep_calls_days"
    )
    reveals_per_hour: int = Field(20, ge=1, le=1000, description="numbers one person may see in clear in an hour")
    keep_incidents_days: int = Field(
        730, ge=1, le=3650, description="how long a closed incident is kept, with its notes and call-backs"
    )
    asterisk: AsteriskSettings = AsteriskSettings()
    http: HttpSettings = HttpSettings()
    access: AccessSettings = AccessSettings()
    egress: EgressSettings = EgressSettings()
    press_one: PressOneSettings = PressOneSettings()
    fastagi: FastAgiTable = FastAgiTable()
    outbound: OutboundSettings = OutboundSettings()
    override: OverrideSettings = OverrideSettings()
    backup: BackupSettings = BackupSettings()
    usual: UsualSettings = UsualSettings()
    hr: HrSettings = HrSettings()
    platform: list[PlatformSettings] = Field(min_length=1)
    trunk: list[TrunkSettings] = Field(min_length=1)
    egress_trunk: list[EgressTrunkSettings] = Field(min_length=1)
    known_forward: list[KnownForwardSettings] = Field([], max_length=MAX_FORWARDS)
    outbound_site: list[OutboundSiteSettings] = Field([])
    control: list[ControlSettings] = Field([])
    hr_source: list[HrSourceSettings] = Field([])
    sign_in: list[SignInSettings] = Field([])
    notify: list[NotifySettings] = Field([])
    staff_messages: StaffMessageSettings = StaffMessageSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    announcement: list[AnnouncementSettings] = Field([])

    @property
    def languages(self) -> list[str]:
        """Those anybody is spoken to in, each once."""
        spoken = [self.language, *(trunk.language for trunk in self.trunk if trunk.language is not None)]
        return list(dict.fromkeys(spoken))

    @property
    def announcements(self) -> list[AnnouncementSettings]:
        """The file's own, then those shipped whose names it does not use. The first is everybody's last resort."""
        own = {one.name for one in self.announcement}
        return [*self.announcement, *(one for one in shipped_announcements() if one.name not in own)]

    @property
    def own_words(self) -> dict[str, dict[str, str]]:
        """Announcements whose words the configuration gives: name -> language -> words."""
        return {one.name: dict(one.text) for one in self.announcement if one.text}

    @property
    def callers_days(self) -> int:
        return min(self.keep_callers_days, self.keep_calls_days)

    @model_validator(mode="after")
    def _references(self) -> Settings:
        faults = [*_repeated(self), *_dangling(self), *hr_faults(self.hr, self.hr_source)]
        faults += sign_in_faults(self.http, self.sign_in)
        if "keep_callers_days" in self.model_fields_set and self.keep_callers_days > self.keep_calls_days:
            faults.append("keep_callers_days is more than keep_calls_days; callers cannot outlive their calls")
        fallbacks = {trunk.name: trunk.fallback_number for trunk in self.trunk}
        faults += way_faults(self.known_forward, self.platform, fallbacks)
        faults += notify_faults(self.notify, self.staff_messages, {platform.name for platform in self.platform})
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _repeated(settings: Settings) -> list[str]:
    faults = []
    named = {
        "platform": [item.name for item in settings.platform],
        "trunk or egress_trunk": [t.name for t in settings.trunk] + [t.name for t in settings.egress_trunk],
        "control": [item.name for item in settings.control],
        "outbound_site": [item.name for item in settings.outbound_site],
        "registration": [t.registration for t in settings.trunk if t.registration]
        + [t.registration for t in settings.egress_trunk if t.registration],
    }
    for what, names in named.items():
        for name in sorted({n for n in names if names.count(n) > 1}):
            faults.append(f"{what} name {name!r} is used twice; give each its own")
    return [*faults, *_shared_endpoints(settings)]


def _shared_endpoints(settings: Settings) -> list[str]:
    """What an endpoint's legs and contacts say is said of one far end: its evidence, and whom its sweep frees."""
    faults = []
    owners: dict[str, str] = {}
    far_ends: list[tuple[str, PlatformSettings | EgressTrunkSettings]] = [
        *(("platform", platform) for platform in settings.platform),
        *(("egress_trunk", trunk) for trunk in settings.egress_trunk),
    ]
    for what, far_end in far_ends:
        owner = f"{what} {far_end.name!r}"
        for endpoint in sorted({far_end.dial_endpoint, far_end.evidence_endpoint}):
            if owners.setdefault(endpoint, owner) != owner:
                faults.append(f"{owner} uses endpoint {endpoint!r}, as {owners[endpoint]} does; give each its own")
    return faults


def _dangling(settings: Settings) -> list[str]:
    faults = []
    platforms = {p.name for p in settings.platform}
    announcements = {a.name for a in settings.announcements}
    sites = {site.name for site in settings.outbound_site}
    for platform in settings.platform:
        if platform.outbound_site and platform.outbound_site not in sites:
            faults.append(
                f"platform {platform.name!r} names outbound_site {platform.outbound_site!r}, which has no table"
            )
    for trunk in settings.trunk:
        if trunk.host_port is None and (asked := why_not_asked(trunk)):
            faults.append(f"trunk {trunk.name!r} has no host_port, and {asked}: nobody knows whom to ask")
        if trunk.platform not in platforms:
            faults.append(
                f"trunk {trunk.name!r} names platform {trunk.platform!r}, known: {', '.join(sorted(platforms))}"
            )
        if trunk.announcement not in announcements:
            faults.append(
                f"trunk {trunk.name!r} names announcement {trunk.announcement!r}, which has no [[announcement]]"
            )
        if trunk.bare == "extension" and not trunk.ranges and not (trunk.range_prefix and trunk.extension_length):
            faults.append(
                f"trunk {trunk.name!r} has bare = extension; set range_prefix and extension_length, or ranges"
            )
        if (fault := why_not_ranges(trunk.ranges, trunk.extension_length)) is not None:
            faults.append(f"ranges of trunk {trunk.name!r}: {fault}")
    if settings.site_ring_seconds + 5 > settings.ring_budget_seconds:
        faults.append("site_ring_seconds leaves no room in ring_budget_seconds; make it at least 5 smaller")
    if settings.press_one.seconds + 15 > settings.ring_budget_seconds:
        faults.append("[press_one] seconds leaves no 15 seconds to ring in ring_budget_seconds; make it smaller")
    return faults
