"""The configuration as the domain's values: policies, cadences, targets, endpoints."""

from __future__ import annotations

from datetime import timedelta

from ringfence.app.judge import Watched
from ringfence.config import Settings
from ringfence.config.settings import PlatformSettings
from ringfence.config.ways_settings import known_ways
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.hr.roster import RosterPolicy
from ringfence.domain.outage import OutagePolicy
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.routing import TrunkFallback
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.schedule import PROFILES, Cadence


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


def probed_hosts(settings: Settings) -> dict[TargetId, tuple[str, Cadence]]:
    """Target -> host:port and cadence of our own SIP OPTIONS."""
    found: dict[TargetId, tuple[str, Cadence]] = {}
    for role, items in (
        (TargetRole.PLATFORM, settings.platform),
        (TargetRole.TRUNK, settings.egress_trunk),
        (TargetRole.CONTROL, settings.control),
    ):
        for item in items:
            if item.probe:
                found[TargetId(role, item.name)] = (item.host_port, PROFILES[item.profile])
    for trunk in settings.trunk:
        if trunk.host_port is not None:
            found[TargetId(TargetRole.TRUNK, trunk.name)] = (trunk.host_port, PROFILES[trunk.profile])
    return found


def host_ports(settings: Settings) -> dict[TargetId, str]:
    """Address and port of each target."""
    found = {target: host_port for target, (host_port, _) in probed_hosts(settings).items()}
    found.update({TargetId(TargetRole.PLATFORM, p.name): p.host_port for p in settings.platform})
    found.update({TargetId(TargetRole.TRUNK, t.name): t.host_port for t in settings.egress_trunk})
    return found


def hosts(settings: Settings) -> dict[TargetId, str]:
    """Where each target lives."""
    return {target: host_port.rpartition(":")[0] for target, host_port in host_ports(settings).items()}


def watched(settings: Settings) -> list[Watched]:
    """Every target with the kinds of evidence there are about it."""
    probed, contacts = probed_hosts(settings), set(contact_endpoints(settings).values())
    targets = {*probed, *contacts, *(TargetId(TargetRole.PLATFORM, p.name) for p in settings.platform)}
    egress = {TargetId(TargetRole.TRUNK, trunk.name) for trunk in settings.egress_trunk}
    found = []
    for target in sorted(targets, key=str):
        kinds = []
        if target in contacts:
            kinds.append(EvidenceKind.CONTACT_STATUS)
        if target in probed:
            kinds.append(EvidenceKind.SIP_OPTIONS)
        if target in egress:
            kinds.append(EvidenceKind.CALL_OUTCOMES)
        cadence = probed[target][1] if target in probed else PROFILES["wan"]
        found.append(Watched(target, tuple(kinds), cadence.limits))
    return found
