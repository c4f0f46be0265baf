"""The mode machine: its table, its timing, and Hypothesis trying to break its promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.outage import (
    TRANSITIONS,
    Decision,
    FailbackPolicy,
    Mode,
    OutagePolicy,
    ScopeState,
    Signal,
    TrialTally,
    decide,
    effective,
    first_state,
)
from ringfence.domain.override import Override, OverrideKind, OverrideTarget, standing_override
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause, Verdict, VerdictState
from tests.unit.moments import at

POLICY = OutagePolicy(hold_down_seconds=60, max_hold_down_seconds=600, trial_calls=3, trial_failures=2)
UP = Verdict(VerdictState.UP, Reason.ANSWERING)
SILENT = Verdict(VerdictState.DOWN, Reason.SILENT, (), Cause.SILENCE)
REFUSING = Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, (), Cause.REFUSING)
UNKNOWN = Verdict(VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)
NEVER_SEEN = Verdict(VerdictState.UNKNOWN, Reason.NEVER_SEEN_UP)
DEGRADED = Verdict(VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES)
VERDICTS = [UP, SILENT, REFUSING, UNKNOWN, DEGRADED]


def in_mode(mode: Mode, cause: Cause | None = Cause.SILENCE) -> ScopeState:
    return replace(first_state("uc", at(0)), mode=mode, cause=cause, version=5)


FOUND = replace(in_mode(Mode.FAILED_OVER, Cause.REFUSING), reason=Reason.FOUND_IN_ASTERISK)


@pytest.mark.parametrize(
    ("state", "verdict", "second", "after"),
    [
        (in_mode(Mode.NORMAL), SILENT, 1, Mode.FAILED_OVER),
        (in_mode(Mode.NORMAL), REFUSING, 1, Mode.FAILED_OVER),
        (in_mode(Mode.NORMAL), DEGRADED, 1, Mode.NORMAL),
        (in_mode(Mode.NORMAL), UNKNOWN, 1, Mode.NORMAL),
        (in_mode(Mode.FAILED_OVER), UP, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.FAILED_OVER), UNKNOWN, 1, Mode.FAILED_OVER),
        (in_mode(Mode.FAILED_OVER), DEGRADED, 1, Mode.FAILED_OVER),
        (in_mode(Mode.FAILED_OVER, Cause.REFUSING), UP, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.FAILED_OVER, Cause.REFUSING), SILENT, 1, Mode.FAILED_OVER),
        (in_mode(Mode.FAILED_OVER, Cause.REFUSING), REFUSING, 1, Mode.FAILED_OVER),
        (in_mode(Mode.FAILED_OVER, Cause.REFUSING), DEGRADED, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.FAILED_OVER, Cause.REFUSING), NEVER_SEEN, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.FAILED_OVER, Cause.SILENCE), NEVER_SEEN, 1, Mode.FAILED_OVER),
        (FOUND, NEVER_SEEN, 99999, Mode.FAILED_OVER),
        (FOUND, UP, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.HOLD_DOWN, Cause.REFUSING), NEVER_SEEN, 60, Mode.TRIAL),
        (in_mode(Mode.HOLD_DOWN), UP, 59, Mode.HOLD_DOWN),
        (in_mode(Mode.HOLD_DOWN), UP, 60, Mode.TRIAL),
        (in_mode(Mode.HOLD_DOWN), UNKNOWN, 60, Mode.HOLD_DOWN),
        (in_mode(Mode.HOLD_DOWN), SILENT, 1, Mode.FAILED_OVER),
        (in_mode(Mode.HOLD_DOWN, Cause.REFUSING), REFUSING, 1, Mode.HOLD_DOWN),
        (in_mode(Mode.TRIAL), UP, 99999, Mode.TRIAL),
        (in_mode(Mode.TRIAL), SILENT, 1, Mode.FAILED_OVER),
        (replace(in_mode(Mode.TRIAL), trial=TrialTally(good=3)), UP, 1, Mode.NORMAL),
        (replace(in_mode(Mode.TRIAL), trial=TrialTally(bad=2)), UP, 1, Mode.FAILED_OVER),
    ],
)
def test_steps(state: ScopeState, verdict: Verdict, second: float, after: Mode) -> None:
    step = decide(state, verdict, at(second), POLICY)
    assert step.state.mode is after
    assert (step.transition is None) == (after is state.mode)
    if step.transition:
        assert step.state.version == state.version + 1
        assert TRANSITIONS[state.mode][step.transition.signal] is after


def test_a_frozen_scope_does_not_move() -> None:
    for mode in Mode:
        for verdict in VERDICTS:
            state = in_mode(mode)
            assert decide(state, verdict, at(9999), POLICY, frozen=True).state is state


def test_manual_failback_waits_for_the_order() -> None:
    policy = replace(POLICY, failback=FailbackPolicy.MANUAL)
    state = in_mode(Mode.HOLD_DOWN)
    assert decide(state, UP, at(99999), policy).transition is None
    step = decide(state, UP, at(99999), policy, ordered=True)
    assert step.transition and step.transition.signal is Signal.FAILBACK_ORDERED
    assert step.state.mode is Mode.TRIAL


def test_a_person_may_end_a_trial_without_calls() -> None:
    assert decide(in_mode(Mode.TRIAL), UP, at(1), POLICY, ordered=True).state.mode is Mode.NORMAL


def test_bad_trials_double_the_hold_down_up_to_its_limit() -> None:
    state = first_state("uc", at(0))
    assert state.hold_down_seconds(POLICY) == 60
    assert replace(state, bad_trials=2).hold_down_seconds(POLICY) == 240
    assert replace(state, bad_trials=500).hold_down_seconds(POLICY) == 600
    relapsed = decide(replace(in_mode(Mode.TRIAL), trial=TrialTally(bad=2)), UP, at(1), POLICY).state
    assert (relapsed.bad_trials, relapsed.cause) == (1, Cause.REFUSING)


def test_bad_trials_are_forgotten_after_a_calm_day() -> None:
    state = replace(in_mode(Mode.NORMAL), bad_trials=3)
    assert decide(state, UP, at(3600), POLICY).state.bad_trials == 3
    assert decide(state, UP, at(86400), POLICY).state.bad_trials == 0


def override(kind: OverrideKind, scope: str | None, minute: int) -> Override:
    return Override(OverrideTarget(scope=scope), kind, "ann", "test", at(0).wall + timedelta(minutes=minute))


def test_the_scopes_own_word_beats_everythings_and_the_newest_wins() -> None:
    everything = override(OverrideKind.NORMAL, None, 9)
    own = override(OverrideKind.DR, "uc", 1)
    newer = override(OverrideKind.FREEZE, "uc", 2)
    assert standing_override([everything, own], "uc") is own
    assert standing_override([own, newer], "uc") is newer
    assert standing_override([own], "other") is None
    assert standing_override([everything, own], "other") is everything


@pytest.mark.parametrize("mode", list(Mode))
def test_an_override_always_wins(mode: Mode) -> None:
    assert effective(in_mode(mode), override(OverrideKind.DR, "uc", 0)) is Decision.DIVERT
    assert effective(in_mode(mode), override(OverrideKind.NORMAL, "uc", 0)) is Decision.PINNED
    assert effective(in_mode(mode), override(OverrideKind.FREEZE, "uc", 0)) is effective(in_mode(mode), None)


steps = st.lists(
    st.tuples(
        st.sampled_from(VERDICTS),
        st.floats(min_value=0.01, max_value=200),
        st.sampled_from([None, True, False]),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_whatever_happens_the_promises_hold(history: list[tuple[Verdict, float, bool | None, bool]]) -> None:
    state, now = first_state("uc", at(0)), at(0)
    transitions = []
    for verdict, seconds, trial_call, ordered in history:
        now = now.plus(seconds)
        if state.mode is Mode.TRIAL and trial_call is not None:
            state = replace(state, trial=state.trial.another(trial_call))
        before = state
        step = decide(state, verdict, now, POLICY, ordered=ordered)
        state = step.state
        if step.transition is None:
            assert state.mode is before.mode
            continue
        transitions.append(step.transition)
        assert TRANSITIONS[before.mode][step.transition.signal] is state.mode
        if verdict.state in (VerdictState.UNKNOWN, VerdictState.DEGRADED):
            # Only a trial's own calls may move to DR without a verdict of down.
            assert state.mode is not Mode.FAILED_OVER or before.trial.bad >= POLICY.trial_failures
        if before.mode is Mode.HOLD_DOWN and state.mode is Mode.TRIAL and not ordered:
            assert now.since(before.since) >= before.hold_down_seconds(POLICY)
        if state.mode is Mode.NORMAL:
            assert ordered or before.trial.good >= POLICY.trial_calls
    for earlier, later in pairwise(transitions):
        assert later.before is earlier.after
        assert later.version == earlier.version + 1
