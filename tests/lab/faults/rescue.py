"""Callers in mid-call on a platform that dies: how many go on to somebody, and after how long it rings there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.lab.behaviour import Behaviour
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.stage import Stage, now
from tests.lab.records import ReceivedCall
from tests.lab.waiting import WaitTimeoutError, wait_until

CALLS = 50
RINGS_SECONDS = 7.0
"""A verdict of at most 2 s (3 s where it is frozen), a silence of 3, one look, and 50 callers a second."""
DEADLINE_SECONDS = 15.0
HOLD_SECONDS = 25.0

Act = Callable[[Stage], Awaitable[None]]


async def _rescue(stage: Stage, name: str, what: str, act: Act) -> Row:
    lab = stage.lab
    await lab.platform.behave(replace(Behaviour(), talks=True))
    since = now()
    callers = [f"+44163298{number:04}" for number in range(CALLS)]
    talks = [
        asyncio.create_task(lab.caller.call(did, from_=caller, hold_seconds=HOLD_SECONDS))
        for did, caller in zip(stage.dids, callers, strict=False)
    ]

    def taken() -> int:
        return sum(leg.at >= since and leg.final_status == 200 for leg in lab.platform.calls())

    def outside() -> list[ReceivedCall]:
        legs = [*lab.mobile_network.calls(), *lab.other_mobile_network.calls()]
        return [leg for leg in legs if leg.at >= since]

    def answered() -> set[str]:
        return {leg.caller for leg in outside() if leg.final_status == 200} & set(callers)

    await wait_until(lambda: taken() == CALLS, what="the platform to answer", deadline_seconds=DEADLINE_SECONDS)
    died_at = now()
    await act(stage)
    try:
        await wait_until(lambda: len(answered()) == CALLS, what="everybody", deadline_seconds=DEADLINE_SECONDS)
    except WaitTimeoutError:
        pass  # the row says how many
    rang = [leg.at - died_at for leg in outside()]
    for network in (lab.mobile_network, lab.other_mobile_network):
        await network.hang_up_all()
    await asyncio.gather(*talks)
    lost = CALLS - len(answered())
    last = round(max(rang), 2) if rang else None
    return Row(name, what, (Bound("left in silence", lost, 0), Bound("rang there after", last, RINGS_SECONDS, "s")))


async def _killed(stage: Stage) -> Row:
    what = f"the platform's process ends under {CALLS} calls in progress; from then to the last INVITE to a person"
    return await _rescue(stage, "rescue: platform killed", what, lambda stage: stage.lab.platform.kill())


async def _frozen(stage: Stage) -> Row:
    what = f"the platform falls silent under {CALLS} calls in progress; from then to the last INVITE to a person"
    return await _rescue(stage, "rescue: platform frozen", what, lambda stage: stage.lab.platform.freeze())


RESCUE_FIGURES: dict[str, Callable[[Stage], Awaitable[Row]]] = {
    "rescue: platform killed": _killed,
    "rescue: platform frozen": _frozen,
}
