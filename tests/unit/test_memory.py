"""What the judge remembers over a restart: of the same address, and not for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ringfence.app.judge import Judge, Watched
from ringfence.app.memory import PASSED_WITHIN_DAYS, SAVE_SECONDS, Memory
from ringfence.app.ports import Passed, StoreUnavailable
from ringfence.domain.health import EvidenceKind, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.verdict import WitnessPolicy
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeMemoryStore

PLATFORM = TargetId(TargetRole.PLATFORM, "uc")
KEY = (PLATFORM, EvidenceKind.SIP_OPTIONS)
OLD, NEW = "192.0.2.10:5060", "192.0.2.11:5060"


def judge() -> Judge:
    watched = [Watched(PLATFORM, (EvidenceKind.SIP_OPTIONS,), RiseFall(1, 2))]
    return Judge(watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda _: True)


def misses_count(asked: Judge, clock: FakeClock) -> bool:
    """Only what has ever answered can be missed."""
    asked.observe(Observation(PLATFORM, EvidenceKind.SIP_OPTIONS, False, clock.now(), "no answer"))
    return asked.undecided(PLATFORM)


async def run(memory: Memory, clock: FakeClock) -> None:
    task = asyncio.create_task(memory.run())
    await settle()
    await clock.advance(SAVE_SECONDS)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize(
    ("host_port", "days", "remembered"),
    [(OLD, 1, True), (NEW, 1, False), ("", 1, False), (OLD, PASSED_WITHIN_DAYS + 1, False)],
)
async def test_only_what_this_address_answered_lately_is_remembered(
    host_port: str, days: int, remembered: bool
) -> None:
    clock, store, asked = FakeClock(), FakeMemoryStore(), judge()
    store.passed[KEY] = Passed(clock.now().wall - timedelta(days=days), host_port)
    await run(Memory(store, asked, clock, {PLATFORM: OLD}), clock)
    assert misses_count(asked, clock) is remembered


async def test_an_answer_is_stored_with_its_address() -> None:
    clock, store, asked = FakeClock(), FakeMemoryStore(), judge()
    asked.observe(Observation(PLATFORM, EvidenceKind.SIP_OPTIONS, True, clock.now(), "200"))
    at = clock.now().wall
    await run(Memory(store, asked, clock, {PLATFORM: OLD}), clock)
    assert store.passed == {KEY: Passed(at, OLD)}


async def test_dids_that_nobody_has_reached_for_long_are_forgotten_in_the_store_too() -> None:
    """Numbers are given back and others come: without an end to it each would be kept for ever."""
    clock, store = FakeClock(), FakeMemoryStore()
    now, limit = clock.now().wall, timedelta(days=OutcomePolicy().delivered_within_days)
    store.delivered = {"+441134960001": now - limit - timedelta(hours=1), "+441134960002": now - timedelta(days=1)}
    memory = Memory(store, judge(), clock, {})
    assert await memory.recall()
    store.fault = StoreUnavailable("away")
    await run(memory, clock)
    store.fault = None
    assert len(store.delivered) == 2
    await run(memory, clock)
    assert list(store.delivered) == ["+441134960002"]
