"""People's words about teams, sites, DIDs and ranges, end to end: a real Asterisk, the real daemon, and calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.people import SITES
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, call, call_all, status, until

DESK, WARD, LAB = "Service desk", "Ward 7", "Lab"
TEAMS = replace(ORGANISATION, teams=(DESK, WARD, LAB))
IN_DESK, IN_WARD = 0, 1
ANOTHER_IN_DESK = 3
SOON_SECONDS = 4


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, TEAMS, platform=PLATFORM) as stage:
        yield stage


async def say(stage: Stage, mode: str, **order: object) -> dict[str, Any]:
    done = await stage.node.must("PUT", "/v1/override", {"mode": mode, "reason": "a scenario", **order})
    word: dict[str, Any] = done["override"]
    return word


async def taken(stage: Stage, person: int, by: str) -> None:
    """Calls until it is so: a word reaches Asterisk a moment after it was said."""

    async def so() -> bool:
        return await call(stage, person) == by

    await until(stage, f"DID {person} to be taken by {by}", so)


async def test_a_team_in_dr_moves_its_next_calls_and_nobody_elses(stage: Stage) -> None:
    assert await call_all(stage, range(3)) == ["platform"] * 3
    seen = await stage.node.must("POST", "/v1/override/preview", {"mode": "dr", "team": DESK})
    assert (seen["covers"], seen["to_dr"], seen["no_number"], seen["calls"]["enough"]) == (4, 4, 0, True)
    assert (await status(stage))["overrides"] == []

    await say(stage, "normal", did=TEAMS.did(ANOTHER_IN_DESK))
    word = await say(stage, "dr", team=DESK, **{"for": "1h"})
    await taken(stage, IN_DESK, "person")
    assert await call(stage, ANOTHER_IN_DESK) == "platform", "a DID's own word beats its team's"
    assert await call_all(stage, range(1, 3)) == ["platform"] * 2

    await stage.restart_daemon()
    assert await call(stage, IN_DESK) == "person"
    assert word["id"] in {one["id"] for one in (await status(stage))["overrides"]}

    await stage.node.must("POST", "/v1/override/undo", {"id": word["id"], "reason": "wrong team"})
    await taken(stage, IN_DESK, "platform")


async def test_a_range_is_one_word_and_an_undo_brings_the_earlier_one_back(stage: Stage) -> None:
    ends = {"from": TEAMS.did(5), "to": TEAMS.did(7)}
    await say(stage, "dr", **ends)
    await taken(stage, 7, "person")
    assert [await call(stage, person) for person in (4, 5, 6, 8)] == ["platform", "person", "person", "platform"]
    assert await words_in_history(stage) == 1

    back = await say(stage, "normal", **ends)
    await taken(stage, 5, "platform")
    await stage.lab.platform.answer(503, number=TEAMS.did(5))
    assert await call(stage, 5) == "503", "a DID that is pinned is not diverted inline either"
    await stage.node.must("POST", "/v1/override/undo", {"id": back["id"], "reason": "they need it"})
    await taken(stage, 5, "person")


async def test_a_site_goes_to_dr_and_comes_back_by_itself_at_the_end(stage: Stage) -> None:
    at_north, at_south = 0, 1
    end = datetime.now(UTC) + timedelta(seconds=SOON_SECONDS)
    await say(stage, "dr", site=SITES[0], until=end.isoformat())
    await taken(stage, at_north, "person")
    assert await call(stage, at_south) == "platform"
    await taken(stage, at_north, "platform")
    assert (await status(stage))["overrides"] == []
    rows = (await stage.node.must("GET", "/v1/history?limit=5"))["history"]
    assert (rows[0]["reason"], rows[0]["who"]) == ("override_expired", "ringfence")


async def test_whoever_joins_a_team_in_dr_goes_with_it(stage: Stage) -> None:
    await say(stage, "dr", team=WARD)
    await taken(stage, IN_WARD, "person")
    assert await call(stage, IN_DESK) == "platform"
    await stage.node.import_directory(replace(TEAMS, teams=(WARD, DESK, LAB)))
    await taken(stage, IN_DESK, "person")
    await taken(stage, IN_WARD, "platform")


async def words_in_history(stage: Stage) -> int:
    """How many lines say that a person forced something."""
    rows = (await stage.node.must("GET", "/v1/history?limit=50"))["history"]
    return sum(row["reason"].startswith("person_forced") for row in rows)
