"""What each rank of evidence may do to a verdict, over every combination of what the kinds can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from ringfence.app.judge import Judge, Watched
from ringfence.domain.health import EvidenceKind, Health, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.outage import Mode, OutagePolicy, Signal, decide, first_state
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.reasons import LESSER_FAULTS, Reason
from ringfence.domain.verdict import Cause, Speaks, Verdict, VerdictState, WitnessPolicy, weigh_trunk
from tests.tidy.verdict_table import CALLS, GOOD, LOST, NEVER, NOW, STALE, weighed
from tests.unit.moments import at

OPTIONS, CONTACT = EvidenceKind.SIP_OPTIONS, EvidenceKind.CONTACT_STATUS
REGISTRATION, CERTIFICATE = EvidenceKind.REGISTRATION, EvidenceKind.CERTIFICATE
TCP, HTTP = EvidenceKind.TCP, EvidenceKind.HTTP
NOT_NEW = replace(GOOD, last_passed_at=at(990), mute_since=at(991))
Probes = dict[EvidenceKind, Health]


def every(**states: tuple[Health | None, ...]) -> Iterator[Probes]:
    kinds = [EvidenceKind(name) for name in states]
    for combined in product(*states.values()):
        yield {kind: health for kind, health in zip(kinds, combined, strict=True) if health is not None}


SIP = list(
    every(
        sip_options=(GOOD, LOST, NEVER, None),
        contact_status=(GOOD, LOST, NEVER),
        registration=(GOOD, STALE, LOST, NEVER, None),
    )
)
REST = list(every(tcp=(GOOD, LOST, NEVER, None), http=(GOOD, LOST, None), certificate=(GOOD, LOST, NEVER, None)))


@pytest.mark.parametrize("calls", CALLS)
def test_what_is_not_of_sip_degrades_a_platform_that_is_up_and_changes_no_other_verdict(calls: str) -> None:
    for sip in SIP:
        alone = weighed(sip, CALLS[calls])
        for rest in REST:
            verdict = weighed({**sip, **rest}, CALLS[calls])
            if alone.state is VerdictState.UP:
                fails = LOST in (rest.get(TCP), rest.get(HTTP)) or rest.get(CERTIFICATE) in (LOST, NEVER)
                assert verdict.state is (VerdictState.DEGRADED if fails else VerdictState.UP)
                assert verdict.reason in (LESSER_FAULTS if fails else {alone.reason})
            else:
                assert (verdict.state, verdict.cause) == (alone.state, alone.cause)


@pytest.mark.parametrize("calls", ["none", "put through"])
def test_no_platform_is_down_while_sip_or_calls_speak_for_it_or_before_sip_ever_did(calls: str) -> None:
    for sip in SIP:
        down = weighed(sip, CALLS[calls]).state is VerdictState.DOWN
        prompt = [health for kind, health in sip.items() if kind is not REGISTRATION and health is not NEVER]
        registration = sip.get(REGISTRATION)
        silent = bool(prompt) and all(health is LOST for health in prompt) and registration is not GOOD
        silent = silent or (not prompt and registration is LOST)
        assert down is (silent and calls == "none")


def test_the_verdict_names_an_open_port_behind_which_nothing_answers() -> None:
    verdict = weighed({OPTIONS: LOST, CONTACT: LOST, TCP: GOOD}, CALLS["none"])
    assert verdict.reason is Reason.SILENT_BEHIND_OPEN_PORT
    assert {(line.kind, line.speaks) for line in verdict.evidence} >= {
        (OPTIONS, Speaks.AGAINST),
        (CONTACT, Speaks.AGAINST),
        (TCP, Speaks.FOR),
    }


def test_a_registration_counts_against_silence_for_a_minute_and_no_longer() -> None:
    for passed, state in ((985, VerdictState.DEGRADED), (939, VerdictState.DOWN), (980.4, VerdictState.DOWN)):
        renewed = replace(GOOD, last_passed_at=at(passed))
        silent = replace(LOST, missing_since=at(930) if passed == 939 else at(980))
        assert weighed({OPTIONS: silent, CONTACT: silent, REGISTRATION: renewed}, CALLS["none"]).state is state


@pytest.mark.parametrize(
    ("probes", "state", "reason"),
    [
        # A control target that is asked by TCP alone lives and dies by it.
        ({TCP: GOOD}, VerdictState.UP, Reason.ANSWERING),
        ({TCP: LOST}, VerdictState.DOWN, Reason.SILENT),
        ({TCP: LOST, HTTP: GOOD}, VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES),
        ({TCP: NEVER}, VerdictState.UNKNOWN, Reason.NEVER_SEEN_UP),
        ({OPTIONS: LOST, TCP: GOOD}, VerdictState.DOWN, Reason.SILENT_BEHIND_OPEN_PORT),
        ({OPTIONS: GOOD, TCP: LOST}, VerdictState.DEGRADED, Reason.WEAK_CHECK_FAILS),
        ({OPTIONS: GOOD, REGISTRATION: LOST}, VerdictState.DEGRADED, Reason.REGISTRATION_LOST),
        # Asterisk calls itself registered until a renewal fails, an hour later.
        ({OPTIONS: LOST, REGISTRATION: STALE}, VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: LOST, REGISTRATION: GOOD}, VerdictState.DEGRADED, Reason.REGISTERED_DESPITE_SILENCE),
        # Between two renewals there is nothing new to say, and what the last one said is no older by it.
        ({OPTIONS: LOST, REGISTRATION: NOT_NEW}, VerdictState.DEGRADED, Reason.REGISTERED_DESPITE_SILENCE),
        ({REGISTRATION: NOT_NEW}, VerdictState.UP, Reason.ANSWERING),
        ({OPTIONS: NEVER, REGISTRATION: LOST}, VerdictState.DOWN, Reason.SILENT),
        ({REGISTRATION: LOST}, VerdictState.DOWN, Reason.SILENT),
        ({OPTIONS: GOOD, CERTIFICATE: NEVER}, VerdictState.DEGRADED, Reason.CERTIFICATE_FAILS),
        ({OPTIONS: GOOD, CERTIFICATE: GOOD}, VerdictState.UP, Reason.ANSWERING),
    ],
)
def test_trunks_and_control_targets(probes: Probes, state: VerdictState, reason: Reason) -> None:
    verdict = weigh_trunk(probes, NOW)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize("reason", sorted(LESSER_FAULTS))
def test_what_diverts_no_call_keeps_none_diverted(reason: Reason) -> None:
    outage = Verdict(VerdictState.DOWN, Reason.SILENT, cause=Cause.SILENCE)
    down = decide(first_state("uc", at(0)), outage, at(1), OutagePolicy()).state
    assert down.mode is Mode.FAILED_OVER
    step = decide(down, Verdict(VerdictState.DEGRADED, reason), at(2), OutagePolicy())
    assert step.transition is not None
    assert step.transition.signal is Signal.RECOVERY
    assert (
        decide(first_state("uc", at(0)), Verdict(VerdictState.DEGRADED, reason), at(1), OutagePolicy()).transition
        is None
    )


def test_only_what_speaks_sip_hurries_the_probes() -> None:
    platform, control = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.CONTROL, "edge")
    kinds = (OPTIONS, REGISTRATION, TCP, HTTP, CERTIFICATE)
    judge = Judge(
        [Watched(platform, kinds, RiseFall(1, 3)), Watched(control, (TCP,), RiseFall(1, 3))],
        {"uc": OutcomePolicy()},
        WitnessPolicy(),
        lambda _: True,
    )
    for kind in kinds:
        judge.observe(Observation(platform, kind, True, at(1), ""))
    for kind in (TCP, HTTP, CERTIFICATE):
        judge.observe(Observation(platform, kind, False, at(2), ""))
    assert not judge.undecided(platform)
    assert not judge.undecided(control)
    judge.observe(Observation(platform, REGISTRATION, False, at(3), ""))
    assert judge.undecided(platform)
    assert judge.undecided(control)
