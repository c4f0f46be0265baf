"""The mode of one scope: which transitions exist, and `decide`, which takes one step at most.

The documentation's diagram is drawn from `TRANSITIONS`. A person's word (`override.Override`) is a second field, never
a mode: the machine underneath goes on judging, so that releasing an override returns to the truth of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ringfence.domain.moment import Moment
from ringfence.domain.override import Override, OverrideKind
from ringfence.domain.reasons import LESSER_FAULTS, Reason
from ringfence.domain.verdict import Cause, Verdict, VerdictState


class Mode(StrEnum):
    """DR mode is `FAILED_OVER` or `HOLD_DOWN`; `TRIAL` is "trying the platform"."""

    NORMAL = "NORMAL"
    FAILED_OVER = "FAILED_OVER"
    HOLD_DOWN = "HOLD_DOWN"
    TRIAL = "TRIAL"


class Signal(StrEnum):
    """What can move the mode."""

    OUTAGE = "outage"
    RECOVERY = "recovery"
    HOLD_EXPIRED = "hold_expired"
    TRIAL_PASSED = "trial_passed"
    FAILBACK_ORDERED = "failback_ordered"


TRANSITIONS: dict[Mode, dict[Signal, Mode]] = {
    Mode.NORMAL: {Signal.OUTAGE: Mode.FAILED_OVER},
    Mode.FAILED_OVER: {Signal.RECOVERY: Mode.HOLD_DOWN},
    Mode.HOLD_DOWN: {
        Signal.OUTAGE: Mode.FAILED_OVER,
        Signal.HOLD_EXPIRED: Mode.TRIAL,
        Signal.FAILBACK_ORDERED: Mode.TRIAL,
    },
    Mode.TRIAL: {
        Signal.OUTAGE: Mode.FAILED_OVER,
        Signal.TRIAL_PASSED: Mode.NORMAL,
        Signal.FAILBACK_ORDERED: Mode.NORMAL,
    },
}


class FailbackPolicy(StrEnum):
    """Whether the hold-down's end leads to the trial by itself or waits for a person."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class OutagePolicy:
    """`hold_down_seconds` 1 to 86400 doubles with each bad trial up to `max_hold_down_seconds`.

    A trial sends one call in `trial_one_in` (1 to 100) to the platform and passes after `trial_calls` put through in a
    row; `trial_failures` bad ones in a row end it.
    """

    failback: FailbackPolicy = FailbackPolicy.AUTOMATIC
    hold_down_seconds: float = 120.0
    max_hold_down_seconds: float = 3600.0
    trial_one_in: int = 5
    trial_calls: int = 5
    trial_failures: int = 2
    back_off_forgotten_seconds: float = 86400.0


@dataclass(frozen=True, slots=True)
class TrialTally:
    """Trial calls in a row, good or bad, since the trial began."""

    good: int = 0
    bad: int = 0

    def another(self, put_through: bool) -> TrialTally:
        return TrialTally(self.good + 1, 0) if put_through else TrialTally(0, self.bad + 1)


@dataclass(frozen=True, slots=True)
class ScopeState:
    """The stored state of one scope. `version` guards the row: every committed change adds one."""

    scope: str
    mode: Mode
    since: Moment
    reason: Reason
    cause: Cause | None = None
    bad_trials: int = 0
    trial: TrialTally = TrialTally()
    version: int = 0

    def hold_down_seconds(self, policy: OutagePolicy) -> float:
        """How long this scope must stay healthy before it is tried: doubled for each bad trial."""
        return min(policy.hold_down_seconds * 2.0 ** min(self.bad_trials, 20), policy.max_hold_down_seconds)


def first_state(scope: str, now: Moment) -> ScopeState:
    """The state of a scope nobody has judged yet."""
    return ScopeState(scope, Mode.NORMAL, now, Reason.FIRST_START)


@dataclass(frozen=True, slots=True)
class Transition:
    """One mode change with everything that explains it; stored once, history and outbox in one."""

    scope: str
    before: Mode
    after: Mode
    signal: Signal
    reason: Reason
    at: Moment
    evidence: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Step:
    """What `decide` returns: the state to hold and the transition that leads there, if any."""

    state: ScopeState
    transition: Transition | None = None


def decide(
    state: ScopeState,
    verdict: Verdict,
    now: Moment,
    policy: OutagePolicy,
    frozen: bool = False,
    ordered: bool = False,
) -> Step:
    """One step of the machine. `frozen`: a person froze the mode. `ordered`: a person ordered the failback."""
    if frozen:
        return Step(state)
    found = _signal(state, verdict, now, policy, ordered)
    if found is None:
        return Step(_settled(state, now, policy))
    signal, reason = found
    after = TRANSITIONS[state.mode].get(signal)
    if after is None:
        return Step(state)
    moved = _entered(state, after, reason, verdict, now)
    evidence = tuple(f"{e.kind}: {e.speaks}: {e.words}" for e in verdict.evidence)
    return Step(moved, Transition(state.scope, state.mode, after, signal, reason, now, evidence, moved.version))


