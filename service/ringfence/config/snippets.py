"""The configuration as Asterisk's files: which there are, what stands in them, and who includes them.

`ringfence init` writes them, `ringfence snippets` renews the generated ones, `ringfence doctor` compares them with
what lies on the disk. The generators in `asterisk/` make the text; here settings become their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import phonenumbers

from ringfence.asterisk.caps import Cap
from ringfence.asterisk.connections import (
    Qualify,
    SitePjsip,
    TrunkSources,
    render_ari,
    render_http,
    render_manager,
    render_pjsip,
)
from ringfence.asterisk.dialplan import render_dialplan
from ringfence.asterisk.site import (
    Announcement,
    Egress,
    EgressTrunk,
    NumberFormat,
    PrimaryPlatform,
    SiteDialplan,
    SiteValueError,
    Trunk,
)
from ringfence.asterisk.site_outbound import OutboundPeer
from ringfence.config.egress_settings import EgressTrunkSettings
from ringfence.config.outbound_settings import outbound_of
from ringfence.config.platform_settings import PlatformSettings
from ringfence.config.reading import ConfigError, Secrets
from ringfence.config.settings import Settings
from ringfence.config.trunk_settings import TrunkSettings
from ringfence.domain.prompts import DEFAULT_LANGUAGE
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules

INCLUDE_DIR: Final = "ringfence"
"""The folder's name below Asterisk's own: the shipped dialplan includes its parts by it."""

SHIPPED: Final = (
    "extensions_ringfence.conf",
    "extensions_ringfence_number.conf",
    "extensions_ringfence_plan.conf",
    "extensions_ringfence_team.conf",
    "extensions_ringfence_team_wait.conf",
    "extensions_ringfence_loops.conf",
    "extensions_ringfence_caps.conf",
    "extensions_ringfence_egress.conf",
    "extensions_ringfence_accept.conf",
    "extensions_ringfence_announce.conf",
    "extensions_ringfence_rescue.conf",
    "extensions_ringfence_outbound.conf",
    "extensions_ringfence_ask.conf",
    "extensions_ringfence_handed.conf",
    "extensions_ringfence_shadow.conf",
    "extensions_ringfence_status.conf",
    "extensions_ringfence_edition.conf",
    "cdr_ringfence.conf",
)
SITE_DIALPLAN: Final = "extensions_ringfence_site.conf"
PJSIP: Final = "pjsip_ringfence.conf"
ARI: Final = "ari_ringfence.conf"
MANAGER: Final = "manager_ringfence.conf"
HTTP: Final = "http_ringfence.conf"
ALL_SNIPPETS: Final = (*SHIPPED, SITE_DIALPLAN, PJSIP, ARI, MANAGER, HTTP)
WITH_SECRET: Final = frozenset({ARI, MANAGER})

GENERATED_USER: Final = "ringfence"
"""The ARI and AMI user the generated files define."""

# How Asterisk itself asks a far end. `lan`: an answer takes milliseconds, and silence means something after 0.5 s.
# `wan`: 3 s hold SIP's first two retransmissions, so that one lost packet does not change the contact's status.
QUALIFY: Final = {"lan": Qualify(1, 0.5), "wan": Qualify(4, 3.0)}


@dataclass(frozen=True, slots=True)
class Include:
    """One line an administrator adds to a file of Asterisk's, and what to run afterwards."""

    asterisk_file: str
    snippet: str
    section: str
    reload: str

    @property
    def line(self) -> str:
        return f"#include {INCLUDE_DIR}/{self.snippet}"


INCLUDES: Final = (
    Include("extensions.conf", SHIPPED[0], "", "dialplan reload"),
    Include("pjsip.conf", PJSIP, "", "module reload res_pjsip.so"),
    Include("manager.conf", MANAGER, "", "manager reload"),
    Include("ari.conf", ARI, "", "module reload res_ari.so"),
    Include("http.conf", HTTP, "[general]", "module reload http"),
)


def shipped_dir() -> Path:
    """Where the files that are the same on every site lie: inside the installed package, else in the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "asterisk_conf"
    return installed if installed.is_dir() else package.parents[1] / "asterisk-conf"


def shipped_snippets() -> dict[str, str]:
    """File name -> text of what is the same on every site."""
    return {name: (shipped_dir() / name).read_text(encoding="utf-8") for name in SHIPPED}


def generated_snippets(settings: Settings, secrets: Secrets) -> dict[str, str]:
    """File name -> text of what this configuration makes. Raises ConfigError with every fault found.

    A user, or an endpoint, that the configuration names is the site's own: nothing is written for it.
    """
    faults: list[str] = []
    texts: dict[str, str] = {}
    asterisk = settings.asterisk
    makers: dict[str, Callable[[], str]] = {
        SITE_DIALPLAN: lambda: render_dialplan(
            site_dialplan(settings),
            outbound_of(settings.outbound, settings.outbound_site, settings.egress.countries),
        ),
        PJSIP: lambda: _pjsip(settings),
        HTTP: lambda: render_http(asterisk.ari_port),
    }
    if asterisk.ari_user == GENERATED_USER:
        makers[ARI] = lambda: render_ari(secrets.ari_secret.get_secret_value())
    if asterisk.ami_user == GENERATED_USER:
        makers[MANAGER] = lambda: render_manager(secrets.ami_secret.get_secret_value())
    for name, make in makers.items():
        try:
            texts[name] = make()
        except SiteValueError as error:
            # A refused secret's message would quote it.
            why = "the secret may hold letters, digits, - and _ only, 8 to 128" if name in WITH_SECRET else str(error)
            faults.append(f"{name}: {why}.")
    if faults:
        raise ConfigError(faults)
    return texts


def site_dialplan(settings: Settings) -> SiteDialplan:
    """What the dialplan takes from the configuration. Raises SiteValueError."""
    egress = settings.egress
    return SiteDialplan(
        node=settings.node,
        trunks=tuple(trunk_of(trunk, settings.language) for trunk in settings.trunk),
        platforms=tuple(_platform(platform) for platform in settings.platform),
        egress=Egress(
            trunks=tuple(_egress_trunk(trunk) for trunk in settings.egress_trunk),
            allowed_countries=_calling_codes(egress.countries),
            denied_prefixes=(*egress.all_denied_prefixes, *_ranges(settings)),
            max_calls=egress.max_calls,
            max_call_seconds=egress.max_call_seconds,
            loop_patience_seconds=egress.loop_patience_seconds,
            caps=egress.caps.for_dialplan(),
            wait_seconds=egress.wait_for_channel_seconds,
        ),
        announcements=tuple(Announcement(a.name, a.played) for a in settings.announcements),
        ring_budget_seconds=settings.ring_budget_seconds,
        ask_seconds=settings.press_one.seconds,
        language=settings.language,
    )


def _ranges(settings: Settings) -> Iterator[str]:
    """A platform's own numbers would come back to it."""
    for platform in settings.platform:
        yield from platform.ranges


