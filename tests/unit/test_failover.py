"""The one writer's turn: what is published, in which order, and what never waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ringfence.app.failover import Failover, Hooks
from ringfence.app.judge import Judge, Watched
from ringfence.app.ledger import COMMIT_DEADLINE_SECONDS, Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.orders import OrderFailback, ReleaseOverride, SetOverride
from ringfence.app.ports import OutageChange
from ringfence.domain.health import EvidenceKind, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.outage import Mode, OutagePolicy
from ringfence.domain.outcomes import CallOutcome, OutcomeClass, OutcomePolicy
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.verdict import WitnessPolicy
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeOutageStore, FakeSpool

PLATFORM = TargetId(TargetRole.PLATFORM, "uc")
TRUNK = TargetId(TargetRole.TRUNK, "a")
INBOUND = TargetId(TargetRole.TRUNK, "carrier")
EVERYTHING = OverrideTarget()
UC = OverrideTarget(scope="uc")
DID = OverrideTarget(did="+441134960001")
DIDS = [f"+4411349600{n:02}" for n in range(40)]


@pytest.fixture(autouse=True)
async def _end_the_stages() -> AsyncIterator[None]:
    yield
    while RUNNING:
        RUNNING.pop().cancel()
    await settle()


RUNNING: list[asyncio.Task[None]] = []


class BlockedStore(FakeOutageStore):
    """A locked database: never answers."""

    async def commit(self, change: OutageChange) -> None:
        await asyncio.Event().wait()


class Stage:
    """The real writer between fakes, with everything it sets in motion written down."""

    def __init__(self, store: FakeOutageStore | None = None) -> None:
        self.clock, self.astdb, self.store = FakeClock(), FakeAstDb(), store or FakeOutageStore()
        self.modes = ModePublisher(self.astdb, self.clock)
        limits = RiseFall(1, 2)
        kinds = (EvidenceKind.SIP_OPTIONS,)
        watched = [Watched(t, kinds, limits) for t in (PLATFORM, INBOUND)]
        watched.append(Watched(TRUNK, (*kinds, EvidenceKind.CALL_OUTCOMES), limits))
        delivered = {did: self.clock.now().wall for did in DIDS}
        self.judge = Judge(watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda did: did in DIDS, None, delivered)
        self.swept: list[tuple[str, bool]] = []
        self.narrow: list[OverrideTarget] = []
        self.failover = Failover(
            {"uc": OutagePolicy(hold_down_seconds=60, trial_one_in=4)},
            self.judge,
            Ledger(self.store, FakeSpool(), self.clock),
            self.modes,
            self.clock,
            Hooks(lambda key, spare: self.swept.append((key, spare)), self.narrow.extend, _nothing, _nothing),
            ["a"],
        )
        RUNNING.extend([asyncio.create_task(self.failover.run()), asyncio.create_task(self.modes.run())])

    async def probe(self, passed: bool, target: TargetId = PLATFORM, times: int = 1) -> None:
        for _ in range(times):
            at = self.clock.now()
            self.failover.submit(Observation(target, EvidenceKind.SIP_OPTIONS, passed, at, "test"))
            await settle()

    async def egress_calls(self, passed: bool, count: int) -> None:
        for _ in range(count):
            at = self.clock.now()
            self.failover.submit(Observation(TRUNK, EvidenceKind.CALL_OUTCOMES, passed, at, "test"))
        await settle()

    async def calls(self, count: int, outcome: OutcomeClass, status: int | None = None) -> None:
        for n in range(count):
            call = CallOutcome("uc", DIDS[n], f"+4420794600{n:02}", outcome, status, self.clock.now())
            self.failover.submit(call)
        await settle(60)

    async def say(self, kind: OverrideKind, target: OverrideTarget = UC, minutes: float | None = None) -> None:
        now = self.clock.now().wall
        until = None if minutes is None else now + timedelta(minutes=minutes)
        await self.failover.order(SetOverride(Override(target, kind, "ann", "test", now, until)))
        await settle()

    @property
    def decision(self) -> str:
        return self.astdb.rows["mode/uc"].split("|")[1]

    @property
    def mode(self) -> Mode:
        return self.failover.states["uc"].mode


def _nothing() -> None:
    pass


async def outage(stage: Stage) -> None:
    await settle()
    await stage.probe(True)
    await stage.probe(True, TRUNK)
    await stage.probe(False, times=2)


async def test_an_outage_is_committed_published_and_swept() -> None:
    stage = Stage()
    await outage(stage)
    assert stage.decision == "divert"
    assert stage.swept == [("mode/uc", False)]
    transition = stage.store.changes[-1].transition
    assert transition and transition.after is Mode.FAILED_OVER
    assert any("sip_options: against" in line for line in transition.evidence)


async def test_a_locked_database_delays_a_failover_by_its_deadline_only() -> None:
    stage = Stage(BlockedStore())
    await outage(stage)
    assert stage.decision == "normal"
    await stage.clock.advance(COMMIT_DEADLINE_SECONDS + 0.001)
    assert stage.decision == "divert"


async def test_a_persons_word_waits_for_no_database() -> None:
    stage = Stage(BlockedStore())
    await settle()
    said = asyncio.create_task(stage.say(OverrideKind.DR))
    await settle(60)
    assert stage.decision == "divert"
    assert not said.done(), "the answer waits until the order is safe"
    await stage.clock.advance(1)
    assert said.done()


async def test_the_start_publishes_what_is_in_force_and_sweeps_nobody() -> None:
    stage = Stage()
    await settle()
    assert stage.decision == "normal"
    assert stage.swept == []


async def test_a_refusing_platform_keeps_the_legs_that_ring() -> None:
    stage = Stage()
    await settle()
    await stage.probe(True)
    await stage.calls(10, OutcomeClass.UNDELIVERABLE, 480)
    assert stage.decision == "divert"
    assert stage.swept == [("mode/uc", True)]


async def test_legs_freed_by_our_own_sweep_are_no_evidence() -> None:
    stage = Stage()
    await settle()
    await stage.probe(True)
    await stage.say(OverrideKind.DR)
    await stage.calls(30, OutcomeClass.FAILURE)
    await stage.failover.order(ReleaseOverride(UC, "ann", "over"))
    await settle()
    assert (stage.mode, stage.decision) == (Mode.NORMAL, "normal")


async def test_force_normal_pins_and_the_machine_goes_on_underneath() -> None:
    stage = Stage()
    await settle()
    await stage.say(OverrideKind.NORMAL)
    await outage(stage)
    assert (stage.mode, stage.decision, stage.swept) == (Mode.FAILED_OVER, "pinned", [])
    await stage.failover.order(ReleaseOverride(UC, "ann", "over"))
    await settle()
    assert (stage.decision, stage.swept) == ("divert", [("mode/uc", False)])


async def test_freeze_holds_the_mode_until_it_is_released() -> None:
    stage = Stage()
    await settle()
    await stage.say(OverrideKind.FREEZE)
    await outage(stage)
    assert (stage.mode, stage.decision) == (Mode.NORMAL, "normal")
    await stage.failover.order(ReleaseOverride(UC, "ann", "over"))
    stage.failover.submit(None)
    await settle()
    assert stage.mode is Mode.FAILED_OVER


async def test_an_override_ends_by_itself() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.failover.tick())
    await settle()
    await stage.probe(True)
    await stage.say(OverrideKind.DR, minutes=5)
    await stage.clock.advance(299)
    assert stage.decision == "divert"
    await stage.clock.advance(2)
    assert stage.decision == "normal"
    tick.cancel()


async def test_the_scopes_own_word_beats_everythings() -> None:
    stage = Stage()
    await settle()
    await stage.say(OverrideKind.NORMAL)
    await stage.say(OverrideKind.DR, EVERYTHING)
    assert stage.decision == "pinned"


async def test_a_word_about_one_did_moves_that_did_alone() -> None:
    stage = Stage()
    await settle()
    await stage.say(OverrideKind.DR, DID)
    assert (stage.decision, stage.narrow) == ("normal", [DID])


async def test_callers_who_wait_on_an_egress_trunk_that_goes_down_are_freed_and_ringing_ones_spared() -> None:
    stage = Stage()
    await settle()
    await stage.probe(True, TRUNK)
    await stage.probe(False, TRUNK, times=4)
    assert stage.swept == [("egress/a", True)]


async def test_an_egress_trunk_is_told_up_or_down_and_an_inbound_one_is_not() -> None:
    stage = Stage()
    await settle()
    for target in (TRUNK, INBOUND):
        await stage.probe(True, target)
        await stage.probe(False, target, times=2)
    assert stage.astdb.rows["egress/a"] == "1|down"
    await stage.probe(True, TRUNK)
    assert stage.astdb.rows["egress/a"] == "1|up"
    assert "egress/carrier" not in stage.astdb.rows


async def test_hold_down_trial_and_back() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.failover.tick())
    await outage(stage)
    await stage.probe(True)
    assert (stage.mode, stage.decision) == (Mode.HOLD_DOWN, "divert")
    await stage.clock.advance(61)
    assert stage.astdb.rows["mode/uc"].startswith("1|trial|4|TRIAL|")
    await stage.calls(5, OutcomeClass.PUT_THROUGH)
    assert (stage.mode, stage.decision) == (Mode.NORMAL, "normal")
    tick.cancel()


async def test_a_person_may_shorten_the_way_back() -> None:
    stage = Stage()
    await outage(stage)
    await stage.probe(True)
    for mode in (Mode.TRIAL, Mode.NORMAL):
        await stage.failover.order(OrderFailback("uc", "ann", "it is fine"))
        assert stage.mode is mode
    assert [(change.who, change.why) for change in stage.store.changes[-2:]] == [("ann", "it is fine")] * 2
    assert stage.store.changes[-3].who == "ringfence"


async def test_a_flood_of_items_is_bounded_and_counted() -> None:
    stage = Stage()
    taken = sum(stage.failover.submit(None) for _ in range(20_000))
    assert taken + stage.failover.dropped == 20_000
    assert stage.failover.dropped > 0


async def test_a_trunk_that_answers_probes_and_refuses_calls_is_left_out_for_a_while() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.failover.tick())
    await settle()
    await stage.probe(True, TRUNK)
    await stage.egress_calls(True, 1)
    await stage.egress_calls(False, 5)
    assert stage.astdb.rows["egress/a"] == "1|down"
    await stage.clock.advance(61)
    assert stage.astdb.rows["egress/a"] == "1|up"
    tick.cancel()


async def test_calls_through_a_trunk_that_was_taken_out_of_the_configuration_break_nothing() -> None:
    stage = Stage()
    await settle()
    await stage.probe(True, TargetId(TargetRole.TRUNK, "removed"))
    await outage(stage)
    assert stage.decision == "divert"


async def test_a_call_put_through_to_anybody_speaks_for_the_platform() -> None:
    stage = Stage()
    await settle()
    await stage.probe(True)
    await stage.calls(9, OutcomeClass.UNDELIVERABLE, 480)
    switchboard = CallOutcome("uc", "+441134969999", "+44", OutcomeClass.PUT_THROUGH, None, stage.clock.now())
    stage.failover.submit(switchboard)
    await settle()
    await stage.clock.advance(1)
    tenth = CallOutcome("uc", DIDS[20], "+4420794699", OutcomeClass.UNDELIVERABLE, 480, stage.clock.now())
    stage.failover.submit(tenth)
    await settle()
    assert stage.decision == "normal"
