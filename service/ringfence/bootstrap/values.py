"""The configuration as the domain's values: policies, cadences, targets, endpoints."""

from __future__ import annotations

from datetime import timedelta

from ringfence.app.judge import Watched
from ringfence.app.snapshot import Snapshot
from ringfence.config import Settings
from ringfence.config.asked import asked_targets
from ringfence.config.platform_settings import PlatformSettings
from ringfence.config.ways_settings import known_ways
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.hr.roster import RosterPolicy
from ringfence.domain.moment import Moment
from ringfence.domain.outage import OutagePolicy
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.routing import TrunkFallback
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.schedule import PROFILES


def first_snapshot(settings: Settings, now: Moment) -> Snapshot:
    """What is known before anything has been asked."""
    handed = {trunk.name: trunk.normal_context for trunk in settings.trunk if trunk.normal_context}
    return Snapshot(settings.node, now, now, shadow=settings.shadow, handed_over=handed)


def outage_policy(platform: PlatformSettings) -> OutagePolicy:
    return OutagePolicy(
        failback=platform.failback,
        hold_down_seconds=platform.hold_down_seconds,
        max_hold_down_seconds=max(platform.max_hold_down_seconds, platform.hold_down_seconds),
        trial_one_in=platform.trial_one_in,
        trial_calls=platform.trial_calls,
        trial_failures=platform.trial_failures,
    )


def outcome_policy(platform: PlatformSettings) -> OutcomePolicy:
    return OutcomePolicy(
        window_seconds=platform.refusing_window_seconds,
        min_dids=platform.refusing_dids,
        min_callers=platform.refusing_callers,
    )


def egress_policy(settings: Settings) -> EgressPolicy:
    egress = settings.egress
    return EgressPolicy(
        frozenset(egress.countries),
        denied_prefixes=egress.all_denied_prefixes,
        ways=known_ways(settings.platform, settings.known_forward),
    )


def routing_policy(settings: Settings) -> RoutingPolicy:
    return RoutingPolicy(
        EgressGate(egress_policy(settings)),
        settings.ring_budget_seconds,
        settings.site_ring_seconds,
        PressOne(settings.press_one.asked),
    )


def csv_rules(settings: Settings) -> CsvRules:
    platforms = frozenset(platform.name for platform in settings.platform)
    announcements = frozenset(announcement.name for announcement in settings.announcements)
    return CsvRules(settings.default_country, platforms, egress_policy(settings), settings.hr.time_zone, announcements)


def roster_policy(settings: Settings) -> RosterPolicy:
    hr = settings.hr
    return RosterPolicy(
        sources=tuple(source.name for source in settings.hr_source),
        precedence={field: tuple(order) for field, order in hr.precedence.items()},
        zone=hr.time_zone,
        quarantine=timedelta(days=hr.quarantine_days),
        retention=timedelta(days=hr.retention_days),
        require_consent=hr.require_consent,
        private_hours=parse_ring_hours(hr.private_hours, hr.time_zone) if hr.private_hours else None,
        guard_percent=hr.guard_percent,
        guard_rows=hr.guard_rows,
        guard_window=timedelta(hours=hr.guard_window_hours),
    )


def trunk_fallbacks(settings: Settings) -> list[TrunkFallback]:
    return [
        TrunkFallback(trunk.name, trunk.platform, trunk.fallback_number, trunk.announcement) for trunk in settings.trunk
    ]


def contact_endpoints(settings: Settings) -> dict[str, TargetId]:
    """The qualified endpoint -> the target it speaks for."""
    found = {p.evidence_endpoint: TargetId(TargetRole.PLATFORM, p.name) for p in settings.platform}
    found.update({t.evidence_endpoint: TargetId(TargetRole.TRUNK, t.name) for t in settings.egress_trunk})
    return found


def registrations(settings: Settings) -> dict[str, TargetId]:
    """Asterisk's registration -> the trunk it speaks for."""
    return {asked.registration: asked.target for asked in asked_targets(settings) if asked.registration}


def host_ports(settings: Settings) -> dict[TargetId, str]:
    """Where each target is asked: by another way it may answer otherwise, and what was remembered is forgotten."""
    return {
        asked.target: asked.host_port + ("" if asked.how.probe_transport == "udp" else f";{asked.how.probe_transport}")
        for asked in asked_targets(settings)
    }


def hosts(settings: Settings) -> dict[TargetId, str]:
    """Where each target lives, as far as known."""
    return {asked.target: asked.host for asked in asked_targets(settings) if asked.host}


def watched(settings: Settings) -> list[Watched]:
    """Every target with the kinds of evidence there are about it."""
    found = [
        Watched(asked.target, asked.kinds, PROFILES[asked.profile].limits)
        for asked in asked_targets(settings)
        if asked.kinds
    ]
    return sorted(found, key=lambda one: str(one.target))
