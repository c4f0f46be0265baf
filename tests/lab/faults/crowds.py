"""Thousands of calls to people and teams who answer, decline, are busy, off, or have a voicemail, while the platform is
down and the daemon is killed half-way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tests.lab.crowd import QUICK, THERE, Crowd, Line
from tests.lab.crowd_account import WINDOW_CALLS, Account, Numbers
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.node import RingfenceNode
from tests.lab.people import Organisation
from tests.lab.waiting import wait_until

RING_BUDGET_SECONDS = 40
MOVE_SECONDS = 1.0
UNEVEN_CALLS = 1
DEADLINE_SECONDS = 120.0

CROWD = Crowd(
    lines=(
        Line("all 1", "all", members=4, calls=100),
        Line("all 2", "all", members=5, calls=100),
        Line("all waiting", "all", members=4, calls=80, waits=True),
        Line("order 1", "order", members=5, calls=90),
        Line("order 2", "order", members=4, calls=90),
        Line("order waiting", "order", members=4, calls=80, waits=True),
        Line("rotation everybody there", "rotation", members=12, calls=130, moods=THERE),
        Line("rotation", "rotation", members=16, calls=120),
        Line("rotation waiting", "rotation", members=6, calls=80, waits=True),
        Line("rotation one by one", "rotation", members=7, calls=130, moods=QUICK, one_by_one=True),
    ),
    people=150,
    calls_to_people=1000,
    calls_per_second=10.0,
)
NAME = f"people and teams, {CROWD.calls:,} calls"
CROWDS = {NAME: CROWD}


async def crowd_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Each crowd on a stage of its own, thrown away afterwards."""
    for name in wanted:
        doing(name)
        async with crowded(installation, CROWDS[name]) as stage:
            yield await guarded(name, _row(name, CROWDS[name], stage))


@asynccontextmanager
async def crowded(installation: Installation, crowd: Crowd) -> AsyncIterator[Stage]:
    """A stage with the crowd's organisation published, everything diverted, and every telephone in its mood."""

    def prepare(node: RingfenceNode) -> None:
        node.ring_budget_seconds = RING_BUDGET_SECONDS

    nobody = Organisation(people=0, dids=0)
    async with opened(installation, nobody, filled=False, prepare=prepare) as stage:
        await wait_until(stage.node.stored, what="the database", deadline_seconds=20)
        files = {part: {"name": f"{part}.csv", "text": text} for part, text in crowd.files().items()}
        await stage.node.must("POST", "/v1/import", {**files, "dry_run": False, "accept_cautions": True})
        await stage.node.wait_table(crowd.dids)
        await stage.heal()
        await stage.order("dr")

        async def diverted() -> bool:
            return await stage.published() == "divert"

        await wait_until(diverted, what="DR to be published", deadline_seconds=5)
        await stage.lab.platform.kill()
        await crowd.pick_up(stage.lab.mobile_network, stage.lab.other_mobile_network)
        yield stage


async def brought(crowd: Crowd, stage: Stage) -> Account:
    """All calls, from the first to the end of the last; the daemon is killed when half of them have come."""
    half_way = asyncio.Event()
    calling = asyncio.create_task(crowd.call_in(stage.lab.caller, half_way), name="crowd")
    half = asyncio.create_task(half_way.wait(), name="half-way")
    await asyncio.wait({calling, half}, return_when=asyncio.FIRST_COMPLETED)
    half.cancel()
    await stage.node.process.kill()
    calls = await calling
    networks = (stage.lab.mobile_network, stage.lab.other_mobile_network)
    legs = [leg for network in networks for leg in network.calls()]
    return Account.of(calls, legs, Numbers(crowd.receptions, crowd.unasked))


async def _row(name: str, crowd: Crowd, stage: Stage) -> Row:
    account = await brought(crowd, stage)
    put_through = sum(told.put_through for told in account.told)
    announced = sum(told.announced for told in account.told)
    first_heard = max((told.first_heard_seconds or 0.0 for told in account.told), default=0.0)
    return Row(
        name,
        f"the platform is dead and in DR, {crowd.calls_per_second:g} callers a second; private numbers ask for a 1, "
        "and their owners take the call, at once or late, decline it, are busy, off, silent, do not come or have a "
        f"voicemail, by lot; the daemon is killed half-way for good. {put_through} were put through, "
        f"{announced} came to a busy reception and heard the announcement; nobody heard nothing for longer than "
        f"{first_heard:.1f} s",
        (*counts(crowd, account), *_times(crowd, account)),
    )


def counts(crowd: Crowd, account: Account, window: int = WINDOW_CALLS) -> list[Bound]:
    """What must hold, of any crowd on any machine."""
    told = account.told
    uneven = [
        account.uneven_by(line.name, crowd.members(n), window)
        for n, line in _turning(crowd)
        if line.one_by_one or line.moods is THERE
    ]
    return [
        Bound("calls missing", crowd.calls - len(told), 0),
        Bound("lost", sum(each.lost for each in told), 0),
        Bound("ended in silence", sum(each.in_silence for each in told), 0),
        Bound("answered by a voicemail", sum(each.met_a_voicemail for each in told), 0),
        Bound("callers shown a private number", sum(bool(each.shown_numbers) for each in told), 0),
        Bound(
            f"turns uneven over any {window} calls by",
            None if None in uneven else max((each or 0 for each in uneven), default=None),
            UNEVEN_CALLS,
        ),
    ]


def _times(crowd: Crowd, account: Account) -> list[Bound]:
    """What is the machine's doing, too."""
    one_after_another = [line.name for line in crowd.lines if line.strategy != "all" and not line.waits]
    out_of_turn = sum(account.out_of_turn(line.name, crowd.members(n)) for n, line in _turning(crowd))
    return [
        Bound("rung out of turn", out_of_turn, 0),
        Bound("next attempt after", _rounded(account.worst_move_seconds(one_after_another)), MOVE_SECONDS, "s"),
        Bound("plan over after", _rounded(account.worst_answer_seconds()), RING_BUDGET_SECONDS, "s"),
    ]


def _turning(crowd: Crowd) -> list[tuple[int, Line]]:
    """The lines in rotation, by their place; not where callers wait, for they may ring the same telephone again."""
    return [(n, line) for n, line in enumerate(crowd.lines) if line.strategy == "rotation" and not line.waits]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
