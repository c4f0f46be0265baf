"""People who leave, with real calls: how long their mobiles still ring, and that none rings while something is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import Stage, now, opened
from tests.lab.hr_site import SOURCES, Employee, HrSite, moment, prepare
from tests.lab.installation import Installation
from tests.lab.people import Organisation
from tests.lab.records import Account, AnsweredBy
from tests.lab.waiting import wait_until

ORGANISATION = Organisation(people=2_097, dids=2_200)
LEAVERS = 31
LEAVERS_IN_FIRST_LOAD = 10
RENUMBERED = 40
STOPPED_SECONDS = 1.0
CALLS_PER_SECOND = 50.0
ROUNDS = 3
AHEAD_SECONDS = 4.0
SYNC_SECONDS = 10.0
"""For a first load of this size: what the best of its kind promise."""


async def people_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """All wanted rows, in order, on one stage of their own: each begins where the one before it ended."""
    if not wanted:
        return
    async with opened(installation, ORGANISATION, more=SOURCES, prepare=prepare) as stage:
        site = HrSite(stage.node, ORGANISATION)
        await _divert(stage)
        for name, figure in PEOPLE.items():
            doing(name)
            row = await guarded(name, figure(stage, site))
            if name in wanted:
                yield row


async def _divert(stage: Stage) -> None:
    await stage.order("dr")

    async def diverted() -> bool:
        return await stage.published() == "divert"

    await wait_until(diverted, what="DR to be published", deadline_seconds=5)


async def _first_sync(stage: Stage, site: HrSite) -> Row:
    """The leavers among them are explicit facts and stop at once; all else waits for a person."""
    left = range(LEAVERS_IN_FIRST_LOAD)
    began = time.monotonic()
    run = await site.feed(Employee(n, {"ends": "2020-01-31"} if n in left else {}) for n in range(ORGANISATION.people))
    held_after = time.monotonic() - began
    calls = await _called(stage, [ORGANISATION.did(n) for n in left])
    approved_at = time.monotonic()
    await site.approve(run["plan"])
    return Row(
        f"first sync of {ORGANISATION.people:,}",
        f"a complete file with {LEAVERS_IN_FIRST_LOAD} leavers; the rest is held; the leavers are called; approved",
        (
            Bound("read and held after", round(held_after, 2), SYNC_SECONDS, "s"),
            Bound("approved and routed after", round(time.monotonic() - approved_at, 2), SYNC_SECONDS, "s"),
            Bound("not held", ORGANISATION.people - LEAVERS_IN_FIRST_LOAD - run["held"].get("joiner", 0), 0),
            *_nobody_rung(calls, [ORGANISATION.mobile(n) for n in left]),
        ),
    )


async def _months_end(stage: Stage, site: HrSite) -> Row:
    """Forty changed numbers in the same file are too many and wait; the leavers do not."""
    left, renumbered = range(100, 100 + LEAVERS), range(200, 200 + RENUMBERED)

    def employee(n: int) -> Employee:
        if n in left:
            return Employee(n, {"ends": "2020-01-31"})
        return Employee(n, {"private_number": ORGANISATION.mobile(10_000 + n)}) if n in renumbered else Employee(n)

    run = await site.feed(
        Employee(n, {"ends": "2020-01-31"}) if n < LEAVERS_IN_FIRST_LOAD else employee(n)
        for n in range(ORGANISATION.people)
    )
    calls = await _called(stage, [ORGANISATION.did(n) for n in left])
    return Row(
        f"month's end with {LEAVERS} leavers",
        f"in a file with {RENUMBERED} changed numbers, which are held; the leavers' DIDs are called meanwhile",
        (
            Bound("leavers missed", LEAVERS - run["leavers"], 0),
            Bound("changed numbers let through", RENUMBERED - run["held"].get("number_change", 0), 0),
            *_nobody_rung(calls, [ORGANISATION.mobile(n) for n in left]),
        ),
    )


async def _leaver_by_scim(stage: Stage, site: HrSite) -> Row:
    async def leave(number: int) -> float:
        scim_id = await site.push(number)
        await asyncio.sleep(1)  # calls come in before, too
        asked_at = now()
        await site.deactivate(scim_id)
        return asked_at

    return await _stops(
        stage, "leaver by SCIM", "from the request `active` false to the last call that rings the mobile", 300, leave
    )


async def _leaver_at_a_moment(stage: Stage, site: HrSite) -> Row:
    async def leave(number: int) -> float:
        at = now() + AHEAD_SECONDS
        leaver = {number: Employee(number, {"ends_at": moment(at)})}
        await site.feed(leaver.get(n, Employee(n)) for n in range(500, ORGANISATION.people))
        # No feed any more: the moment is stored, and nobody says anything again.
        for file in site.folder.glob("*.csv"):
            file.unlink()
        return at

    return await _stops(
        stage,
        "leaver at a stored moment",
        "from the moment an earlier feed gave, all feeds stopped, to the last call that rings the mobile",
        600,
        leave,
    )


async def _stops(stage: Stage, name: str, what: str, first: int, leave: Callable[[int], Awaitable[float]]) -> Row:
    """The worst of some rounds; each calls one person's DID again and again, before and after."""
    worst, lost, answered_before = 0.0, 0, True
    for number in range(first, first + ROUNDS):
        began_at = now()
        await stage.lab.bring_calls(
            [ORGANISATION.did(number)],
            call_count=int(CALLS_PER_SECOND * (AHEAD_SECONDS + 4)),
            calls_per_second=CALLS_PER_SECOND,
            hold_seconds=0.2,
        )
        left_at = await leave(number)
        await stage.lab.carrier.wait_finished()
        accounts, mobile = stage.accounts(began_at), ORGANISATION.mobile(number)
        rung = [leg.at for leg in stage.lab.mobile_network.calls() if leg.at >= began_at and leg.number == mobile]
        answered_before = answered_before and any(at < left_at for at in rung)
        worst = max(worst, *(at - left_at for at in rung), 0.0)
        lost += _lost(accounts)
    return Row(
        name,
        f"{what}, worst of {ROUNDS}",
        (
            Bound("mobile rings until", round(worst * 1000) if answered_before else None, STOPPED_SECONDS * 1000, "ms"),
            Bound("lost", lost, 0),
        ),
    )


async def _called(stage: Stage, dids: Sequence[str]) -> list[Account]:
    """Each of these DIDs called twice."""
    began_at = now()
    await stage.lab.bring_calls(list(dids), call_count=2 * len(dids), calls_per_second=20, hold_seconds=0.2)
    await stage.lab.carrier.wait_finished()
    return stage.accounts(began_at)


def _nobody_rung(calls: Sequence[Account], mobiles: Sequence[str]) -> tuple[Bound, ...]:
    rung = sum(1 for call in calls if call.leg is not None and call.leg.number in mobiles)
    return (
        Bound("calls missing", 2 * len(mobiles) - len(calls), 0),
        Bound("leavers rung", rung, 0),
        Bound("lost", _lost(calls), 0),
    )


def _lost(calls: Sequence[Account]) -> int:
    """Reception is there in this lab, so whoever does not reach it is lost."""
    return sum(1 for call in calls if call.answered_by is not AnsweredBy.DEFAULT_NUMBER)


PEOPLE: dict[str, Callable[[Stage, HrSite], Awaitable[Row]]] = {
    f"first sync of {ORGANISATION.people:,}": _first_sync,
    f"month's end with {LEAVERS} leavers": _months_end,
    "leaver by SCIM": _leaver_by_scim,
    "leaver at a stored moment": _leaver_at_a_moment,
}