def _signal(
    state: ScopeState, verdict: Verdict, now: Moment, policy: OutagePolicy, ordered: bool
) -> tuple[Signal, Reason] | None:
    if ordered and Signal.FAILBACK_ORDERED in TRANSITIONS[state.mode]:
        return Signal.FAILBACK_ORDERED, Reason.PERSON_ORDERED_FAILBACK
    if state.mode is Mode.TRIAL:
        return _trial_signal(state, verdict, policy)
    if state.mode is Mode.FAILED_OVER:
        return (Signal.RECOVERY, Reason.RECOVERED) if _recovered(state, verdict) else None
    if _outage(state, verdict):
        return Signal.OUTAGE, verdict.reason
    held_out = now.since(state.since) >= state.hold_down_seconds(policy)
    if state.mode is Mode.HOLD_DOWN and held_out and policy.failback is FailbackPolicy.AUTOMATIC:
        # An unknown or degraded platform waits: going back needs knowledge, as going away did.
        return (Signal.HOLD_EXPIRED, Reason.HOLD_DOWN_OVER) if _recovered(state, verdict) else None
    return None


def _outage(state: ScopeState, verdict: Verdict) -> bool:
    if verdict.state is not VerdictState.DOWN:
        return False
    # In hold-down no calls reach the platform; old refusals are what brought us here and say nothing new.
    return not (state.mode is Mode.HOLD_DOWN and verdict.cause is Cause.REFUSING)


def _recovered(state: ScopeState, verdict: Verdict) -> bool:
    """An outage decided on silence ends when probes are answered. One decided on calls cannot be seen to end by probes
    (they were fine all the time): it is over when its failures have grown old, and only the trial clears it."""
    if verdict.state is VerdictState.UP:
        return True
    if verdict.reason is Reason.NEVER_SEEN_UP and state.cause is Cause.REFUSING:
        # Nothing but calls ever told of this platform, and only a trial brings calls. Unless the state was found in
        # Asterisk: then what we do not know is whether it used to answer.
        return state.reason is not Reason.FOUND_IN_ASTERISK
    if verdict.state is not VerdictState.DEGRADED:
        return False
    return state.cause is Cause.REFUSING or verdict.reason in {Reason.SOME_CALLS_REFUSED, *LESSER_FAULTS}


def _trial_signal(state: ScopeState, verdict: Verdict, policy: OutagePolicy) -> tuple[Signal, Reason] | None:
    if verdict.cause is Cause.SILENCE:
        return Signal.OUTAGE, verdict.reason
    if state.trial.bad >= policy.trial_failures:
        return Signal.OUTAGE, Reason.TRIAL_CALLS_BAD
    if state.trial.good >= policy.trial_calls:
        return Signal.TRIAL_PASSED, Reason.TRIAL_CALLS_GOOD
    return None


def _entered(state: ScopeState, after: Mode, reason: Reason, verdict: Verdict, now: Moment) -> ScopeState:
    cause, bad_trials = state.cause, state.bad_trials
    if after is Mode.FAILED_OVER:
        relapse = state.mode in (Mode.TRIAL, Mode.HOLD_DOWN)
        bad_trials = bad_trials + 1 if relapse else bad_trials
        cause = Cause.REFUSING if reason is Reason.TRIAL_CALLS_BAD else verdict.cause
    elif after is Mode.NORMAL:
        cause = None
    return replace(
        state,
        mode=after,
        since=now,
        reason=reason,
        cause=cause,
        bad_trials=bad_trials,
        trial=TrialTally(),
        version=state.version + 1,
    )


def _settled(state: ScopeState, now: Moment, policy: OutagePolicy) -> ScopeState:
    """Old bad trials are forgotten after a long time in NORMAL; not worth a transition."""
    calm = state.mode is Mode.NORMAL and now.since(state.since) >= policy.back_off_forgotten_seconds
    return replace(state, bad_trials=0) if calm and state.bad_trials else state


class Decision(StrEnum):
    """What the dialplan is told to do with a scope's calls."""

    NORMAL = "normal"
    PINNED = "pinned"
    DIVERT = "divert"
    TRIAL = "trial"


def effective(state: ScopeState, override: Override | None) -> Decision:
    """The decision to publish: a person's word beats the machine's."""
    if override is not None and override.kind is OverrideKind.DR:
        return Decision.DIVERT
    if override is not None and override.kind is OverrideKind.NORMAL:
        return Decision.PINNED
    return {
        Mode.NORMAL: Decision.NORMAL,
        Mode.FAILED_OVER: Decision.DIVERT,
        Mode.HOLD_DOWN: Decision.DIVERT,
        Mode.TRIAL: Decision.TRIAL,
    }[state.mode]
