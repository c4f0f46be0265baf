"""Evidence weighed: each rule of docs/explanation/outage-decision.md as a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.domain.carrier_calls import CarrierCalls
from ringfence.domain.health import EvidenceKind, Health, HealthState, remembered
from ringfence.domain.outcomes import CallOutcome, CallWindow, OutcomeClass, OutcomePolicy
from ringfence.domain.reasons import SENTENCES, Reason
from ringfence.domain.verdict import (
    Cause,
    Evidence,
    Speaks,
    Surroundings,
    Verdict,
    VerdictState,
    WitnessPolicy,
    weigh_platform,
    weigh_trunk,
)
from tests.unit.moments import at

OPTIONS, CONTACT = EvidenceKind.SIP_OPTIONS, EvidenceKind.CONTACT_STATUS
NOW = at(100)
UP = Health(HealthState.UP, 0, True, at(99), at(0), None, at(99), "answered")
WAVERING = Health(HealthState.UP, 2, True, at(98), None, at(99), at(99), "no answer")
DOWN = Health(HealthState.DOWN, 0, True, at(90), None, at(91), at(99), "no answer")
JUST_DOWN = Health(HealthState.DOWN, 0, True, at(98), None, at(99.9), at(99.9), "no answer")
NEVER = Health(HealthState.UNKNOWN, 0, False, None, None, at(1), at(99), "no answer")
A, B = "a.example", "b.example"
ALIVE = Health(HealthState.UP, 0, True, at(99), at(0), None, at(99), "answered")
CUT_WITH_US = Health(HealthState.DOWN, 0, True, at(90.5), None, at(91.2), at(99), "no answer")
DAY = 86_400
DEAD_A_DAY = Health(HealthState.DOWN, 0, True, at(-DAY), None, at(1 - DAY), at(99), "no answer")
LONG_DEAD = Health(HealthState.DOWN, 0, True, at(-31 * DAY), None, at(1 - 31 * DAY), at(99), "no answer")


def weigh(
    probes: dict[EvidenceKind, Health],
    window: CallWindow | None = None,
    witnesses: dict[str, Health] | None = None,
    calls: CarrierCalls | None = None,
    hints: tuple[Evidence, ...] = (),
) -> Verdict:
    surroundings = Surroundings(witnesses or {}, calls)
    window = window or CallWindow()
    return weigh_platform(probes, window, surroundings, NOW, OutcomePolicy(), WitnessPolicy(), hints)


def put_through(second: float) -> CallWindow:
    return CallWindow((), at(second))


def put_through_then_failed() -> CallWindow:
    kind = OutcomeClass.FAILURE
    failures = tuple(CallOutcome("uc", f"+44{n}", f"+1{n}", kind, None, at(97)) for n in range(2))
    return CallWindow(failures, at(95))


def refused(count: int, status: int | None = 480) -> CallWindow:
    kind = OutcomeClass.UNDELIVERABLE
    failures = tuple(CallOutcome("uc", f"+44{n}", f"+1{n}", kind, status, at(95)) for n in range(count))
    return CallWindow(failures)


def logged_out(count: int) -> CallWindow:
    return CallWindow(tuple(replace(failure, doubtful=True) for failure in refused(count).failures))


def unusual(kind: EvidenceKind, speaks: Speaks) -> Evidence:
    return Evidence(kind, speaks, "2 of the last 25 calls were answered")


RATIO, SHORT = EvidenceKind.ANSWER_RATIO, EvidenceKind.SHORT_CALLS


@pytest.mark.parametrize(
    ("hints", "state", "reason"),
    [
        ((), VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED),
        ((unusual(RATIO, Speaks.FOR),), VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED),
        ((unusual(SHORT, Speaks.AGAINST),), VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED),
        ((unusual(RATIO, Speaks.AGAINST),), VerdictState.DOWN, Reason.REFUSING_CALLS),
    ],
)
def test_telephones_that_may_be_logged_out_are_an_outage_only_at_an_hour_at_which_people_answer(
    hints: tuple[Evidence, ...], state: VerdictState, reason: Reason
) -> None:
    verdict = weigh({OPTIONS: UP, CONTACT: UP}, logged_out(10), hints=hints)
    assert (verdict.state, verdict.reason) == (state, reason)
    few = weigh({OPTIONS: UP, CONTACT: UP}, logged_out(9), hints=hints)
    assert few.state is VerdictState.DEGRADED


@pytest.mark.parametrize("last_said", [UP, DOWN])
def test_who_cannot_tell_any_more_does_not_outvote_who_can(last_said: Health) -> None:
    """Without ARI the contact status was what it had been for ever: no silence was ever seen, and no recovery."""
    mute = replace(last_said, last_answer_at=at(99), mute_since=at(95))
    assert weigh({OPTIONS: DOWN, CONTACT: mute}).state is VerdictState.DOWN
    assert weigh({OPTIONS: UP, CONTACT: mute}).state is VerdictState.UP
    hesitant = replace(mute, mute_since=at(97))
    assert weigh({OPTIONS: DOWN, CONTACT: replace(hesitant, state=HealthState.UP)}).state is VerdictState.DEGRADED


def test_where_nobody_can_tell_any_more_nothing_is_decided() -> None:
    mute = replace(DOWN, mute_since=at(95))
    registered = {EvidenceKind.REGISTRATION: DOWN}
    assert weigh({OPTIONS: replace(UP, mute_since=at(95)), CONTACT: mute, **registered}).state is not VerdictState.DOWN


@pytest.mark.parametrize(
    ("probes", "window", "state", "reason"),
    [
        ({OPTIONS: UP, CONTACT: UP}, None, VerdictState.UP, Reason.ANSWERING),
        ({OPTIONS: WAVERING, CONTACT: UP}, None, VerdictState.UP, Reason.MISSING_ANSWERS),
        ({OPTIONS: DOWN, CONTACT: UP}, None, VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES),
        ({OPTIONS: UP, CONTACT: DOWN}, None, VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES),
        ({OPTIONS: DOWN, CONTACT: DOWN}, None, VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: DOWN, CONTACT: NEVER}, None, VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: NEVER, CONTACT: NEVER}, None, VerdictState.UNKNOWN, Reason.NEVER_SEEN_UP),
        ({OPTIONS: NEVER, CONTACT: NEVER}, put_through(99), VerdictState.UP, Reason.CALLS_PUT_THROUGH),
        (
            {OPTIONS: DOWN, CONTACT: DOWN},
            put_through(95),
            VerdictState.DEGRADED,
            Reason.CALLS_PUT_THROUGH_DESPITE_SILENCE,
        ),
        ({OPTIONS: DOWN, CONTACT: DOWN}, put_through(90), VerdictState.DOWN, Reason.SILENT),
        # A ring that was on its way when the platform died.
        ({OPTIONS: DOWN, CONTACT: DOWN}, put_through(91.1), VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: DOWN, CONTACT: JUST_DOWN}, put_through(99.4), VerdictState.DOWN, Reason.SILENT),
        # A moment ago it rang: where packets are lost, OPTIONS may be missed several times in a row.
        (
            {OPTIONS: DOWN, CONTACT: JUST_DOWN},
            put_through(99.6),
            VerdictState.DEGRADED,
            Reason.CALLS_PUT_THROUGH_DESPITE_SILENCE,
        ),
        ({OPTIONS: DOWN, CONTACT: DOWN}, put_through_then_failed(), VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: UP, CONTACT: UP}, refused(10), VerdictState.DOWN, Reason.REFUSING_CALLS),
        ({OPTIONS: UP, CONTACT: UP}, refused(9), VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED),
    ],
)
def test_rules(
    probes: dict[EvidenceKind, Health], window: CallWindow | None, state: VerdictState, reason: Reason
) -> None:
    verdict = weigh(probes, window)
    assert (verdict.state, verdict.reason) == (state, reason)
    assert verdict.reason in SENTENCES
    assert len(verdict.evidence) == 3


def test_cut_off_when_every_witness_fell_silent_with_the_platform() -> None:
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: CUT_WITH_US, B: CUT_WITH_US})
    assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)


@pytest.mark.parametrize(
    "witnesses",
    [
        {},
        {B: CUT_WITH_US},  # one dead control target never blocks
        {A: LONG_DEAD, B: LONG_DEAD},  # nobody expects them any more
        {A: CUT_WITH_US, B: LONG_DEAD},
        {A: ALIVE, B: CUT_WITH_US},
    ],
)
def test_an_outage_is_believed_without_living_witnesses_or_with_one_that_answers(
    witnesses: dict[str, Health],
) -> None:
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=witnesses)
    assert (verdict.state, verdict.cause) == (VerdictState.DOWN, Cause.SILENCE)


def test_cut_off_also_when_all_witnesses_but_one_had_fallen_silent_long_before() -> None:
    """All carriers were dead for an hour, then the node's cable was pulled."""
    for last in (CUT_WITH_US, DEAD_A_DAY):
        verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: DEAD_A_DAY, B: last})
        assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: DEAD_A_DAY, B: ALIVE})
    assert verdict.state is VerdictState.DOWN


