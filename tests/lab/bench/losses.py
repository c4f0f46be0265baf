"""What each fault of the platform costs: all contestants carry their own calls while it happens, at the same moment.

Long after it, when everybody has found out who will, each gets a few more calls, one contestant after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.lab.bench.contestants import OURS
from tests.lab.bench.result import Losses
from tests.lab.bench.stage import Lane, Stage
from tests.lab.call_result import CallResult
from tests.lab.far_end import Platform
from tests.lab.records import Account, AnsweredBy, settle
from tests.lab.waiting import WaitTimeoutError, wait_until

CALLS_PER_SECOND = 10.0
SECONDS = 12.0
FAULT_AFTER_SECONDS = 3.0
HOLD_SECONDS = 0.5
PATIENCE_SECONDS = 40.0
RING_MS = 50.0
"""What the far ends take to ring."""
SETTLED_CALLS = 10
SETTLED_INTERVAL_SECONDS = 0.06
SETTLED_PATIENCE_SECONDS = 3.0
VERDICT_SECONDS = 15.0
"""How long after the last call its verdict is waited for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`healthy`: no call may be taken away from the platform."""

    name: str
    inject: Callable[[Platform], Awaitable[None]]
    healthy: bool = False


FAULTS: Final = (
    Fault("platform killed", lambda platform: platform.kill()),
    Fault("frozen", lambda platform: platform.freeze()),
    Fault("503 to every INVITE", lambda platform: platform.answer(503)),
    Fault("404 to every INVITE", lambda platform: platform.answer(404)),
    Fault("480 to every INVITE", lambda platform: platform.answer(480)),
    Fault("100 Trying only", lambda platform: platform.trying_only()),
    Fault("healthy, rings after 3 s", lambda platform: platform.slow_ring(3.0), healthy=True),
)


async def measure(stage: Stage, fault: Fault, seconds: float = SECONDS) -> dict[str, Losses]:
    """One fault, for all."""
    await stage.restore()
    lab, count = stage.lab, round(CALLS_PER_SECOND * seconds)
    already = {lane.name: len(lane.carrier.records()) for lane in stage.lanes}
    before = {far_end.name: len(far_end.calls()) for far_end in (lab.platform, lab.mobile_network)}
    for lane in stage.lanes:
        await lane.carrier.start(
            lane.contestant.port,
            stage.dids,
            call_count=count,
            calls_per_second=CALLS_PER_SECOND,
            hold_seconds=HOLD_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
        )
    await asyncio.sleep(FAULT_AFTER_SECONDS)
    await fault.inject(lab.platform)
    await asyncio.sleep(seconds - FAULT_AFTER_SECONDS)
    settled = {} if fault.healthy else await _settled(stage)
    for lane in stage.lanes:
        await lane.carrier.wait_finished()
    platform_legs = lab.platform.calls()[before[lab.platform.name] :]
    mobile_legs = lab.mobile_network.calls()[before[lab.mobile_network.name] :]
    found = {}
    for lane in stage.lanes:
        calls = lane.carrier.records()[already[lane.name] :]
        found[lane.name] = losses_of(settle(calls, platform_legs, mobile_legs), fault.healthy, settled.get(lane.name))
    return found


def losses_of(accounts: list[Account], healthy: bool, settled: list[CallResult] | None) -> Losses:
    """Of one contestant's calls, and of those long after the fault."""
    right = {AnsweredBy.PLATFORM} if healthy else {AnsweredBy.PLATFORM, AnsweredBy.DEFAULT_NUMBER}
    delays = [delay for a in accounts if (delay := a.offered.ringing_after_seconds) is not None]
    return Losses(
        offered=len(accounts),
        lost=sum(account.answered_by not in right for account in accounts),
        worst_ms=round(max(delays) * 1000) if delays else None,
        settled_ms=usual_ms(settled or []),
    )


def usual_ms(calls: Iterable[CallResult]) -> float | None:
    """The median delay less what a ring takes; nothing where there was no call, or one was not put through."""
    delays = [call.ringing_after_seconds if call.answered else None for call in calls]
    known = [delay for delay in delays if delay is not None]
    if not known or len(known) < len(delays):
        return None
    return round(max(0.0, median(known) * 1000 - RING_MS), 1)


async def _settled(stage: Stage) -> dict[str, list[CallResult]]:
    """Once we have our verdict; the rivals had as long for theirs."""
    for lane in stage.lanes:
        if lane.name == OURS:
            with suppress(WaitTimeoutError):
                await wait_until(lane.contestant.settled, what="the verdict", deadline_seconds=VERDICT_SECONDS)
    tasks: dict[str, list[asyncio.Task[CallResult]]] = {}
    for lane in stage.lanes:
        tasks[lane.name] = []
        for number, did in enumerate(stage.dids[-SETTLED_CALLS:]):
            tasks[lane.name].append(asyncio.create_task(_call(lane, did, number)))
            await asyncio.sleep(SETTLED_INTERVAL_SECONDS)
        # Those that are put through are over before the next contestant's begin.
        await asyncio.wait(tasks[lane.name], timeout=0.5)
    return {name: list(await asyncio.gather(*calls)) for name, calls in tasks.items()}


async def _call(lane: Lane, did: str, number: int) -> CallResult:
    """By callers of their own: one who calls twice at once may be a call that goes round."""
    caller = f"+4416329{80_000 + lane.contestant.port % 1000 * 10 + number:05}"
    return await lane.caller.call(did, from_=caller, hold_seconds=0.05, give_up_seconds=SETTLED_PATIENCE_SECONDS)
