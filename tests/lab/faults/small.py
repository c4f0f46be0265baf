"""Figures of a node with a small directory: a person's order, a frozen Asterisk, the cost of a healthy call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median

from tests.lab.behaviour import Behaviour
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.stage import Stage, now
from tests.lab.waiting import wait_until

Figure = Callable[[Stage], Awaitable[Row]]

OVERRIDE_MS = 100
CALLS_PER_SECOND = 50.0
"""A caller every 20 ms, so that the figure is the order's and not the wait for the next caller."""
NOTICED_SECONDS = 4.0
NORMAL_COST_MS = 1.0
BLOCKS = 8
CALLS_IN_BLOCK = 20
CALL_INTERVAL_SECONDS = 0.04
"""Of a carrier's calls, one after another: what ends a call must not be on the bill of the next one."""


async def override_figure(stage: Stage, name: str, what: str, rounds: int = 3) -> Row:
    """The worst of some rounds, under traffic, from the order to the first call that goes to a default number."""
    carrier = stage.lab.carrier
    already = len(carrier.records())
    await stage.lab.bring_calls(
        stage.dids, call_count=int(CALLS_PER_SECOND * rounds * 4), calls_per_second=CALLS_PER_SECOND, hold_seconds=0.2
    )
    await carrier.wait_records(already + 20, deadline_seconds=10)
    taken_ms: list[float] = []
    for _ in range(rounds):
        ordered_at = now()
        await stage.order("dr")
        taken_ms.append((await first_rerouted(stage, ordered_at) - ordered_at) * 1000)
        await stage.release()
        await stage.watch.wait("normal", ordered_at, deadline_seconds=5)
    await carrier.finish()
    return Row(name, what, (Bound("first rerouted call after", round(max(taken_ms)), OVERRIDE_MS, "ms"),))


async def _override(stage: Stage) -> Row:
    return await override_figure(
        stage,
        "override",
        "from a person's `dr on` to the INVITE of the first call sent to a default number, worst of 3",
    )


async def first_rerouted(stage: Stage, since: float) -> float:
    """When the first call that went out was placed by the carrier."""
    network = stage.lab.mobile_network

    def gone_out() -> bool:
        return any(leg.at >= since for leg in network.calls())

    await wait_until(gone_out, what="a call at the mobile network", deadline_seconds=10, interval_seconds=0.01)
    await wait_until(
        lambda: any(a.leg is not None and a.leg.number.startswith("+447") for a in stage.accounts(since)),
        what="that call to be answered",
        deadline_seconds=10,
    )
    mobiles = [a for a in stage.accounts(since) if a.leg is not None and a.leg.number.startswith("+447")]
    return min(account.offered.invited_at for account in mobiles)


async def _frozen_asterisk(stage: Stage) -> Row:
    frozen_at = now()
    await stage.lab.asterisk.freeze()
    try:

        async def noticed() -> bool:
            return not (await stage.node.must("GET", "/v1/status"))["asterisk"]["up"]

        await wait_until(noticed, what="the frozen Asterisk to be noticed", deadline_seconds=15)
        seconds = now() - frozen_at
    finally:
        await stage.lab.asterisk.thaw()
    return Row(
        "asterisk frozen",
        "Asterisk is stopped; how long until the status says so",
        (Bound("noticed after", round(seconds, 2), NOTICED_SECONDS, "s"),),
    )


async def _post_dial_delay(stage: Stage) -> Row:
    """Alternating blocks, so that whatever else the machine does falls on both."""
    await stage.lab.platform.behave(Behaviour(ring_delay_ms=0, answer_delay_ms=2))
    delays: dict[str, list[float]] = {"bare": [], "ringfence": []}
    for _ in range(BLOCKS):
        for trunk, seen in delays.items():
            for did in stage.dids[:CALLS_IN_BLOCK]:
                pause = asyncio.create_task(asyncio.sleep(CALL_INTERVAL_SECONDS))
                call = await stage.lab.caller.call(did, headers=[("X-Lab-Trunk", trunk)], hold_seconds=0.002)
                await pause
                if call.ringing_after_seconds is not None:
                    seen.append(call.ringing_after_seconds * 1000)
    enough = min(len(seen) for seen in delays.values()) >= BLOCKS * CALLS_IN_BLOCK
    added = round(median(delays["ringfence"]) - median(delays["bare"]), 2) if enough else None
    return Row(
        "post-dial delay",
        f"median in NORMAL with the daemon running, less that of a bare Dial, {BLOCKS} alternating blocks of "
        f"{CALLS_IN_BLOCK} calls each, one every {CALL_INTERVAL_SECONDS * 1000:.0f} ms",
        (Bound("added", added, NORMAL_COST_MS, "ms"),),
    )


SMALL_FIGURES: dict[str, Figure] = {
    "override": _override,
    "asterisk frozen": _frozen_asterisk,
    "post-dial delay": _post_dial_delay,
}
