"""What a valid configuration had better not say: warnings for `ringfence check-config` and `ringfence doctor`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.config.asked import asked_targets
from ringfence.config.platform_settings import PlatformSettings
from ringfence.config.settings import Settings
from ringfence.config.snippets import INCLUDE_DIR
from ringfence.domain.evidence_weight import SIP, WEAK
from ringfence.domain.loopback import is_loopback

MIN_WITNESSES = 2
"""As `domain.verdict.WitnessPolicy`: with fewer, a silent platform is believed dead although we may be cut off."""
SLOW_RING_SECONDS = 4.0
"""Cloud platforms have been seen to take so long to ring while healthy."""


def warnings(settings: Settings) -> list[str]:
    """One sentence each, with what to do."""
    return [
        *_about_witnesses(settings),
        *_about_platforms(settings),
        *_about_probes(settings),
        *_about_addresses(settings),
        *_about_own_dialplans(settings),
        *_about_diverting(settings),
        *_about_emergencies(settings),
    ]


def witness_count(settings: Settings, platform: PlatformSettings) -> int:
    """How many other targets off this machine could tell an outage of `platform` from our being cut off.

    Another name for the platform's own host, or for this machine, tells nothing.
    """
    heard = [asked for asked in asked_targets(settings) if not (SIP | WEAK).isdisjoint(asked.kinds)]
    hosts = {_host(asked.host_port) for asked in heard if asked.host_port}
    return len({host for host in hosts if host != _host(platform.host_port) and not is_loopback(host)})


def _about_witnesses(settings: Settings) -> Iterator[str]:
    for platform in settings.platform:
        found = witness_count(settings, platform)
        if found < MIN_WITNESSES:
            yield (
                f"platform {platform.name!r} has {found} of {MIN_WITNESSES} witnesses: when it is silent, an outage "
                "cannot be told from this machine being cut off. Add a [[control]] that answers SIP OPTIONS, or the "
                "host_port of a [[trunk]]."
            )


def _about_platforms(settings: Settings) -> Iterator[str]:
    egress_hosts = {_host(trunk.host_port) for trunk in settings.egress_trunk}
    for platform in settings.platform:
        if platform.profile == "wan" and platform.no_progress_seconds < SLOW_RING_SECONDS:
            yield (
                f"platform {platform.name!r} is `wan` with no_progress_seconds = {platform.no_progress_seconds:g}: a "
                f"healthy platform that is merely slow would lose calls to the plan. Use {SLOW_RING_SECONDS:g} or more."
            )
        if not platform.probe:
            yield (
                f"platform {platform.name!r} has probe = false: its verdict rests on Asterisk's contact status, which "
                "one lost packet flips. Let Ringfence ask, too."
            )
        if egress_hosts == {_host(platform.host_port)}:
            yield (
                f"diverted calls leave only through the host of platform {platform.name!r}: they would die with it. "
                "Add an [[egress_trunk]] elsewhere."
            )


def _about_probes(settings: Settings) -> Iterator[str]:
    for what, far_ends in (("platform", settings.platform), ("egress_trunk", settings.egress_trunk)):
        for far_end in far_ends:
            if far_end.probe_transport == "tls" and far_end.probe_port is None and not far_end.endpoint:
                yield (
                    f"{what} {far_end.name!r} is probed over TLS on the port of its host_port, and calls go there over "
                    "UDP, as the endpoint of ours does. Give probe_port, or an `endpoint` of yours that speaks TLS."
                )


def _about_addresses(settings: Settings) -> Iterator[str]:
    http = settings.http
    if http.enabled and not is_loopback(http.host) and http.certificate is None:
        yield (
            f"http.host = {http.host} is not loopback and has no certificate: what the proxy passes on crosses the "
            "network in clear. Let it run on this machine and keep 127.0.0.1, or give certificate and private_key, too."
        )
    if not is_loopback(settings.asterisk.host):
        yield (
            f"asterisk.host = {settings.asterisk.host} is not loopback: Ringfence runs beside its Asterisk, and the "
            "generated files let nobody else in."
        )
    if settings.asterisk_conf_dir.name != INCLUDE_DIR:
        yield (
            f"asterisk_conf_dir ends in {settings.asterisk_conf_dir.name!r}: the dialplan includes its parts as "
            f"{INCLUDE_DIR}/..., so the folder must be called {INCLUDE_DIR}, right below Asterisk's own."
        )
    for trunk in settings.trunk:
        if any(source.endswith("/0") for source in trunk.sources):
            yield f"trunk {trunk.name!r} takes calls from everywhere: name the carrier's addresses in `sources`."


def _about_own_dialplans(settings: Settings) -> Iterator[str]:
    made_by_us = {platform.name for platform in settings.platform if not platform.endpoint}
    for trunk in settings.trunk:
        if trunk.normal_context and trunk.platform in made_by_us:
            yield (
                f"trunk {trunk.name!r} has a normal_context, and platform {trunk.platform!r} no endpoint: your own "
                "dialplan dials it through one of yours. Name that one as the platform's `endpoint`, or callers who "
                "wait on a dead platform are neither seen nor freed."
            )


def _about_diverting(settings: Settings) -> Iterator[str]:
    for trunk in settings.trunk:
        if trunk.fallback_number is None:
            yield (
                f"trunk {trunk.name!r} has no fallback_number: in DR mode a DID that is not in the directory hears "
                "an announcement only."
            )
    channels = sum(trunk.channels for trunk in settings.egress_trunk)
    if channels < settings.egress.max_calls:
        yield (
            f"egress.max_calls = {settings.egress.max_calls}, but the egress trunks carry {channels}: set it to what "
            "they carry, so that the limit and not the carrier decides."
        )


def _about_emergencies(settings: Settings) -> Iterator[str]:
    for site in settings.outbound_site:
        if site.emergency_identity is None or site.emergency_verified is None:
            yield (
                f"outbound_site {site.name!r} has no verified emergency identity: help would be sent to whatever "
                "address the carrier has for its main number. Ask the carrier, then set emergency_identity and "
                "emergency_verified."
            )


def _host(host_port: str) -> str:
    return host_port.rpartition(":")[0].lower()