def _pjsip(settings: Settings) -> str:
    """One rendering a profile, joined: how often a far end is asked is the profile's."""
    trunks = tuple(
        TrunkSources(trunk_of(trunk), endpoint_of(trunk), tuple(trunk.sources))
        for trunk in settings.trunk
        if not trunk.endpoint
    )
    platforms = [platform for platform in settings.platform if not platform.endpoint]
    egress_trunks = [trunk for trunk in settings.egress_trunk if not trunk.endpoint]
    # Together only to find a name that is there twice.
    peers = _outbound_peers(settings.platform)
    SitePjsip(trunks, _platforms(platforms), _egress_trunks(egress_trunks), outbound_peers=peers)
    texts: list[str] = []
    for profile, qualify in QUALIFY.items():
        part = SitePjsip(
            trunks=() if texts else trunks,
            outbound_peers=() if texts else peers,
            platforms=_platforms(platform for platform in platforms if platform.profile == profile),
            egress_trunks=_egress_trunks(trunk for trunk in egress_trunks if trunk.profile == profile),
            qualify=qualify,
        )
        head, _, sections = render_pjsip(part).partition("\n\n")
        texts += [sections] if texts else [head, "\n\n", sections]
        if sections:
            texts.append("\n")
    return "".join(texts).rstrip("\n") + "\n"


def _outbound_peers(platforms: Iterable[PlatformSettings]) -> tuple[OutboundPeer, ...]:
    return tuple(
        OutboundPeer(f"{p.dial_endpoint}_outbound", p.host_port.rpartition(":")[0], p.outbound_site)
        for p in platforms
        if p.outbound_site
    )


def endpoint_of(trunk: TrunkSettings) -> str:
    """The PJSIP endpoint an inbound trunk's calls come in by."""
    return trunk.endpoint or f"ringfence-{trunk.name}"


def trunk_of(trunk: TrunkSettings, language: str = DEFAULT_LANGUAGE) -> Trunk:
    return Trunk(
        name=trunk.name,
        platform=trunk.platform,
        number=number_of(trunk),
        language=trunk.language or language,
        early_media=trunk.announcements == "early-media",
        normal_context=trunk.normal_context,
    )


def number_of(trunk: TrunkSettings) -> NumberRules:
    """How what comes by a trunk becomes a DID."""
    return NumberRules(
        source=DidSource(trunk.did_source),
        country=trunk.country_code,
        national_prefix=trunk.national_prefix,
        international_prefix=trunk.international_prefix,
        bare=BareNumber(trunk.bare),
        range_prefix=trunk.range_prefix,
        extension_length=trunk.extension_length,
        ranges=tuple(trunk.ranges),
    )


def _platforms(platforms: Iterable[PlatformSettings]) -> tuple[PrimaryPlatform, ...]:
    return tuple(_platform(platform) for platform in platforms)


def _platform(platform: PlatformSettings) -> PrimaryPlatform:
    return PrimaryPlatform(
        name=platform.name,
        endpoint=platform.dial_endpoint,
        host_port=platform.host_port,
        number_format=NumberFormat(platform.number_format),
        ring_seconds=platform.ring_seconds,
        no_progress_seconds=platform.no_progress_seconds,
    )


def _egress_trunks(trunks: Iterable[EgressTrunkSettings]) -> tuple[EgressTrunk, ...]:
    return tuple(_egress_trunk(trunk) for trunk in trunks)


def _egress_trunk(trunk: EgressTrunkSettings) -> EgressTrunk:
    return EgressTrunk(
        name=trunk.name,
        endpoint=trunk.dial_endpoint,
        host_port=trunk.host_port,
        channel_count=trunk.channels,
        reserved_count=trunk.reserved_for_critical,
        cap=Cap(trunk.calls_per_hour, trunk.minutes_per_hour),
        number_format=NumberFormat(trunk.number_format),
        no_progress_seconds=trunk.no_progress_seconds,
        country=trunk.country_code,
        national_prefix=trunk.national_prefix,
        identity=trunk.ladder(),
    )


def _calling_codes(countries: Sequence[str]) -> tuple[str, ...]:
    """Several countries may share one, as +44 and +1 are shared."""
    return tuple(sorted({str(phonenumbers.country_code_for_region(country)) for country in countries}))
