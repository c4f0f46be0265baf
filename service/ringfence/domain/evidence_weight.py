"""Which kinds of evidence decide, which only speak up, and since when a target is silent.

Four ranks. *Prompt* kinds ask SIP every few seconds, and silence is theirs to tell. A *registration* is SIP too, but
what it says may be as old as its last renewal: it outvotes silence only when it was renewed in it. *Weak* kinds show
that a machine is there, and not that it speaks SIP. A *certificate* says nothing of now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.domain.health import EvidenceKind, Health, HealthState
from ringfence.domain.moment import Moment
from ringfence.domain.reasons import Reason

PROMPT: Final = frozenset({EvidenceKind.SIP_OPTIONS, EvidenceKind.CONTACT_STATUS})
SIP: Final = PROMPT | {EvidenceKind.REGISTRATION}
WEAK: Final = frozenset({EvidenceKind.TCP, EvidenceKind.HTTP})
LATE_ANSWER_SECONDS: Final = 0.5
RENEWED_SECONDS: Final = 60.0
"""For so long a renewed registration speaks against silence; what happened since it cannot know."""

Probes = Mapping[EvidenceKind, Health]


def of_sip(probes: Probes) -> Probes:
    """Without a prompt kind that cannot tell while another one can: its last answer, good or bad, would outvote what is
    known now for ever. Where none of them can tell they stay, so that nothing is decided."""
    told = any(kind in PROMPT and health.ever_passed and not health.is_mute for kind, health in probes.items())
    return {kind: health for kind, health in probes.items() if kind in SIP and not (told and health.is_mute)}


def of_sip_or_weak(probes: Probes) -> Probes:
    """For what is no platform: where nobody asks SIP at all (a control target), the weak ones are what there is."""
    return of_sip(probes) or {kind: health for kind, health in probes.items() if kind in WEAK}


def silent_since(asked: Probes) -> Moment | None:
    """When the silence began, if every kind that is `asked` and ever worked is down; else None. It began with the first
    miss after the last answer of any kind: one that has been missed for long says nothing while another is answered. A
    registration has a say only where no prompt kind has ever worked."""
    usable = _usable(asked)
    if not usable or any(health.state is not HealthState.DOWN for health in usable):
        return None
    misses = [health.missing_since for health in usable if health.missing_since is not None]
    heard_at = max((h.last_passed_at.monotonic for h in usable if h.last_passed_at), default=float("-inf"))
    since = [moment for moment in misses if moment.monotonic > heard_at]
    return min(since or misses, key=lambda moment: moment.monotonic, default=None)


def down_since(asked: Probes, silent_since: Moment) -> Moment:
    """When the misses began that took a silent target down: not after `silent_since`, and before it if a kind has been
    answered in between, though not often enough to be up again."""
    downs = [health.down_since for health in _usable(asked) if health.down_since is not None]
    return min(silent_since, *downs, key=lambda moment: moment.monotonic) if downs else silent_since


def _usable(asked: Probes) -> list[Health]:
    prompt = [health for kind, health in asked.items() if kind in PROMPT and health.ever_passed]
    return prompt or [health for health in asked.values() if health.ever_passed]


def registered_despite(probes: Probes, silent_since: Moment, now: Moment) -> bool:
    """Whether a registration was renewed since the silence began, and lately. An answer that was on its way when the
    target died does not count."""
    health = probes.get(EvidenceKind.REGISTRATION)
    if health is None or health.state is not HealthState.UP or health.last_passed_at is None:
        return False
    renewed = health.last_passed_at
    return renewed.since(silent_since) > LATE_ANSWER_SECONDS and now.since(renewed) <= RENEWED_SECONDS


def weak_speaks_for(probes: Probes) -> bool:
    return any(health.state is HealthState.UP and kind in WEAK for kind, health in probes.items())


def lesser_fault(probes: Probes) -> Reason | None:
    """What makes a target that speaks SIP *degraded* and no more."""
    for kind in (EvidenceKind.TCP, EvidenceKind.HTTP):
        if (weak := probes.get(kind)) is not None and weak.state is HealthState.DOWN:
            return Reason.WEAK_CHECK_FAILS
    certificate = probes.get(EvidenceKind.CERTIFICATE)
    if certificate is not None and certificate_fails(certificate):
        return Reason.CERTIFICATE_FAILS
    return None


def certificate_fails(certificate: Health) -> bool:
    """The last handshake decides: a certificate that was never good is no better than one that was once."""
    return certificate.missing_since is not None
