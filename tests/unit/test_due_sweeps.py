"""A sweep begins when its value is in Asterisk, and only if it is still wanted by then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from ringfence.app.failover import Failover
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import AsteriskUnavailable, Leg
from ringfence.app.sweep import DueSweeps, Sweeper, SweepLimits
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.outage import Decision
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Verdict, VerdictState
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.unit.test_sweep import FakeSwitchboard

TRUNK = TargetId(TargetRole.TRUNK, "a")
DID, OTHER_DID = "+441134960001", "+441134960002"


@dataclass
class Decided:
    """What the failover has decided at this moment."""

    now: Decision = Decision.DIVERT
    verdicts: dict[TargetId, Verdict] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)

    def decision(self, scope: str) -> Decision:
        assert scope == "uc"
        return self.now


class Stage:
    """The publisher and the sweeps between fakes, wired as in the daemon."""

    def __init__(self) -> None:
        self.clock, self.astdb, self.decided = FakeClock(), FakeAstDb(), Decided()
        legs = [
            Leg("one", "uc", answered=False, ringing=False, did=DID),
            Leg("two", "uc", answered=False, ringing=False, did=OTHER_DID),
            Leg("out", "egress", answered=False, ringing=False),
        ]
        self.board = FakeSwitchboard(legs)
        sweeper = Sweeper(self.board, self.clock, SweepLimits(1, 100))
        endpoints = {"mode/uc": "uc", "egress/a": "egress"}
        self.sweeps = DueSweeps(
            sweeper, cast(Failover, self.decided), endpoints, lambda did: did in self.decided.pinned
        )
        self.modes = ModePublisher(self.astdb, self.clock)
        self.modes.on_put(self.sweeps.after_put)
        self.task = asyncio.create_task(self.modes.run())

    def decide(self, decision: Decision) -> None:
        self.decided.now = decision
        self.modes.want("mode/uc", f"1|{decision.value}")
        if decision is Decision.DIVERT:
            self.sweeps.want("mode/uc", False)

    def trunk(self, state: VerdictState) -> None:
        self.decided.verdicts[TRUNK] = Verdict(state, Reason.SILENT)
        self.modes.want("egress/a", f"1|{state.value}")
        if state is VerdictState.DOWN:
            self.sweeps.want("egress/a", True)

    async def asterisk_comes_back(self) -> list[str]:
        self.astdb.fault = None
        for _ in range(50):
            await self.clock.advance(0.1)
        return self.board.freed


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    made.astdb.fault = AsteriskUnavailable("away")
    await settle()
    yield made
    made.task.cancel()


async def test_nobody_is_freed_before_asterisk_holds_the_mode(stage: Stage) -> None:
    stage.decide(Decision.DIVERT)
    await stage.clock.advance(5)
    assert stage.board.freed == []
    assert await stage.asterisk_comes_back() == ["one", "two"]


@pytest.mark.parametrize("after", [Decision.PINNED, Decision.NORMAL, Decision.TRIAL])
async def test_an_outage_that_is_over_before_asterisk_heard_of_it_frees_nobody(stage: Stage, after: Decision) -> None:
    stage.decide(Decision.DIVERT)
    stage.decide(after)
    assert await stage.asterisk_comes_back() == []


async def test_a_running_sweep_ends_when_the_decision_changes(stage: Stage) -> None:
    stage.astdb.fault = None
    stage.decide(Decision.DIVERT)
    await settle()
    assert stage.board.freed == ["one"]
    stage.decide(Decision.NORMAL)
    assert await stage.asterisk_comes_back() == ["one"]


@pytest.mark.parametrize(("state", "freed"), [(VerdictState.DOWN, ["out"]), (VerdictState.UP, [])])
async def test_an_egress_trunk_is_swept_only_while_it_is_down(
    stage: Stage, state: VerdictState, freed: list[str]
) -> None:
    stage.trunk(VerdictState.DOWN)
    stage.trunk(state)
    assert await stage.asterisk_comes_back() == freed


@pytest.mark.parametrize(("pinned", "freed"), [({DID}, ["two"]), (set(), ["one", "two"])])
async def test_callers_of_a_did_pinned_to_the_platform_are_left_on_it(
    stage: Stage, pinned: set[str], freed: list[str]
) -> None:
    stage.decided.pinned = pinned
    stage.decide(Decision.DIVERT)
    assert await stage.asterisk_comes_back() == freed
