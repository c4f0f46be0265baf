"""Figures of a node whose people's mobiles forward in circles, through a carrier that strips every header."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from tests.lab.behaviour import Behaviour
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.small import Figure
from tests.lab.faults.stage import Stage, now
from tests.lab.forwarding import Forward
from tests.lab.waiting import wait_until

LENGTHS = (1, 2, 3, 4)
CIRCLES_OF_EACH = 14
CALLERS_A_SECOND = 10.0
SHOWN = ("caller", "national")
ENDED_SECONDS = 30.0


async def _loops(stage: Stage) -> Row:
    """Each circle has a caller of its own, and legs outward are told from one another by whom they ring."""
    circles = _circles()
    await _forward(stage, circles)
    await stage.order("dr")
    since = now()
    callers = [f"+44163297{number:04}" for number in range(len(circles))]
    calls = []
    for circle, caller in zip(circles, callers, strict=True):
        did = stage.organisation.did(circle[0])
        calls.append(asyncio.create_task(stage.lab.caller.call(did, from_=caller, hold_seconds=0.5)))
        await asyncio.sleep(1 / CALLERS_A_SECOND)
    answered = sum(result.answered for result in await asyncio.gather(*calls))
    legs = [*stage.lab.mobile_network.calls(), *stage.lab.other_mobile_network.calls()]
    rung = [leg.number for leg in legs if leg.at >= since]
    owners = [[stage.organisation.mobile(person) for person in circle] for circle in circles]
    more = [sum(number in mobiles for number in rung) - len(mobiles) for mobiles in owners]
    lengths = f"{LENGTHS[0]} to {LENGTHS[-1]}"
    return Row(
        NAME,
        f"{len(circles)} circles of {lengths} people, each diverted to a mobile that forwards to the next one's number "
        f"as a new call without a single header; {len(rung)} INVITEs outward in all, one for each person",
        (
            Bound("INVITEs beyond the first return", max(more), 0),
            Bound("people not rung", -min(more), 0),
            Bound("not ended in the announcement", len(circles) - await _ended(stage, circles, since), 0),
            Bound("callers without an answer", len(circles) - answered, 0),
        ),
    )


def _circles() -> list[list[int]]:
    circles, first = [], 0
    for length in LENGTHS:
        for _ in range(CIRCLES_OF_EACH):
            circles.append(list(range(first, first + length)))
            first += length
    return circles


async def _forward(stage: Stage, circles: list[list[int]]) -> None:
    organisation, port = stage.organisation, stage.lab.asterisk.ports.sip
    for number, circle in enumerate(circles):
        for person, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            onward = Forward(organisation.did(following), port, shows=SHOWN[number % len(SHOWN)])
            behaviour = replace(Behaviour(), forward=onward)
            for network in (stage.lab.mobile_network, stage.lab.other_mobile_network):
                await network.behave(behaviour, number=organisation.mobile(person))


async def _ended(stage: Stage, circles: list[list[int]], since: float) -> int:
    """Circles whose call that came back was told what every caller is told when nobody is there."""
    expected = sum(len(circle) + 1 for circle in circles)
    found: list[dict[str, str]] = []

    async def told() -> bool:
        calls = (await stage.node.must("GET", "/v1/calls?limit=1000"))["calls"]
        found[:] = [call for call in calls if datetime.fromisoformat(call["ended_at"]).timestamp() >= since]
        return len(found) >= expected

    await wait_until(told, what=f"{expected} calls in the journal", deadline_seconds=ENDED_SECONDS)
    ended = [call["did"] for call in found if (call["reason"], call["answered_by"]) == ("looped", "announcement")]
    return sum(ended.count(stage.organisation.did(circle[0])) == 1 for circle in circles)


NAME = "loops through a carrier that strips all headers"
LOOP_FIGURES: dict[str, Figure] = {NAME: _loops}
