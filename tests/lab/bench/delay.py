"""Post-dial delay of a healthy call: blocks of each contestant in turn, so that what else the machine does falls on
all of them, and each block is held against the bare Asterisk's beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from statistics import median, quantiles

from tests.lab.behaviour import Behaviour
from tests.lab.bench.contestants import BARE
from tests.lab.bench.result import Delay
from tests.lab.bench.stage import Lane, Stage

BLOCKS = 12
CALLS_IN_BLOCK = 16
INTERVAL_SECONDS = 0.04
HOLD_SECONDS = 0.002
PROMPT = Behaviour(ring_delay_ms=0, answer_delay_ms=2)
"""So that what is measured is the way there."""


async def measure(stage: Stage, step: Callable[[], None], blocks: int = BLOCKS) -> dict[str, Delay]:
    """`step` is called after each block of all."""
    await stage.lab.platform.behave(PROMPT)
    seen: dict[str, list[list[float]]] = {lane.name: [] for lane in stage.lanes}
    for lane in stage.lanes:
        await _block(lane, stage.dids)  # the first calls after a start are slower
    for number in range(blocks):
        # There and back again, so that no contestant always follows the same one.
        for lane in stage.lanes if number % 2 else reversed(stage.lanes):
            seen[lane.name].append(await _block(lane, stage.dids))
        step()
    await stage.lab.platform.healthy()
    return {name: delay_of(found, seen.get(BARE, found)) for name, found in seen.items()}


def delay_of(blocks: list[list[float]], bare: list[list[float]]) -> Delay:
    """Of delays in ms, by block."""
    every = [delay for block in blocks for delay in block]
    pairs = [(own, other) for own, other in zip(blocks, bare, strict=True) if own and other]
    return Delay(
        median_ms=round(median(every), 2),
        p99_ms=round(quantiles(every, n=100)[98], 2),
        added_ms=round(median(median(own) - median(other) for own, other in pairs), 2),
        calls=len(every),
    )


async def _block(lane: Lane, dids: list[str]) -> list[float]:
    delays = []
    for did in dids[:CALLS_IN_BLOCK]:
        pause = asyncio.create_task(asyncio.sleep(INTERVAL_SECONDS))
        call = await lane.caller.call(did, hold_seconds=HOLD_SECONDS, give_up_seconds=5)
        await pause
        if call.ringing_after_seconds is not None:
            delays.append(call.ringing_after_seconds * 1000)
    return delays
