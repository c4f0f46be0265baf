"""A team line from the file to the call: imported, published by the daemon, rung by Asterisk, and rid of a leaver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest_asyncio

from tests.lab.faults.stage import Stage, now, opened
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import GENEROUS_SECONDS, ORGANISATION, PLATFORM, call

LINE = 12
"""A vacant DID of the organisation; people 3, 1 and 5 are on duty for it."""
TEAMS = "name,site,strategy,members,ring_seconds,floor\nDuty,north,order,p3 p1 p5,5,{floor}\n"
SITES = (
    "name,fallback_number,time_zone,opening,out_of_hours_number\n"
    "north,{fallback},Europe/London,{opening},{night}\nsouth,,,,\n"
)


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        lines = ORGANISATION.dids_csv().splitlines()
        of_team = [f"{row},{'Duty' if ORGANISATION.did(LINE) in row else ''}" for row in lines[1:]]
        dids = "\n".join([f"{lines[0]},team", *of_team]) + "\n"
        await bring(stage, dids=dids, teams=TEAMS.format(floor=1))
        await stage.order("dr")
        yield stage


async def bring(stage: Stage, **files: str) -> None:
    order = {part: {"name": f"{part}.csv", "text": text} for part, text in files.items()}
    await stage.node.must("POST", "/v1/import", {**order, "dry_run": False, "accept_cautions": True})


async def number_that_answers(stage: Stage) -> str:
    since = now()
    await call(stage, LINE)
    legs = [*stage.lab.mobile_network.calls(), *stage.lab.other_mobile_network.calls()]
    return next((leg.number for leg in legs if leg.at >= since and leg.final_status == 200), "")


async def rings(stage: Stage, wanted: str) -> None:
    """A change reaches Asterisk a moment after it was said."""

    async def so() -> bool:
        return await number_that_answers(stage) == wanted

    await wait_until(so, what=f"the team's line to ring {wanted[-3:]}", deadline_seconds=GENEROUS_SECONDS)


async def test_the_members_of_an_imported_team_ring_and_whoever_leaves_does_not(stage: Stage) -> None:
    await rings(stage, ORGANISATION.mobile(3))
    today = datetime.now(ZoneInfo("Europe/London")).date()
    away = {"from": today.isoformat(), "deputy": "p7", "reason": "on leave"}
    await stage.node.must("PUT", "/v1/people/p3/away", away)
    await rings(stage, ORGANISATION.mobile(1))
    await stage.node.must("PUT", "/v1/people/p1/leaving", {"reason": "left"})
    await rings(stage, ORGANISATION.mobile(5))
    (team,) = (await stage.node.must("GET", "/v1/teams"))["teams"]
    assert (team["state"], team["reachable"]) == ("staffed", 1)
    await bring(stage, teams=TEAMS.format(floor=2))
    await rings(stage, ORGANISATION.fallback("north"))


async def test_a_closed_site_has_its_calls_where_it_says_and_opens_again(stage: Stage) -> None:
    night, day = ORGANISATION.mobile(9), ORGANISATION.fallback("north")
    closed = f"{other_day()} 00:00-24:00"
    await bring(stage, sites=SITES.format(fallback=day, opening=closed, night=night))
    await rings(stage, night)
    await bring(stage, sites=SITES.format(fallback=day, opening="00:00-24:00", night=night))
    await rings(stage, ORGANISATION.mobile(3))


def other_day() -> str:
    """A weekday that it is not, nor soon will be."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return names[(datetime.now(ZoneInfo("Europe/London")).weekday() + 3) % 7]
