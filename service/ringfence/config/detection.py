"""How long it may take at most until a dead target is called down, by the documented formula.

`ringfence check-config` prints it, so that nobody has to work it out from five settings. Pure.
The formula is explained in docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ringfence.config.asked import AskedTarget, asked_targets
from ringfence.config.settings import Settings
from ringfence.config.snippets import QUALIFY
from ringfence.config.words import FarEnd
from ringfence.domain.evidence_weight import PROMPT, SIP
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.schedule import PROFILES, REGISTER_PROFILES, WEAK_PROFILES, Cadence

NO_TRAFFIC = "no promise without traffic"
NOT_ALONE = "no verdict waits for it"
DEGRADES = "it degrades, and no verdict waits for it"


@dataclass(frozen=True, slots=True)
class ProbeDetection:
    """One kind of evidence: how it is asked, and how long it may take. `worst_case_seconds` is None when unknown."""

    kind: EvidenceKind
    cadence: str
    worst_case_seconds: float | None
    formula: str
    decides: bool = True
    """False: no verdict of *down* waits for it."""


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
        known = [probe.worst_case_seconds for probe in self.probes if probe.decides]
        if not known or None in known:
            return None
        return max(seconds for seconds in known if seconds is not None)

    @property
    def formula(self) -> str:
        """The whole calculation in one line."""
        if not self.probes:
            return "not probed"
        deciding = [f"{probe.kind}: {probe.formula}" for probe in self.probes if probe.decides]
        others = [f"{probe.kind}: {probe.formula}" for probe in self.probes if not probe.decides]
        larger = f"the larger of {'; '.join(deciding)}" if len(deciding) > 1 else "".join(deciding)
        return ". Besides, ".join(part for part in (larger, "; ".join(others)) if part)


def detections(settings: Settings) -> tuple[TargetDetection, ...]:
    """Every probed target of the configuration, platforms first."""
    return tuple(_detections(settings))


def _detections(settings: Settings) -> Iterator[TargetDetection]:
    platforms = {platform.name: platform for platform in settings.platform}
    for asked in asked_targets(settings):
        refusing = ""
        if asked.target.role is TargetRole.PLATFORM:
            platform = platforms[asked.target.name]
            refusing = (
                f"{platform.refusing_dids} failed calls to different DIDs from {platform.refusing_callers} callers "
                f"within {platform.refusing_window_seconds:g} s; {NO_TRAFFIC}"
            )
        probes = tuple(_probes(asked))
        yield TargetDetection(asked.target, asked.host_port, asked.profile, probes, refusing)


def _probes(asked: AskedTarget) -> Iterator[ProbeDetection]:
    sip = not SIP.isdisjoint(asked.kinds)
    if asked.options:
        yield _asked(EvidenceKind.SIP_OPTIONS, PROFILES[asked.profile])
    if asked.qualified and isinstance(asked.how, FarEnd):
        yield _contact(asked.how)
    if asked.registration:
        alone = PROMPT.isdisjoint(asked.kinds)
        words = "when Asterisk renews it; " + (NOT_ALONE if not alone else "nothing else tells")
        yield ProbeDetection(EvidenceKind.REGISTRATION, "every 5 s, of Asterisk", None, words, decides=alone)
    elif EvidenceKind.REGISTRATION in asked.kinds:
        found = _asked(EvidenceKind.REGISTRATION, REGISTER_PROFILES[asked.profile])
        alone = PROMPT.isdisjoint(asked.kinds)
        yield found if alone else replace(found, formula=f"{found.formula}; {NOT_ALONE}", decides=False)
    for kind in (EvidenceKind.TCP, EvidenceKind.HTTP):
        if kind in asked.kinds:
            found = _asked(kind, WEAK_PROFILES[asked.profile])
            yield replace(found, formula=f"{found.formula}; {DEGRADES}", decides=False) if sip else found


def _asked(kind: EvidenceKind, cadence: Cadence) -> ProbeDetection:
    words = (
        f"every {cadence.interval_seconds:g} s ±{cadence.jitter_share:.0%}, {cadence.timeout_seconds:g} s each; "
        f"undecided every {cadence.fast_interval_seconds:g} s; fall {cadence.fall}, rise {cadence.rise}"
    )
    return ProbeDetection(kind, words, cadence.worst_case_detection_seconds, options_formula(cadence))


def options_formula(cadence: Cadence) -> str:
    """interval x (1 + jitter) + timeout + (fall - 1) x (fast interval + timeout), with its numbers."""
    return (
        f"{cadence.interval_seconds:g} x {1 + cadence.jitter_share:g} + {cadence.timeout_seconds:g} + "
        f"{cadence.fall - 1} x ({cadence.fast_interval_seconds:g} + {cadence.timeout_seconds:g}) = "
        f"{cadence.worst_case_detection_seconds:.2f} s"
    )


def _contact(target: FarEnd) -> ProbeDetection:
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
