"""What the judge adds to the weighing: which evidence it asks for, and of whom."""

from __future__ import annotations

import pytest

from ringfence.app.judge import Judge, Watched
from ringfence.domain.health import EvidenceKind, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.outcomes import CallOutcome, OutcomeClass, OutcomePolicy
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Evidence, Speaks, VerdictState, WitnessPolicy
from tests.unit.moments import at

DIDS = [f"+4411349600{number:02}" for number in range(10)]

PLATFORM, OTHER = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.PLATFORM, "other")
UNUSUAL = Evidence(EvidenceKind.SHORT_CALLS, Speaks.AGAINST, "9 of 10 calls ended within 3 s")


def test_hints_are_asked_for_at_each_verdict_and_of_the_platform_itself() -> None:
    now_known: dict[TargetId, tuple[Evidence, ...]] = {}
    watched = [Watched(target, (EvidenceKind.SIP_OPTIONS,), RiseFall(1, 2)) for target in (PLATFORM, OTHER)]
    policies = {"uc": OutcomePolicy(), "other": OutcomePolicy()}
    judge = Judge(watched, policies, WitnessPolicy(), lambda _: True, hints=lambda t: now_known.get(t, ()))
    for target in (PLATFORM, OTHER):
        judge.observe(Observation(target, EvidenceKind.SIP_OPTIONS, True, at(1), "answered 200"))
    assert judge.verdict(PLATFORM, at(2)).state is VerdictState.UP
    now_known[PLATFORM] = (UNUSUAL,)
    verdict = judge.verdict(PLATFORM, at(3))
    assert (verdict.state, verdict.reason) == (VerdictState.DEGRADED, Reason.UNUSUAL_CALLS)
    assert UNUSUAL in verdict.evidence
    assert judge.verdict(OTHER, at(3)).state is VerdictState.UP


def test_a_host_is_as_alive_as_the_liveliest_thing_on_it_even_before_anything_was_heard() -> None:
    """Asked in two ways, and known from before by one of them: after a start that hears nobody it is a witness."""
    options, contact = EvidenceKind.SIP_OPTIONS, EvidenceKind.CONTACT_STATUS
    others = [TargetId(TargetRole.TRUNK, name) for name in ("a", "b")]
    watched = [Watched(PLATFORM, (options,), RiseFall(1, 1))]
    watched += [Watched(other, (contact, options), RiseFall(1, 1)) for other in others]
    passed = {(target, options): at(0).wall for target in (PLATFORM, *others)}
    judge = Judge(watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda _: True, passed)
    for target in (PLATFORM, *others):
        judge.observe(Observation(target, options, False, at(1), "no answer"))
    assert judge.verdict(PLATFORM, at(2)).reason is Reason.WE_MAY_BE_CUT_OFF


@pytest.mark.parametrize(("minutes", "outage"), [(59, True), (61, False)])
def test_ten_telephones_that_are_gone_are_an_outage_only_if_they_were_reached_lately(
    minutes: int, outage: bool
) -> None:
    """At night everybody may be logged out; a platform that has lost its users by day has just reached them."""
    watched = [Watched(PLATFORM, (EvidenceKind.SIP_OPTIONS,), RiseFall(1, 2))]
    judge = Judge(watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda did: did in DIDS)
    judge.observe(Observation(PLATFORM, EvidenceKind.SIP_OPTIONS, True, at(0), "answered 200"))
    for did in DIDS:
        judge.observe_call(CallOutcome("uc", did, "+442079460001", OutcomeClass.PUT_THROUGH, None, at(0)))
    rung = at(minutes * 60)
    for number, did in enumerate(DIDS):
        caller = f"+44207946000{number % 3}"
        assert judge.observe_call(CallOutcome("uc", did, caller, OutcomeClass.UNDELIVERABLE, 480, rung))
    verdict = judge.verdict(PLATFORM, rung.plus(1))
    assert (verdict.reason is Reason.REFUSING_CALLS) is outage
    assert verdict.state is (VerdictState.DOWN if outage else VerdictState.DEGRADED)
