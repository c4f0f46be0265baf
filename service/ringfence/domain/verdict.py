"""Several kinds of evidence about one target, weighed into one verdict that says why.

Order of weight: calls that are put through beat silent probes; calls that are refused beat answered probes; probes
decide only when every kind that ever worked agrees; and silence is believed only while something else still answers
us, because a node that is cut off hears nothing from anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from ringfence.domain import outcomes
from ringfence.domain.health import EvidenceKind, Health, HealthState
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import CallWindow, OutcomeClass, OutcomePolicy, OutcomeState
from ringfence.domain.reasons import Reason

TRUNK_REFUSALS_SECONDS: Final = 60.0
MIN_FAILED_IN_SILENCE: Final = 2
LATE_RING_SECONDS: Final = 0.5


class VerdictState(StrEnum):
    """`degraded` alarms and moves nothing; `unknown` never fails over."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What an outage was decided on; one decided on calls is cleared by trial calls alone."""

    SILENCE = "silence"
    REFUSING = "refusing"


class Speaks(StrEnum):
    """Which way a piece of evidence points."""

    FOR = "for"
    AGAINST = "against"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the reasoning, for people."""

    kind: EvidenceKind
    speaks: Speaks
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The weighed answer for one target."""

    state: VerdictState
    reason: Reason
    evidence: tuple[Evidence, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """When we suspect ourselves.

    `min_witnesses`: with fewer living ones there is no suspicion, so one dead control target never blocks a failover.
    `memory_seconds`: a witness that has not passed for that long before the silence is dead and testifies to nothing.
    `settle_seconds`: a witness that came back after the silence began is believed only after that time, for the
    platform's own answer may be on its way (our cable has just been plugged in again).
    """

    min_witnesses: int = 2
    memory_seconds: float = 120.0
    settle_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class CarrierCalls:
    """Inbound calls without a gap of more than `GAP_SECONDS`: somebody outside reaches us."""

    first_at: Moment
    last_at: Moment

    GAP_SECONDS: ClassVar[float] = 10.0

    def another(self, at: Moment) -> CarrierCalls:
        """The run of calls after one more."""
        return CarrierCalls(at if at.since(self.last_at) > self.GAP_SECONDS else self.first_at, at)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else we hear from: the other hosts off this machine, by name, and the carrier's calls."""

    witnesses: Mapping[str, Health] = field(default_factory=dict)
    carrier_calls: CarrierCalls | None = None


def weigh_platform(
    probes: Mapping[EvidenceKind, Health],
    window: CallWindow,
    surroundings: Surroundings,
    now: Moment,
    outcome_policy: OutcomePolicy,
    witness_policy: WitnessPolicy,
) -> Verdict:
    """The verdict on a primary platform."""
    state = window.judge(now, outcome_policy)
    evidence = (*_probe_evidence(probes), _call_evidence(window, state, now, outcome_policy))
    silent_since = _silent_since(probes)

    if state is OutcomeState.REFUSING:
        # These calls came in from the carrier, so we are not the ones cut off.
        return Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, evidence, Cause.REFUSING)
    if silent_since is not None:
        if _put_through_after(window, silent_since, now, outcome_policy):
            return Verdict(VerdictState.DEGRADED, Reason.CALLS_PUT_THROUGH_DESPITE_SILENCE, evidence)
        if _may_be_cut_off(surroundings, silent_since, now, witness_policy):
            return Verdict(VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF, evidence)
        return Verdict(VerdictState.DOWN, Reason.SILENT, evidence, Cause.SILENCE)
    return _not_down(probes, state, evidence)


def weigh_trunk(probes: Mapping[EvidenceKind, Health], now: Moment) -> Verdict:
    """The verdict on a trunk: its probes, and the calls it carried or refused. A trunk called down is left out while
    another is there, and then no call tells when it is well again: refusals count for `TRUNK_REFUSALS_SECONDS`."""
    evidence = _probe_evidence(probes)
    asked: dict[EvidenceKind, Health] = {
        kind: health for kind, health in probes.items() if kind is not EvidenceKind.CALL_OUTCOMES
    }
    calls = probes.get(EvidenceKind.CALL_OUTCOMES)
    if _silent_since(asked) is not None:
        return Verdict(VerdictState.DOWN, Reason.SILENT, evidence, Cause.SILENCE)
    if calls is not None and calls.state is HealthState.DOWN and calls.last_answer_at is not None:
        if now.since(calls.last_answer_at) <= TRUNK_REFUSALS_SECONDS:
            return Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, evidence, Cause.REFUSING)
        return Verdict(VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED, evidence)
    return _not_down(asked, OutcomeState.SILENT, evidence)


