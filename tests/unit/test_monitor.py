"""Probes on their schedule, and our own stall that must not look like an outage."""

from __future__ import annotations

import asyncio
from random import Random

from ringfence.app.monitor import LoopLateness, Monitor, Scheduled
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.schedule import Cadence
from tests.fakes.clock import FakeClock, settle

CADENCE = Cadence(10.0, 1.0, 0.5, rise=3, fall=3, jitter_share=0.0)
TARGET = TargetId(TargetRole.PLATFORM, "uc")


class FakeProbe:
    """Answers what it is told, after so long."""

    target = TARGET
    kind = EvidenceKind.SIP_OPTIONS

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answer: bool | None = True
        self.takes_seconds = 0.0
        self.asked = 0

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        self.asked += 1
        if self.takes_seconds:
            await self.clock.sleep(self.takes_seconds)
        return self.answer, "test"


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.probe = FakeProbe(self.clock)
        self.seen: list[Observation] = []
        self.undecided = False
        self.lateness = LoopLateness(self.clock)
        self.monitor = Monitor(
            [Scheduled(self.probe, CADENCE)],
            self.clock,
            self.lateness,
            self.seen.append,
            lambda _: self.undecided,
            Random(1),
        )

    async def once(self) -> None:
        await self.monitor.probe_once(Scheduled(self.probe, CADENCE))


async def test_an_answer_is_handed_on() -> None:
    stage = Stage()
    await stage.once()
    assert [o.passed for o in stage.seen] == [True]


async def test_a_miss_is_discarded_when_the_loop_was_late_meanwhile() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.lateness.run())
    await settle()
    stage.probe.answer, stage.probe.takes_seconds = False, 0.04
    asking = asyncio.create_task(stage.once())
    await settle()
    stage.clock._now = stage.clock.now().plus(30.0)  # the process was stopped: no timer ran
    await stage.clock.advance(0.0)
    await asking
    assert (stage.seen, stage.monitor.late_count) == ([], 1)
    tick.cancel()


async def test_a_loop_that_is_always_late_is_not_blind_for_ever() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.lateness.run())
    await settle()
    stage.probe.answer, stage.probe.takes_seconds = False, 0.04
    for _ in range(2 * CADENCE.fall + 1):
        asking = asyncio.create_task(stage.once())
        await settle()
        stage.clock._now = stage.clock.now().plus(0.2)
        await stage.clock.advance(0.1)
        await asking
    assert len(stage.seen) == 1
    assert stage.monitor.late_count == 2 * CADENCE.fall
    tick.cancel()


async def test_a_pass_is_believed_however_late_we_are() -> None:
    stage = Stage()
    tick = asyncio.create_task(stage.lateness.run())
    await settle()
    stage.probe.takes_seconds = 0.04
    asking = asyncio.create_task(stage.once())
    await settle()
    stage.clock._now = stage.clock.now().plus(30.0)
    await stage.clock.advance(0.0)
    await asking
    assert [o.passed for o in stage.seen] == [True]
    tick.cancel()


async def test_calm_targets_are_asked_at_the_interval_and_undecided_ones_fast() -> None:
    stage = Stage()
    run = asyncio.create_task(stage.monitor.run())
    await settle()
    await stage.clock.advance(10.0)
    assert stage.probe.asked == 1
    await stage.clock.advance(10.0)
    assert stage.probe.asked == 2
    stage.undecided = True
    await stage.clock.advance(10.0)
    before = stage.probe.asked
    await stage.clock.advance(5.0)
    assert stage.probe.asked == before + 10
    run.cancel()


async def test_hurry_wakes_a_calm_witness_that_could_testify_now() -> None:
    stage = Stage()
    run = asyncio.create_task(stage.monitor.run())
    await settle()
    await stage.clock.advance(10.0)
    before = stage.probe.asked
    stage.undecided = True
    stage.monitor.hurry()
    await settle()
    assert stage.probe.asked == before + 1
    run.cancel()
