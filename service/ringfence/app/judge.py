"""Everything known about the targets at this moment, and the verdict on each. Synchronous and free of I/O, so that
the simulation drives the very object the daemon runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ringfence.domain.carrier_calls import CarrierCalls
from ringfence.domain.evidence_weight import PROMPT, SIP, WEAK
from ringfence.domain.health import (
    EvidenceKind,
    Health,
    Observation,
    RiseFall,
    TargetId,
    TargetRole,
    remembered,
)
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import (
    CallOutcome,
    CallWindow,
    OutcomeClass,
    OutcomePolicy,
    delivered_lately,
    may_be_logged_out,
)
from ringfence.domain.schedule import WEAK_LIMITS
from ringfence.domain.verdict import (
    Evidence,
    Surroundings,
    Verdict,
    WitnessPolicy,
    weigh_platform,
    weigh_trunk,
)

# What proves that packets go to and fro. A call that rings out by our own timer would testify for a trunk nobody hears.
HEARD = SIP | WEAK
# Asterisk's contact status is already its own judgement of one OPTIONS; there is nothing to count.
CONTACT_STATUS_LIMITS = RiseFall(1, 1)
# Calls an egress trunk refuses: each has gone out by the next one, so a handful may pass before it is left out.
EGRESS_CALL_LIMITS = RiseFall(1, 5)


@dataclass(frozen=True, slots=True)
class Watched:
    """One target with the kinds of probe that look at it and the limits of our own probing."""

    target: TargetId
    kinds: tuple[EvidenceKind, ...]
    limits: RiseFall


class Judge:
    """Health of every target and the call window of every platform."""

    def __init__(
        self,
        watched: Iterable[Watched],
        outcome_policies: Mapping[str, OutcomePolicy],
        witness_policy: WitnessPolicy,
        owned: Callable[[str], bool],
        passed_before: Mapping[tuple[TargetId, EvidenceKind], datetime] | None = None,
        delivered: Mapping[str, datetime] | None = None,
        hosts: Mapping[TargetId, str] | None = None,
        hints: Callable[[TargetId], tuple[Evidence, ...]] = lambda _: (),
    ) -> None:
        """`hosts`: where each target lives, as far as known; two targets on one host are one witness, and none for a
        platform on the same host: they die together. `hints`: what is unlike the usual about a platform's calls; asked
        at each verdict, so it must answer from memory."""
        self._limits = {w.target: w.limits for w in watched}
        self._passed_before = passed_before or {}
        self._health: dict[TargetId, dict[EvidenceKind, Health]] = {
            w.target: {k: remembered((w.target, k) in self._passed_before) for k in w.kinds} for w in watched
        }
        self._windows: dict[str, CallWindow] = {
            t.name: CallWindow() for t in self._health if t.role is TargetRole.PLATFORM
        }
        self._outcome_policies = outcome_policies
        self._witness_policy = witness_policy
        self._owned = owned
        self._hints = hints
        self._delivered: dict[str, datetime] = dict(delivered or {})
        self._carrier_calls: CarrierCalls | None = None
        self._hosts = {target: (hosts or {}).get(target, str(target)) for target in self._health}
        self._on_host: dict[str, list[TargetId]] = {}
        for target, host in self._hosts.items():
            self._on_host.setdefault(host, []).append(target)
        self._heard: dict[str, Health] = {}  # by host
        self._hear(*self._on_host)

    @property
    def targets(self) -> tuple[TargetId, ...]:
        return tuple(self._health)

    @property
    def delivered(self) -> Mapping[str, datetime]:
        """When the platform last put a call through, per DID."""
        return self._delivered

    def restore(
        self,
        passed: Iterable[tuple[TargetId, EvidenceKind]],
        delivered: Mapping[str, datetime],
    ) -> None:
        """What is remembered from before this start, read once the database answers. Newer knowledge wins."""
        for target, kind in passed:
            known = self._health.get(target, {})
            if kind in known and not known[kind].ever_passed:
                known[kind] = remembered(True)
        self._hear(*self._on_host)
        self._delivered = {**delivered, **self._delivered}

    def forget_deliveries(self, before: datetime) -> None:
        """Those older than this, which count for nothing any more: DIDs are given up and others come, for years."""
        self._delivered = {did: at for did, at in self._delivered.items() if at >= before}

    def passed(self) -> dict[tuple[TargetId, EvidenceKind], datetime]:
        """Every kind of evidence that has worked since the start, with its last pass."""
        return {
            (target, kind): health.last_passed_at.wall
            for target, kinds in self._health.items()
            for kind, health in kinds.items()
            if health.last_passed_at is not None
        }

    def observe(self, observation: Observation) -> None:
        """Takes one probe's answer. An unknown target or kind is ignored: it was taken out of the configuration."""
        kinds = self._health.get(observation.target)
        if kinds is None or observation.kind not in kinds:
            return
        limits = _limits_of(observation.kind, observation.target.role) or self._limits[observation.target]
        kinds[observation.kind] = kinds[observation.kind].observe(observation, limits)
        self._hear(self._hosts[observation.target])

    def observe_call(self, outcome: CallOutcome) -> bool:
        """Takes one call's outcome; returns whether it counts for this DID (owned, and delivered lately)."""
        window = self._windows.get(outcome.scope)
        if window is None:
            return False
        policy, counts = self._outcome_policies[outcome.scope], self._owned(outcome.did)
        if outcome.outcome is OutcomeClass.PUT_THROUGH:
            # Whoever was called: the platform puts calls through.
            if counts:
                self._delivered[outcome.did] = outcome.at.wall
        elif not counts:
            return False
        else:
            delivered_at = self._delivered.get(outcome.did)
            counts = delivered_lately(delivered_at, outcome.at.wall, policy)
            outcome = replace(outcome, doubtful=may_be_logged_out(outcome, delivered_at, policy))
        self._windows[outcome.scope] = window.observe(outcome, counts, policy)
        return counts

    def forget_calls(self, scope: str) -> None:
        """Starts a platform's call window anew: what was seen before a trial says nothing about the trial."""
        self._windows[scope] = CallWindow()

    def carrier_called(self, at: Moment) -> None:
        """An inbound call came in: somebody outside reaches us."""
        calls = self._carrier_calls
        self._carrier_calls = calls.another(at) if calls else CarrierCalls((at,))

    def undecided(self, target: TargetId) -> bool:
        """Whether this target should be asked again fast: it is undecided itself, or a platform is, and this one may
        testify that we are not cut off. Refused calls, a page or a certificate are not cleared up by asking faster."""
        kinds = self._health[target]
        if any(health.undecided for kind, health in kinds.items() if kind in PROMPT):
            return True
        registration = kinds.get(EvidenceKind.REGISTRATION)
        if registration is not None and registration.contrary > 0:
            return True
        return target.role is not TargetRole.PLATFORM and any(
            health.contrary > 0
            for other, kinds in self._health.items()
            if other.role is TargetRole.PLATFORM
            for kind, health in kinds.items()
            if kind in SIP
        )

    def verdict(self, target: TargetId, now: Moment) -> Verdict:
        """The verdict on one target at `now`."""
        probes = self._health[target]
        if target.role is not TargetRole.PLATFORM:
            return weigh_trunk(probes, now)
        surroundings = Surroundings(self._witnesses(target), self._carrier_calls)
        window = self._windows[target.name]
        policy = self._outcome_policies[target.name]
        return weigh_platform(probes, window, surroundings, now, policy, self._witness_policy, self._hints(target))

    def _witnesses(self, platform: TargetId) -> dict[str, Health]:
        """Every other host. Those without a platform come first: one of them testifies where many platforms are silent
        at once."""
        own = self._hosts[platform]
        return {host: health for host, health in reversed(self._heard.items()) if host != own}

    def _hear(self, *hosts: str) -> None:
        """Keeps for each host the evidence that was heard last: a host is as alive as the liveliest thing on it."""
        for host in hosts:
            kinds = (item for target in self._on_host[host] for item in self._health[target].items())
            heard = [health for kind, health in kinds if kind in HEARD]
            if heard:
                self._heard[host] = max(heard, key=_life)


def _limits_of(kind: EvidenceKind, role: TargetRole) -> RiseFall | None:
    """Those of a kind of its own; None: as the target's profile says."""
    match kind:
        case EvidenceKind.CONTACT_STATUS | EvidenceKind.CERTIFICATE:
            return CONTACT_STATUS_LIMITS
        case EvidenceKind.REGISTRATION if role is TargetRole.TRUNK:
            return CONTACT_STATUS_LIMITS  # Asterisk's own; a platform we register with ourselves
        case EvidenceKind.CALL_OUTCOMES:
            return EGRESS_CALL_LIMITS
        case EvidenceKind.TCP | EvidenceKind.HTTP:
            return WEAK_LIMITS
    return None


def _life(health: Health) -> tuple[float, bool]:
    """When it was heard last, and for one not heard since our start, whether it ever was."""
    heard_at = health.last_passed_at.monotonic if health.last_passed_at else float("-inf")
    return heard_at, health.ever_passed