def _not_down(probes: Mapping[EvidenceKind, Health], calls: OutcomeState, evidence: tuple[Evidence, ...]) -> Verdict:
    states = [health.state for health in probes.values()]
    if HealthState.DOWN in states:
        return Verdict(VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES, evidence)
    if calls in (OutcomeState.MIXED, OutcomeState.FEW_BAD):
        return Verdict(VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED, evidence)
    if HealthState.UP in states:
        missing = any(h.state is HealthState.UP and h.contrary > 0 for h in probes.values())
        return Verdict(VerdictState.UP, Reason.MISSING_ANSWERS if missing else Reason.ANSWERING, evidence)
    if calls is OutcomeState.GOOD:
        return Verdict(VerdictState.UP, Reason.CALLS_PUT_THROUGH, evidence)
    known = any(health.ever_passed for health in probes.values())
    return Verdict(VerdictState.UNKNOWN, Reason.NOT_PROBED_LATELY if known else Reason.NEVER_SEEN_UP, evidence)


def _silent_since(probes: Mapping[EvidenceKind, Health]) -> Moment | None:
    """When the silence began, if every kind of probe that ever worked is down; else None."""
    usable = [health for health in probes.values() if health.ever_passed]
    if not usable or any(health.state is not HealthState.DOWN for health in usable):
        return None
    starts = [health.missing_since for health in usable if health.missing_since is not None]
    return min(starts, key=lambda moment: moment.monotonic) if starts else None


def _put_through_after(window: CallWindow, silent_since: Moment, now: Moment, policy: OutcomePolicy) -> bool:
    """Whether calls go through despite the silence. A ring that was on its way when the platform died must not bar the
    verdict: it counts only a moment after the first miss, no longer than the window, and not against calls to two DIDs
    that failed since."""
    put_through = window.last_put_through_at
    if put_through is None or put_through.since(silent_since) <= LATE_RING_SECONDS:
        return False
    failed = {
        failure.did
        for failure in window.fresh_failures(now, policy)
        if failure.outcome is OutcomeClass.FAILURE and failure.at.monotonic > put_through.monotonic
    }
    return now.since(put_through) <= policy.window_seconds and len(failed) < MIN_FAILED_IN_SILENCE


def _may_be_cut_off(surroundings: Surroundings, silent_since: Moment, now: Moment, policy: WitnessPolicy) -> bool:
    """True when nothing off this machine has been heard since the silence began, and enough of it used to answer."""
    calls = surroundings.carrier_calls
    calls_lately = calls is not None and now.since(calls.last_at) <= CarrierCalls.GAP_SECONDS
    if calls is not None and calls_lately and _testifies(calls.first_at, calls.last_at, silent_since, now, policy):
        return False
    living = [h for h in surroundings.witnesses.values() if _was_alive(h, silent_since, policy)]
    if len(living) < policy.min_witnesses:
        return False
    return not any(
        _testifies(h.passing_since, h.last_passed_at, silent_since, now, policy)
        for h in living
        if h.passing_since is not None and h.last_passed_at is not None
    )


def _testifies(first: Moment, last: Moment, silent_since: Moment, now: Moment, policy: WitnessPolicy) -> bool:
    if last.monotonic <= silent_since.monotonic:
        return False
    return first.monotonic <= silent_since.monotonic or now.since(first) >= policy.settle_seconds


def _was_alive(health: Health, silent_since: Moment, policy: WitnessPolicy) -> bool:
    passed = health.last_passed_at
    return passed is not None and silent_since.since(passed) < policy.memory_seconds


def _probe_evidence(probes: Mapping[EvidenceKind, Health]) -> tuple[Evidence, ...]:
    return tuple(Evidence(kind, _direction(health), health.detail) for kind, health in sorted(probes.items()))


def _direction(health: Health) -> Speaks:
    if not health.ever_passed or health.state is HealthState.UNKNOWN:
        return Speaks.NEITHER
    if health.state is HealthState.DOWN:
        return Speaks.AGAINST
    return Speaks.NEITHER if health.contrary else Speaks.FOR


def _call_evidence(window: CallWindow, state: OutcomeState, now: Moment, policy: OutcomePolicy) -> Evidence:
    speaks = {
        OutcomeState.SILENT: Speaks.NEITHER,
        OutcomeState.GOOD: Speaks.FOR,
        OutcomeState.MIXED: Speaks.NEITHER,
        OutcomeState.FEW_BAD: Speaks.AGAINST,
        OutcomeState.REFUSING: Speaks.AGAINST,
    }[state]
    return Evidence(EvidenceKind.CALL_OUTCOMES, speaks, outcomes.words(window.fresh_failures(now, policy), state))