def test_where_all_witnesses_are_dead_one_call_that_comes_in_is_enough() -> None:
    dead = {A: DEAD_A_DAY, B: DEAD_A_DAY}
    for came_in, state in ((96, VerdictState.UNKNOWN), (94, VerdictState.DOWN), (89, VerdictState.UNKNOWN)):
        calls = CarrierCalls((at(came_in),))
        assert weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=dead, calls=calls).state is state, came_in


def test_carrier_calls_speak_against_isolation() -> None:
    witnesses = {A: CUT_WITH_US, B: CUT_WITH_US}
    calls = CarrierCalls((at(50), at(90), at(91.5), at(98)))
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=witnesses, calls=calls)
    assert verdict.state is VerdictState.DOWN


def test_a_run_of_calls_that_our_own_cable_interrupted_begins_anew() -> None:
    """Cut off from 91 to 98 s, with calls coming in before and after: too close for two runs."""
    witnesses = {A: CUT_WITH_US, B: CUT_WITH_US}
    for after in ((98.5,), (98.5, 99, 99.5)):
        calls = CarrierCalls(tuple(at(second) for second in (80, 85, 90, *after)))
        verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=witnesses, calls=calls)
        assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF), after


def test_a_busy_run_of_calls_is_kept_small_and_keeps_its_latest() -> None:
    run = CarrierCalls((at(0),))
    for number in range(10_000):
        run = run.another(at(number / 100))
    assert len(run.at) == CarrierCalls.MOST and run.at[-1] == at(99.99)
    assert run.since(at(99.5)) == (run.at[0], at(99.99))
    assert run.another(at(110)).at == (at(110),)


