"""How long it may take at most until a dead target is called down, by the documented formula.

`ringfence check-config` prints it, so that nobody has to work it out from five settings. Pure.
The formula is explained in docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.config.egress_settings import EgressTrunkSettings
from ringfence.config.settings import ControlSettings, PlatformSettings, Settings
from ringfence.config.snippets import QUALIFY
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.schedule import PROFILES, Cadence

NO_TRAFFIC = "no promise without traffic"


@dataclass(frozen=True, slots=True)
class ProbeDetection:
    """One kind of evidence: how it is asked, and how long it may take. `worst_case_seconds` is None when unknown."""

    kind: EvidenceKind
    cadence: str
    worst_case_seconds: float | None
    formula: str


@dataclass(frozen=True, slots=True)
class TargetDetection:
    """One target. `worst_case_seconds` holds for silence: killed, frozen, unplugged. None: cannot be promised."""

    target: TargetId
    host_port: str
    profile: str
    probes: tuple[ProbeDetection, ...]
    refusing: str = ""
    """How a target that answers and takes no calls is noticed; empty when it is not."""

    @property
    def worst_case_seconds(self) -> float | None:
        """A target is down when every kind of probe agrees: the slowest decides."""
        known = [probe.worst_case_seconds for probe in self.probes]
        if not known or None in known:
            return None
        return max(seconds for seconds in known if seconds is not None)

    @property
    def formula(self) -> str:
        """The whole calculation in one line."""
        if not self.probes:
            return "not probed"
        parts = "; ".join(f"{probe.kind}: {probe.formula}" for probe in self.probes)
        return f"the larger of {parts}" if len(self.probes) > 1 else parts


def detections(settings: Settings) -> tuple[TargetDetection, ...]:
    """Every probed target of the configuration, platforms first."""
    return tuple(_detections(settings))


def _detections(settings: Settings) -> Iterator[TargetDetection]:
    for platform in settings.platform:
        refusing = (
            f"{platform.refusing_dids} failed calls to different DIDs from {platform.refusing_callers} callers "
            f"within {platform.refusing_window_seconds:g} s; {NO_TRAFFIC}"
        )
        yield _of(TargetRole.PLATFORM, platform, (*_options(platform), _contact(platform)), refusing)
    for trunk in settings.trunk:
        if trunk.host_port is not None:
            target = TargetId(TargetRole.TRUNK, trunk.name)
            yield TargetDetection(target, trunk.host_port, trunk.profile, (_asked(PROFILES[trunk.profile]),))
    for egress in settings.egress_trunk:
        yield _of(TargetRole.TRUNK, egress, (*_options(egress), _contact(egress)))
    for control in settings.control:
        yield _of(TargetRole.CONTROL, control, _options(control))


def _of(
    role: TargetRole,
    target: PlatformSettings | EgressTrunkSettings | ControlSettings,
    probes: tuple[ProbeDetection, ...],
    refusing: str = "",
) -> TargetDetection:
    return TargetDetection(TargetId(role, target.name), target.host_port, target.profile, probes, refusing)


def _options(target: PlatformSettings | EgressTrunkSettings | ControlSettings) -> tuple[ProbeDetection, ...]:
    return (_asked(PROFILES[target.profile]),) if target.probe else ()


def _asked(cadence: Cadence) -> ProbeDetection:
    words = (
        f"every {cadence.interval_seconds:g} s ±{cadence.jitter_share:.0%}, {cadence.timeout_seconds:g} s each; "
        f"undecided every {cadence.fast_interval_seconds:g} s; fall {cadence.fall}, rise {cadence.rise}"
    )
    seconds = cadence.worst_case_detection_seconds
    return ProbeDetection(EvidenceKind.SIP_OPTIONS, words, seconds, options_formula(cadence))


def options_formula(cadence: Cadence) -> str:
    """interval x (1 + jitter) + timeout + (fall - 1) x (fast interval + timeout), with its numbers."""
    return (
        f"{cadence.interval_seconds:g} x {1 + cadence.jitter_share:g} + {cadence.timeout_seconds:g} + "
        f"{cadence.fall - 1} x ({cadence.fast_interval_seconds:g} + {cadence.timeout_seconds:g}) = "
        f"{cadence.worst_case_detection_seconds:.2f} s"
    )


def _contact(target: PlatformSettings | EgressTrunkSettings) -> ProbeDetection:
    if target.endpoint or target.qualify_endpoint:
        why = "qualify_frequency + qualify_timeout of your own AOR"
        return ProbeDetection(EvidenceKind.CONTACT_STATUS, "as you configured it", None, why)
    qualify = QUALIFY[target.profile]
    seconds = qualify.interval_seconds + qualify.timeout_seconds
    return ProbeDetection(
        EvidenceKind.CONTACT_STATUS,
        f"every {qualify.interval_seconds} s, {qualify.timeout_seconds:g} s each",
        seconds,
        f"{qualify.interval_seconds} + {qualify.timeout_seconds:g} = {seconds:.2f} s",
    )
