"""Several kinds of evidence about one target, weighed into one verdict that says why.

Order of weight: calls that are put through beat silent probes; calls that are refused beat answered probes; probes
decide only when every kind that ever worked agrees; and silence is believed only while something else still answers
us, because a node that is cut off hears nothing from anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ringfence.domain import outcomes
from ringfence.domain.carrier_calls import CarrierCalls
from ringfence.domain.evidence_weight import (
    PROMPT,
    certificate_fails,
    down_since,
    lesser_fault,
    of_sip,
    of_sip_or_weak,
    registered_despite,
    silent_since,
    weak_speaks_for,
)
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

    `min_witnesses`: with fewer there is no suspicion, so one dead control target never blocks a failover.
    `memory_seconds`: one that has not answered for that long before the silence is no witness any more. As long as a
    start remembers: whoever hears nobody cannot tell whether it is cut off, however long ago the last one fell silent,
    and nobody waits for its verdict: the first call that comes in testifies.
    `settle_seconds`: a witness that came back after the silence began is believed only after that time, for the
    platform's own answer may be on its way (our cable has just been plugged in again): longer than a `wan` platform's
    calm interval and timeout.
    """

    min_witnesses: int = 2
    memory_seconds: float = 30 * 86_400.0
    settle_seconds: float = 5.0


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
    hints: tuple[Evidence, ...] = (),
) -> Verdict:
    """The verdict on a primary platform. `hints`: what is unlike the usual about its calls. One that speaks against it
    makes an *up* platform *degraded*: what is merely unusual never moves a call. Only where calls are refused and the
    telephones may be logged out does it tell whether at this hour they usually are."""
    state = window.judge(now, outcome_policy)
    evidence = (*_probe_evidence(probes), _call_evidence(window, state, now, outcome_policy), *hints)
    asked = of_sip(probes)
    silence = silent_since(asked)

    if state is OutcomeState.REFUSING or (state is OutcomeState.LOGGED_OUT and _usually_answered(hints)):
        # These calls came in from the carrier, so we are not the ones cut off.
        return Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, evidence, Cause.REFUSING)
    if silence is not None:
        if _put_through_after(window, silence, now, outcome_policy):
            return Verdict(VerdictState.DEGRADED, Reason.CALLS_PUT_THROUGH_DESPITE_SILENCE, evidence)
        if registered_despite(probes, silence, now):
            return Verdict(VerdictState.DEGRADED, Reason.REGISTERED_DESPITE_SILENCE, evidence)
        answers_again = any(health.passing_since is not None for kind, health in asked.items() if kind in PROMPT)
        began = down_since(asked, silence)
        if _may_be_cut_off(surroundings, silence, began, now, witness_policy, answers_again):
            return Verdict(VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF, evidence)
        return _silent(probes, evidence)
    verdict = _by_sip(asked, state, evidence)
    if verdict.state is VerdictState.UP and any(hint.speaks is Speaks.AGAINST for hint in hints):
        return Verdict(VerdictState.DEGRADED, Reason.UNUSUAL_CALLS, evidence)
    return _with_lesser(verdict, probes)


def weigh_trunk(probes: Mapping[EvidenceKind, Health], now: Moment) -> Verdict:
    """The verdict on a trunk: its probes, and the calls it carried or refused. A trunk called down is left out while
    another is there, and then no call tells when it is well again: refusals count for `TRUNK_REFUSALS_SECONDS`."""
    evidence = _probe_evidence(probes)
    asked = of_sip_or_weak(probes)
    calls = probes.get(EvidenceKind.CALL_OUTCOMES)
    if (silence := silent_since(asked)) is not None:
        if registered_despite(probes, silence, now):
            return Verdict(VerdictState.DEGRADED, Reason.REGISTERED_DESPITE_SILENCE, evidence)
        return _silent(probes if of_sip(probes) else {}, evidence)
    if calls is not None and calls.state is HealthState.DOWN and calls.last_answer_at is not None:
        if now.since(calls.last_answer_at) <= TRUNK_REFUSALS_SECONDS:
            return Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, evidence, Cause.REFUSING)
        return Verdict(VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED, evidence)
    return _with_lesser(_by_sip(asked, OutcomeState.SILENT, evidence), probes)


def _silent(probes: Mapping[EvidenceKind, Health], evidence: tuple[Evidence, ...]) -> Verdict:
    reason = Reason.SILENT_BEHIND_OPEN_PORT if weak_speaks_for(probes) else Reason.SILENT
    return Verdict(VerdictState.DOWN, reason, evidence, Cause.SILENCE)


def _with_lesser(verdict: Verdict, probes: Mapping[EvidenceKind, Health]) -> Verdict:
    lesser = lesser_fault(probes)
    if verdict.state is not VerdictState.UP or lesser is None:
        return verdict
    return Verdict(VerdictState.DEGRADED, lesser, verdict.evidence)


