"""Joiners, movers and leavers end to end: a real Asterisk, the real daemon, a feed, an identity provider, and calls.

Who answers is asserted here; how soon is measured by `make faults`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lab.faults.stage import Stage, now, opened
from tests.lab.hr_site import SOURCES, Employee, HrSite, moment, prepare
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import GENEROUS_SECONDS, ORGANISATION, PLATFORM, call

EVERYBODY = range(ORGANISATION.people)


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    """In DR, with everybody's first load approved: the mobiles ring."""
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=SOURCES, prepare=prepare) as stage:
        await stage.order("dr")
        yield stage


async def answers(stage: Stage, person: int, wanted: str) -> None:
    """Calls until it is so: a change reaches Asterisk a moment after it was said."""

    async def so() -> bool:
        return await call(stage, person) == wanted

    await wait_until(so, what=f"{wanted} to answer DID {person}", deadline_seconds=GENEROUS_SECONDS)


async def test_a_leaver_stops_ringing_by_feed_by_push_and_at_a_stored_moment(stage: Stage) -> None:
    site = HrSite(stage.node, ORGANISATION)
    first = await site.feed(Employee(n, {"ends": "2020-01-31"} if n == 0 else {}) for n in EVERYBODY)
    await answers(stage, 0, "site")  # an explicit fact, although the first load is held
    assert await call(stage, 1) == "person"
    await site.approve(first["plan"])

    scim_id = await site.push(1)
    assert await call(stage, 1) == "person"
    await site.deactivate(scim_id)
    await answers(stage, 1, "site")

    leaver = Employee(2, {"ends_at": moment(now() + 2)})
    await site.feed([Employee(0, {"ends": "2020-01-31"}), Employee(1), leaver, *map(Employee, EVERYBODY[3:])])
    for file in site.folder.glob("*.csv"):
        file.unlink()
    await answers(stage, 2, "site")
    assert await call(stage, 3) == "person"


async def test_a_feed_that_was_cut_off_moves_nobody_and_a_new_owner_waits_out_the_quarantine(stage: Stage) -> None:
    site = HrSite(stage.node, ORGANISATION)
    first = await site.feed(map(Employee, EVERYBODY))
    await site.approve(first["plan"])
    cut = await site.feed(map(Employee, EVERYBODY[:6]))
    assert cut["held"] == {"absence": 6}
    assert [await call(stage, person) for person in (5, 6, 11)] == ["person"] * 3

    # Person 11 leaves, and 10 gets the DID: who is called is still the one who left.
    moved = Employee(10, {"did": ORGANISATION.did(11)})
    run = await site.feed([*map(Employee, EVERYBODY[:10]), moved, Employee(11, {"active": "false"})])
    assert (run["leavers"], run["accepted"]) == (1, {"did_move": 1})
    await answers(stage, 11, "site")
    did = ORGANISATION.did(11)
    explained = await stage.node.must("GET", f"/v1/explain/{did}")
    assert "quarantine" in {left["omission"] for left in explained["directory"]["left_out"]}
    await stage.node.must("POST", f"/v1/dids/{did}/release", {"reason": "told the callers"})
    await answers(stage, 11, "person")