@pytest.mark.parametrize(("back_since", "state"), [(96.0, VerdictState.UNKNOWN), (94.0, VerdictState.DOWN)])
def test_a_witness_that_came_back_is_believed_only_after_a_while(back_since: float, state: VerdictState) -> None:
    back = Health(HealthState.UP, 0, True, at(99.5), at(back_since), None, at(99.5), "answered")
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: back, B: CUT_WITH_US})
    assert verdict.state is state


def test_nobody_who_came_back_with_the_platform_testifies_against_it() -> None:
    back = Health(HealthState.UP, 0, True, at(99.5), at(94), None, at(99.5), "answered")
    rising = replace(DOWN, contrary=1, passing_since=at(99), last_passed_at=at(99), missing_since=None)
    verdict = weigh({OPTIONS: rising, CONTACT: DOWN}, witnesses={A: back, B: CUT_WITH_US})
    assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)


def test_a_kind_that_was_missed_before_the_cut_does_not_make_the_silence_older() -> None:
    """OPTIONS had been dropped for long, the contact status was well, and a witness was heard until the cable went."""
    dropped = Health(HealthState.DOWN, 0, True, at(10), None, at(11), at(99), "no answer", down_since=at(11))
    verdict = weigh({OPTIONS: dropped, CONTACT: DOWN}, witnesses={A: CUT_WITH_US, B: CUT_WITH_US})
    assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)
    through = put_through(50)
    assert weigh({OPTIONS: dropped, CONTACT: DOWN}, through).state is VerdictState.DOWN, "that was no silence yet"


@pytest.mark.parametrize("came_back_at", [94.5, 60.0])
def test_a_late_miss_of_another_kind_does_not_make_the_silence_younger(came_back_at: float) -> None:
    """The cable is plugged in again. The contact status, asked before, is missed only now; OPTIONS were missed for 40
    seconds, and one has just been answered. A witness that came back in between proves nothing."""
    rising = replace(DOWN, contrary=1, passing_since=at(99.5), last_passed_at=at(99.5), missing_since=None)
    options = replace(rising, down_since=at(59))
    contact = replace(DOWN, missing_since=at(99), down_since=at(99))
    back = Health(HealthState.UP, 0, True, at(99.6), at(came_back_at), None, at(99.6), "answered")
    verdict = weigh({OPTIONS: options, CONTACT: contact}, witnesses={A: back, B: CUT_WITH_US})
    assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)
    steady = replace(back, passing_since=at(0))
    assert weigh({OPTIONS: options, CONTACT: contact}, witnesses={A: steady, B: CUT_WITH_US}).state is VerdictState.DOWN


