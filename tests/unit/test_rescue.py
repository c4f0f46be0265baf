"""Who is rescued from a dead platform in mid-call, when, and who never is."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from ringfence.app.failover import Failover
from ringfence.app.judge import Judge
from ringfence.app.ports import AsteriskUnavailable, Leg
from ringfence.app.rescue import Caller, Rescuer, Standing, standing
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Decision, Mode, ScopeState, first_state
from ringfence.domain.reasons import Reason
from ringfence.domain.silence import SilencePolicy
from ringfence.domain.verdict import Cause, Verdict, VerdictState
from tests.fakes.clock import NOON, FakeClock

TALKING = Leg("talking", "uc", answered=True, ringing=True)
WAITING = Leg("waiting", "uc", answered=False, ringing=True)
DID = "+441134960012"


class FakeCalls:
    """Legs with what they have received; a rescued one leaves them."""

    def __init__(self, *legs: Leg) -> None:
        self.legs = list(legs)
        self.received = {leg.channel: 100 for leg in legs}
        self.on_hold: set[str] = set()
        self.foreign: set[str] = set()
        self.rescued: list[str] = []
        self.fault: AsteriskUnavailable | None = None

    async def platform_legs(self, endpoint: str) -> list[Leg]:
        if self.fault:
            raise self.fault
        return [leg for leg in self.legs if leg.endpoint == endpoint]

    async def packets(self, leg: Leg) -> int | None:
        return self.received.get(leg.channel)

    async def held(self, leg: Leg) -> bool:
        return leg.channel in self.on_hold

    async def caller(self, leg: Leg, scope: str) -> Caller | None:
        return None if leg.channel in self.foreign else Caller(leg.channel, leg.did)

    async def rescue(self, caller: Caller) -> bool:
        self.rescued.append(caller.channel)
        self.legs = [leg for leg in self.legs if leg.channel != caller.channel]
        return True


class Ward:
    """A rescuer of one platform, looked after second by second."""

    def __init__(self, calls: FakeCalls, pinned: str = "") -> None:
        self.calls = calls
        self.stands = Standing.WELL
        self.clock = FakeClock()
        policy = SilencePolicy(seconds=3, held_seconds=60)
        self.rescuer = Rescuer(
            calls, self.clock, lambda _: self.stands, {"uc": "uc"}, {"uc": policy}, lambda did: did == pinned
        )

    async def seconds(self, count: int, stands: Standing, *, silent: bool = True) -> list[str]:
        """So many looks; who has been rescued by then."""
        self.stands = stands
        for _ in range(count):
            if not silent:
                self.calls.received = {channel: count + 50 for channel, count in self.calls.received.items()}
            await self.rescuer.look("uc")
            await self.clock.advance(1)
        return self.calls.rescued


async def test_a_silent_leg_of_a_dead_platform_is_dead() -> None:
    ward = Ward(FakeCalls(TALKING, WAITING))
    assert await ward.seconds(3, Standing.DEAD) == []
    assert await ward.seconds(2, Standing.DEAD) == ["talking"]


async def test_silence_is_listened_to_while_the_verdict_is_not_there_yet() -> None:
    ward = Ward(FakeCalls(TALKING))
    assert await ward.seconds(10, Standing.IN_DOUBT) == []
    assert await ward.seconds(1, Standing.DEAD) == ["talking"]


async def test_nobody_is_rescued_from_a_platform_that_is_well() -> None:
    ward = Ward(FakeCalls(TALKING))
    assert await ward.seconds(60, Standing.WELL) == []
    assert await ward.seconds(3, Standing.DEAD) == [], "silence of before counts for nothing"


async def test_who_is_still_heard_is_left() -> None:
    ward = Ward(FakeCalls(TALKING))
    assert await ward.seconds(30, Standing.DEAD, silent=False) == []


async def test_who_is_held_is_waited_for_longer() -> None:
    calls = FakeCalls(TALKING)
    calls.on_hold.add("talking")
    ward = Ward(calls)
    assert await ward.seconds(60, Standing.DEAD) == []
    assert await ward.seconds(5, Standing.DEAD) == ["talking"]


async def test_after_the_recovery_only_those_who_were_silent_all_along_are_taken() -> None:
    later = Leg("later", "uc", answered=True, ringing=True)
    calls = FakeCalls(TALKING)
    ward = Ward(calls)
    await ward.seconds(2, Standing.DEAD)
    calls.legs.append(later)
    calls.received["later"] = 5
    assert await ward.seconds(20, Standing.BACK) == ["talking"]


async def test_who_is_heard_again_after_the_recovery_is_left_for_good() -> None:
    ward = Ward(FakeCalls(TALKING))
    await ward.seconds(2, Standing.DEAD)
    await ward.seconds(1, Standing.BACK, silent=False)
    assert await ward.seconds(20, Standing.BACK) == []


async def test_calls_of_others_and_of_pinned_dids_are_left() -> None:
    pinned = Leg("pinned", "uc", answered=True, ringing=True, did=DID)
    foreign = Leg("foreign", "uc", answered=True, ringing=True)
    calls = FakeCalls(pinned, foreign, TALKING)
    calls.foreign.add("foreign")
    assert await Ward(calls, pinned=DID).seconds(6, Standing.DEAD) == ["talking"]


async def test_an_asterisk_that_does_not_answer_is_asked_again() -> None:
    calls = FakeCalls(TALKING)
    ward = Ward(calls)
    calls.fault = AsteriskUnavailable("ARI did not answer in time.")
    assert await ward.seconds(5, Standing.DEAD) == []
    calls.fault = None
    assert await ward.seconds(5, Standing.DEAD) == ["talking"]


class Decided:
    """As much of the one writer as is asked: what is decided for a platform, and on what."""

    def __init__(self, mode: Mode, decision: Decision, cause: Cause | None, verdict: Verdict) -> None:
        state: ScopeState = first_state("uc", Moment(NOON, 1.0))
        self.states = {"uc": replace(state, mode=mode, cause=cause)}
        self.verdicts = {TargetId(TargetRole.PLATFORM, "uc"): verdict}
        self._decision = decision

    def decision(self, scope: str) -> Decision:
        return self._decision


class Asked:
    def __init__(self, undecided: bool) -> None:
        self._undecided = undecided

    def undecided(self, target: TargetId) -> bool:
        return self._undecided


SILENT = Verdict(VerdictState.DOWN, Reason.SILENT, cause=Cause.SILENCE)
REFUSING = Verdict(VerdictState.DOWN, Reason.REFUSING_CALLS, cause=Cause.REFUSING)
DISAGREEING = Verdict(VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES)
UP = Verdict(VerdictState.UP, Reason.ANSWERING)


@pytest.mark.parametrize(
    ("mode", "decision", "cause", "verdict", "undecided", "expected"),
    [
        (Mode.NORMAL, Decision.NORMAL, None, UP, False, Standing.WELL),
        (Mode.NORMAL, Decision.NORMAL, None, UP, True, Standing.IN_DOUBT),
        (Mode.FAILED_OVER, Decision.DIVERT, Cause.SILENCE, SILENT, False, Standing.DEAD),
        (Mode.FAILED_OVER, Decision.DIVERT, Cause.REFUSING, REFUSING, False, Standing.WELL),
        (Mode.FAILED_OVER, Decision.DIVERT, Cause.REFUSING, SILENT, True, Standing.WELL),
        (Mode.FAILED_OVER, Decision.DIVERT, Cause.SILENCE, UP, False, Standing.BACK),
        (Mode.HOLD_DOWN, Decision.DIVERT, Cause.SILENCE, UP, False, Standing.BACK),
        (Mode.HOLD_DOWN, Decision.DIVERT, Cause.REFUSING, UP, False, Standing.WELL),
        (Mode.NORMAL, Decision.DIVERT, None, UP, False, Standing.WELL),
        (Mode.NORMAL, Decision.NORMAL, None, DISAGREEING, False, Standing.IN_DOUBT),
        (Mode.NORMAL, Decision.DIVERT, None, SILENT, False, Standing.IN_DOUBT),
        (Mode.FAILED_OVER, Decision.PINNED, Cause.SILENCE, SILENT, False, Standing.IN_DOUBT),
        (Mode.TRIAL, Decision.TRIAL, Cause.SILENCE, UP, False, Standing.WELL),
    ],
)
def test_a_platform_is_dead_only_when_it_is_silent_and_the_failover_our_own(
    mode: Mode, decision: Decision, cause: Cause | None, verdict: Verdict, undecided: bool, expected: Standing
) -> None:
    failover = cast(Failover, Decided(mode, decision, cause, verdict))
    assert standing(failover, cast(Judge, Asked(undecided)), "uc") is expected
