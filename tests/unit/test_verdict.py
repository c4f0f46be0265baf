"""Evidence weighed: each rule of docs/explanation/outage-decision.md as a case."""

from __future__ import annotations

import pytest

from ringfence.domain.health import EvidenceKind, Health, HealthState
from ringfence.domain.outcomes import CallOutcome, CallWindow, OutcomeClass, OutcomePolicy
from ringfence.domain.reasons import SENTENCES, Reason
from ringfence.domain.verdict import (
    CarrierCalls,
    Cause,
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
NEVER = Health(HealthState.UNKNOWN, 0, False, None, None, at(1), at(99), "no answer")
A, B = "a.example", "b.example"
ALIVE = Health(HealthState.UP, 0, True, at(99), at(0), None, at(99), "answered")
CUT_WITH_US = Health(HealthState.DOWN, 0, True, at(90.5), None, at(91.2), at(99), "no answer")
LONG_DEAD = Health(HealthState.DOWN, 0, True, at(-500), None, at(-499), at(99), "no answer")


def weigh(
    probes: dict[EvidenceKind, Health],
    window: CallWindow | None = None,
    witnesses: dict[str, Health] | None = None,
    calls: CarrierCalls | None = None,
) -> Verdict:
    surroundings = Surroundings(witnesses or {}, calls)
    return weigh_platform(probes, window or CallWindow(), surroundings, NOW, OutcomePolicy(), WitnessPolicy())


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
        {A: LONG_DEAD, B: LONG_DEAD},  # dead before: no testimony
        {A: ALIVE, B: CUT_WITH_US},
    ],
)
def test_an_outage_is_believed_without_living_witnesses_or_with_one_that_answers(
    witnesses: dict[str, Health],
) -> None:
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=witnesses)
    assert (verdict.state, verdict.cause) == (VerdictState.DOWN, Cause.SILENCE)


def test_carrier_calls_speak_against_isolation() -> None:
    witnesses = {A: CUT_WITH_US, B: CUT_WITH_US}
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses=witnesses, calls=CarrierCalls(at(50), at(98)))
    assert verdict.state is VerdictState.DOWN


@pytest.mark.parametrize(("back_since", "state"), [(99.0, VerdictState.UNKNOWN), (96.0, VerdictState.DOWN)])
def test_a_witness_that_came_back_is_believed_only_after_a_while(back_since: float, state: VerdictState) -> None:
    back = Health(HealthState.UP, 0, True, at(99.5), at(back_since), None, at(99.5), "answered")
    verdict = weigh({OPTIONS: DOWN, CONTACT: DOWN}, witnesses={A: back, B: CUT_WITH_US})
    assert verdict.state is state


def test_refusing_is_believed_even_when_nothing_else_answers() -> None:
    verdict = weigh({OPTIONS: UP, CONTACT: UP}, refused(10, None), witnesses={A: CUT_WITH_US, B: CUT_WITH_US})
    assert (verdict.state, verdict.cause) == (VerdictState.DOWN, Cause.REFUSING)


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