def test_a_node_that_starts_cut_off_remembers_that_its_witnesses_used_to_answer() -> None:
    unheard = replace(remembered(True), missing_since=at(96), last_answer_at=at(99))
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: unheard, B: unheard})
    assert (verdict.state, verdict.reason) == (VerdictState.UNKNOWN, Reason.WE_MAY_BE_CUT_OFF)
    never = replace(remembered(False), missing_since=at(96), last_answer_at=at(99))
    assert weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: unheard, B: never}).state is VerdictState.DOWN


def test_refusing_is_believed_even_when_nothing_else_answers() -> None:
    verdict = weigh({OPTIONS: UP, CONTACT: UP}, refused(10, None), witnesses={A: CUT_WITH_US, B: CUT_WITH_US})
    assert (verdict.state, verdict.cause) == (VerdictState.DOWN, Cause.REFUSING)


def hint(speaks: Speaks) -> Evidence:
    return Evidence(EvidenceKind.ANSWER_RATIO, speaks, "1 of 20 calls answered, usually 16")


@pytest.mark.parametrize(
    ("probes", "window", "speaks", "state", "reason"),
    [
        ({OPTIONS: UP}, None, Speaks.AGAINST, VerdictState.DEGRADED, Reason.UNUSUAL_CALLS),
        ({OPTIONS: UP}, None, Speaks.FOR, VerdictState.UP, Reason.ANSWERING),
        ({OPTIONS: UP}, None, Speaks.NEITHER, VerdictState.UP, Reason.ANSWERING),
        ({OPTIONS: NEVER}, put_through(99), Speaks.AGAINST, VerdictState.DEGRADED, Reason.UNUSUAL_CALLS),
        # A hint changes no other verdict, and hides no other reason.
        ({OPTIONS: NEVER}, None, Speaks.AGAINST, VerdictState.UNKNOWN, Reason.NEVER_SEEN_UP),
        ({OPTIONS: DOWN}, None, Speaks.FOR, VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: UP}, refused(10), Speaks.FOR, VerdictState.DOWN, Reason.REFUSING_CALLS),
        ({OPTIONS: UP}, refused(9), Speaks.AGAINST, VerdictState.DEGRADED, Reason.SOME_CALLS_REFUSED),
    ],
)
def test_an_unusual_thing_about_the_calls_degrades_and_no_more(
    probes: dict[EvidenceKind, Health], window: CallWindow | None, speaks: Speaks, state: VerdictState, reason: Reason
) -> None:
    verdict = weigh(probes, window, hints=(hint(speaks),))
    assert (verdict.state, verdict.reason, verdict.cause is None) == (state, reason, state is not VerdictState.DOWN)
    assert hint(speaks) in verdict.evidence


CALLS = EvidenceKind.CALL_OUTCOMES
REFUSED_CALLS = Health(HealthState.DOWN, 0, True, at(10), None, at(90), at(99), "a call ended with 503")
REFUSED_LONG_AGO = Health(HealthState.DOWN, 0, True, at(10), None, at(20), at(30), "a call ended with 503")


@pytest.mark.parametrize(
    ("probes", "state"),
    [
        ({OPTIONS: DOWN, CONTACT: DOWN}, VerdictState.DOWN),
        ({OPTIONS: DOWN, CONTACT: DOWN, CALLS: UP}, VerdictState.DOWN),
        ({OPTIONS: NEVER, CONTACT: NEVER}, VerdictState.UNKNOWN),
        ({OPTIONS: UP}, VerdictState.UP),
        ({OPTIONS: UP, CALLS: REFUSED_CALLS}, VerdictState.DOWN),
        ({OPTIONS: UP, CALLS: REFUSED_LONG_AGO}, VerdictState.DEGRADED),
        ({OPTIONS: UP, CALLS: NEVER}, VerdictState.UP),
    ],
)
def test_a_trunk_is_judged_by_its_probes_and_its_calls(probes: dict[EvidenceKind, Health], state: VerdictState) -> None:
    assert weigh_trunk(probes, NOW).state is state


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Reason)
