"""Calls a second: how many of a fixed, high offer are put through in time, and how many there can be at most.

The first is what counts: the largest rate that any of the published systems asks for is 4 a second. The second has as
many calls at a time as it is told, each answered, hung up at once and followed by the next, and shows what a call
costs: no telephone is ever used so, and calls that carry voice cost Asterisk far more than their beginning does.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from statistics import median

from tests.lab.bench.contestants import Ringfence
from tests.lab.bench.delay import PROMPT
from tests.lab.bench.processes import MemoryPeak, cpu_seconds
from tests.lab.bench.result import Rate
from tests.lab.bench.stage import Lane, Stage
from tests.lab.records import CallRecord

OFFERED_PER_SECOND = 50.0
OFFERED_SECONDS = 6.0
HOLD_SECONDS = 1.0
IN_TIME_SECONDS = 1.0

AT_ONCE = 20
ROUNDS = 4
ROUND_SECONDS = 2.5
WARM_SECONDS = 0.5
UNBOUNDED = 2000.0


async def measure(stage: Stage, step: Callable[[], None], rounds: int = ROUNDS) -> dict[str, Rate]:
    """`step` is called after each contestant's offer, and after each round of all."""
    await stage.lab.platform.behave(PROMPT)
    offers = {}
    for lane in stage.lanes:
        offers[lane.name] = await _offer(lane, stage.dids)
        step()
    most: dict[str, list[tuple[float, float]]] = {lane.name: [] for lane in stage.lanes}
    for number in range(rounds):
        for lane in stage.lanes if number % 2 else reversed(stage.lanes):
            most[lane.name].append(await _press(lane, stage.dids))
        step()
    await stage.lab.platform.healthy()
    found = {}
    for name, (sustained, p99_ms, memory_mib) in offers.items():
        per_second, cpu_ms = (round(median(column), 2) for column in zip(*most[name], strict=True))
        found[name] = Rate(sustained, p99_ms, per_second, cpu_ms, memory_mib)
    return found


async def measure_alone(ours: Lane, stage: Stage, rounds: int = ROUNDS) -> Rate:
    """Ours without its daemon, which comes back before the next fault (`Stage.restore`)."""
    assert isinstance(ours.contestant, Ringfence)
    await ours.contestant.process.stop()
    await stage.lab.platform.behave(PROMPT)
    offer = await _offer(ours, stage.dids)
    pressed = [await _press(ours, stage.dids) for _ in range(rounds)]
    await stage.lab.platform.healthy()
    per_second, cpu_ms = (round(median(column), 2) for column in zip(*pressed, strict=True))
    return Rate(offer[0], offer[1], per_second, cpu_ms, offer[2])


async def _offer(lane: Lane, dids: list[str]) -> tuple[float, float | None, float]:
    """Calls put through in time a second, their p99 in ms, the memory at most."""
    count = round(OFFERED_PER_SECOND * OFFERED_SECONDS)
    already = len(lane.carrier.records())
    async with MemoryPeak(lane.contestant.pids) as peak:
        await lane.carrier.start(
            lane.contestant.port,
            dids,
            call_count=count,
            calls_per_second=OFFERED_PER_SECOND,
            hold_seconds=HOLD_SECONDS,
            patience_seconds=10,
        )
        calls = (await lane.carrier.wait_finished())[already:]
    good = in_time(calls)
    return round(OFFERED_PER_SECOND * len(good) / count, 2), p99(good), round(peak.mib, 1)


async def _press(lane: Lane, dids: list[str]) -> tuple[float, float]:
    """Calls a second, and the contestant's CPU time for one of them in ms."""
    already = len(lane.carrier.records())
    await lane.carrier.start(
        lane.contestant.port,
        dids,
        call_count=round(UNBOUNDED * ROUND_SECONDS),
        calls_per_second=UNBOUNDED,
        hold_seconds=0.001,
        patience_seconds=10,
        at_once=AT_ONCE,
    )
    await asyncio.sleep(WARM_SECONDS)
    since, used = time.time(), cpu_seconds(lane.contestant.pids)
    await asyncio.sleep(ROUND_SECONDS - WARM_SECONDS)
    until, used = time.time(), cpu_seconds(lane.contestant.pids) - used
    calls = (await lane.carrier.finish())[already:]
    answered = sum(1 for call in calls if call.answered_at is not None and since <= call.answered_at < until)
    return answered / (until - since), used * 1000 / max(1, answered)


def in_time(calls: Iterable[CallRecord]) -> list[CallRecord]:
    """Those that were put through, and rang soon enough."""
    return [
        call
        for call in calls
        if call.answered_at is not None and (call.ringing_after_seconds or 0.0) <= IN_TIME_SECONDS
    ]


def p99(calls: list[CallRecord]) -> float | None:
    """Of the post-dial delay, ms."""
    delays = sorted(call.ringing_after_seconds or 0.0 for call in calls)
    return round(delays[math.ceil(0.99 * len(delays)) - 1] * 1000, 1) if delays else None
