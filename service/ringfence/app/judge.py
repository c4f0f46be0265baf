"""Everything known about the targets at this moment, and the verdict on each. Synchronous and free of I/O, so that
the simulation drives the very object the daemon runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

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
from ringfence.domain.outcomes import CallOutcome, CallWindow, OutcomeClass, OutcomePolicy, delivered_lately
from ringfence.domain.verdict import (
    CarrierCalls,
    Surroundings,
    Verdict,
    WitnessPolicy,
    weigh_platform,
    weigh_trunk,
)

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
    ) -> None:
        """`hosts`: where each target lives, as far as known; two targets on one host are one witness, and none for a
        platform on the same host: they die together."""
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
        self._delivered: dict[str, datetime] = dict(delivered or {})
        self._carrier_calls: CarrierCalls | None = None
        self._hosts = {target: (hosts or {}).get(target, str(target)) for target in self._health}

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
        self._delivered = {**delivered, **self._delivered}

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
        limits = {
            EvidenceKind.CONTACT_STATUS: CONTACT_STATUS_LIMITS,
            EvidenceKind.CALL_OUTCOMES: EGRESS_CALL_LIMITS,
        }.get(observation.kind, self._limits[observation.target])
        kinds[observation.kind] = kinds[observation.kind].observe(observation, limits)

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
            counts = delivered_lately(self._delivered.get(outcome.did), outcome.at.wall, policy)
        self._windows[outcome.scope] = window.observe(outcome, counts, policy)
        return counts

    def forget_calls(self, scope: str) -> None:
        """Starts a platform's call window anew: what was seen before a trial says nothing about the trial."""
        self._windows[scope] = CallWindow()

    def carrier_called(self, at: Moment) -> None:
        """An inbound call came in: somebody outside reaches us."""
        calls = self._carrier_calls
        self._carrier_calls = calls.another(at) if calls else CarrierCalls(at, at)

    def undecided(self, target: TargetId) -> bool:
        """Whether this target should be asked again fast: it is undecided itself, or a platform is, and this one may
        testify that we are not cut off."""
        if any(h.undecided for kind, h in self._health[target].items() if kind is not EvidenceKind.CALL_OUTCOMES):
            return True  # refused calls are not cleared up by asking faster
        return target.role is not TargetRole.PLATFORM and any(
            health.contrary > 0
            for other, kinds in self._health.items()
            if other.role is TargetRole.PLATFORM
            for health in kinds.values()
        )

    def verdict(self, target: TargetId, now: Moment) -> Verdict:
        """The verdict on one target at `now`."""
        probes = self._health[target]
        if target.role is not TargetRole.PLATFORM:
            return weigh_trunk(probes, now)
        surroundings = Surroundings(self._witnesses(target), self._carrier_calls)
        window = self._windows[target.name]
        policy = self._outcome_policies[target.name]
        return weigh_platform(probes, window, surroundings, now, policy, self._witness_policy)

    def _witnesses(self, platform: TargetId) -> dict[str, Health]:
        """For each other host the evidence that was heard last: a host is as alive as the liveliest thing on it."""
        found: dict[str, Health] = {}
        for target, kinds in self._health.items():
            host = self._hosts[target]
            if host == self._hosts[platform]:
                continue
            for kind, health in kinds.items():
                if kind is EvidenceKind.CALL_OUTCOMES:
                    continue  # a call that rings out by our own timer would testify for a trunk nobody hears
                if host not in found or _heard_at(health) > _heard_at(found[host]):
                    found[host] = health
        return found


def _heard_at(health: Health) -> float:
    return health.last_passed_at.monotonic if health.last_passed_at else float("-inf")