def _by_sip(asked: Mapping[EvidenceKind, Health], calls: OutcomeState, evidence: tuple[Evidence, ...]) -> Verdict:
    states = [health.state for health in asked.values()]
    if HealthState.DOWN in states:
        lost = [kind for kind, health in asked.items() if health.state is HealthState.DOWN]
        registration = lost == [EvidenceKind.REGISTRATION] and HealthState.UP in states
        reason = Reason.REGISTRATION_LOST if registration else Reason.EVIDENCE_DISAGREES
        return Verdict(VerdictState.DEGRADED, reason, evidence)
    if calls in (OutcomeState.MIXED, OutcomeState.FEW_BAD, OutcomeState.LOGGED_OUT):
        return Verdict(VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED, evidence)
    if HealthState.UP in states:
        missing = any(h.state is HealthState.UP and h.contrary > 0 for h in asked.values())
        return Verdict(VerdictState.UP, Reason.MISSING_ANSWERS if missing else Reason.ANSWERING, evidence)
    if calls is OutcomeState.GOOD:
        return Verdict(VerdictState.UP, Reason.CALLS_PUT_THROUGH, evidence)
    known = any(health.ever_passed for health in asked.values())
    return Verdict(VerdictState.UNKNOWN, Reason.NOT_PROBED_LATELY if known else Reason.NEVER_SEEN_UP, evidence)


def _usually_answered(hints: tuple[Evidence, ...]) -> bool:
    return any(hint.kind is EvidenceKind.ANSWER_RATIO and hint.speaks is Speaks.AGAINST for hint in hints)


def _put_through_after(window: CallWindow, silent_since: Moment, now: Moment, policy: OutcomePolicy) -> bool:
    """Whether calls go through despite the silence: no longer than the window, and not against calls to two DIDs that
    failed since. A ring that was on its way when the platform died must not bar the verdict: one that came before the
    first miss, or a moment after it, counts for that moment only. It has to: where packets are lost the silence may
    begin with the very miss that ends what was known of the platform, while every other call rings there."""
    put_through = window.last_put_through_at
    if put_through is None:
        return False
    if put_through.since(silent_since) <= LATE_RING_SECONDS < now.since(put_through):
        return False
    failed = {
        failure.did
        for failure in window.fresh_failures(now, policy)
        if failure.outcome is OutcomeClass.FAILURE and failure.is_newer_than(put_through)
    }
    return now.since(put_through) <= policy.window_seconds and len(failed) < MIN_FAILED_IN_SILENCE


def _may_be_cut_off(
    surroundings: Surroundings,
    silent_since: Moment,
    down_since: Moment,
    now: Moment,
    policy: WitnessPolicy,
    answers_again: bool,
) -> bool:
    """True when nothing off this machine has been heard since the silence began, and enough of it used to answer.
    `down_since`: whoever came back after it may have come back with our own cable. `answers_again`: the platform does,
    though not often enough yet; then nobody who came back with it testifies."""

    def testifies(first: Moment, last: Moment) -> bool:
        if last.monotonic <= silent_since.monotonic:
            return False
        settled = not answers_again and now.since(first) >= policy.settle_seconds
        return first.monotonic <= down_since.monotonic or settled

    calls = surroundings.carrier_calls.since(silent_since) if surroundings.carrier_calls else None
    if calls is not None and now.since(calls[1]) <= CarrierCalls.GAP_SECONDS and testifies(*calls):
        return False
    witnesses = 0
    for health in surroundings.witnesses.values():
        if not _used_to_answer(health, silent_since, policy):
            continue
        first, last = health.passing_since, health.last_passed_at
        if first is not None and last is not None and testifies(first, last):
            return False
        witnesses += 1
    return witnesses >= policy.min_witnesses


def _used_to_answer(health: Health, silent_since: Moment, policy: WitnessPolicy) -> bool:
    passed = health.last_passed_at
    if passed is None:
        # Not heard since our start, and it used to answer: a node that starts cut off hears nobody at all.
        return health.ever_passed
    return silent_since.since(passed) < policy.memory_seconds


def _probe_evidence(probes: Mapping[EvidenceKind, Health]) -> tuple[Evidence, ...]:
    return tuple(Evidence(kind, _direction(kind, health), health.detail) for kind, health in sorted(probes.items()))


def _direction(kind: EvidenceKind, health: Health) -> Speaks:
    if kind is EvidenceKind.CERTIFICATE and certificate_fails(health):
        return Speaks.AGAINST
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
        OutcomeState.LOGGED_OUT: Speaks.AGAINST,
        OutcomeState.REFUSING: Speaks.AGAINST,
    }[state]
    return Evidence(EvidenceKind.CALL_OUTCOMES, speaks, outcomes.words(window.fresh_failures(now, policy), state))
