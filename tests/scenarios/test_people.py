"""Joiners, movers and leavers end to end: a real Asterisk, the real daemon, a feed, an identity provider, and calls.

Who answers is asserted here; how soon is measured by `make faults`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import pytest
import pytest_asyncio

from ringfence.domain.access import Role
from tests.lab.faults.stage import Stage, now, opened
from tests.lab.hr_site import (
    ABSENCES,
    COLUMNS,
    SOURCES,
    SOURCES_WITH_ABSENCES,
    Employee,
    HrSite,
    Midnight,
    moment,
    prepare,
)
from tests.lab.installation import Installation
from tests.lab.sign_ins import Somebody, order_as, sign_in
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import GENEROUS_SECONDS, ORGANISATION, PLATFORM, call

EVERYBODY = range(ORGANISATION.people)
SITE_ZONE = "Europe/London"
SOON_SECONDS = 4


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    """In DR, with everybody's first load approved: the mobiles ring."""
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=SOURCES, prepare=prepare) as stage:
        await stage.order("dr")
        yield stage


async def loaded(stage: Stage, columns: tuple[str, ...] = COLUMNS) -> HrSite:
    """Everybody's first load, approved."""
    site = HrSite(stage.node, ORGANISATION, columns)
    await site.approve((await site.feed(map(Employee, EVERYBODY)))["plan"])
    return site


async def answers(stage: Stage, person: int, wanted: str) -> None:
    """Calls until it is so: a change reaches Asterisk a moment after it was said."""

    async def so() -> bool:
        return await call(stage, person) == wanted

    await wait_until(so, what=f"{wanted} to answer DID {person}", deadline_seconds=GENEROUS_SECONDS)


async def number_that_answers(stage: Stage, person: int) -> str:
    """Which number takes a call to this person's DID; empty when none does."""
    since = now()
    await call(stage, person)
    legs = [*stage.lab.mobile_network.calls(), *stage.lab.other_mobile_network.calls()]
    return next((leg.number for leg in legs if leg.at >= since and leg.final_status == 200), "")


async def rings(stage: Stage, person: int, wanted: int) -> None:
    """As `answers`, where it matters whose mobile it is."""

    async def so() -> bool:
        return await number_that_answers(stage, person) == ORGANISATION.mobile(wanted)

    await wait_until(so, what=f"DID {person} to ring person {wanted}", deadline_seconds=GENEROUS_SECONDS)


async def enter(stage: Stage, person: int, what: str, **order: object) -> None:
    await stage.node.must("PUT", f"/v1/people/p{person}/{what}", {**order, "reason": "they told us"})


async def clear(stage: Stage, person: int, what: str) -> None:
    await stage.node.must("DELETE", f"/v1/people/p{person}/{what}?reason=they+told+us")


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
    site.stop()
    await answers(stage, 2, "site")
    assert await call(stage, 3) == "person"


async def test_a_feed_that_was_cut_off_moves_nobody_and_a_new_owner_waits_out_the_quarantine(stage: Stage) -> None:
    site = await loaded(stage)
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


async def test_consent_and_hours_that_are_entered_decide_whether_a_mobile_rings(stage: Stage) -> None:
    await loaded(stage)
    assert await number_that_answers(stage, 3) == ORGANISATION.mobile(3)
    await enter(stage, 3, "facts", position=1, consent="withdrawn")
    await answers(stage, 3, "site")
    await enter(stage, 3, "facts", position=1, consent="given")
    await rings(stage, 3, 3)

    await enter(stage, 3, "facts", position=1, hours=hours_around_now(2, 4))
    await answers(stage, 3, "site")
    await enter(stage, 3, "on_call", until=moment(now() + 3_600))
    await rings(stage, 3, 3)
    await clear(stage, 3, "on_call")
    await answers(stage, 3, "site")
    await enter(stage, 3, "facts", position=1, hours=hours_around_now(-2, 2))
    await rings(stage, 3, 3)
    assert await number_that_answers(stage, 4) == ORGANISATION.mobile(4)


def hours_around_now(begin_in: int, end_in: int) -> str:
    """`begin_in` and `end_in` are hours from now."""
    local = datetime.now(ZoneInfo(SITE_ZONE))
    return "-".join(f"{local + timedelta(hours=hours):%H:%M}" for hours in (begin_in, end_in))


async def test_the_deputy_of_somebody_who_is_away_is_rung_and_the_deputys_deputy_is_not(stage: Stage) -> None:
    await loaded(stage)
    assert await number_that_answers(stage, 5) == ORGANISATION.mobile(5)
    today = datetime.now(ZoneInfo(SITE_ZONE)).date()
    await enter(stage, 5, "away", **{"from": today.isoformat(), "deputy": "p6"})
    await rings(stage, 5, 6)
    await enter(stage, 6, "away", **{"from": today.isoformat(), "deputy": "p7"})
    await rings(stage, 6, 7)
    await answers(stage, 5, "site")
    await clear(stage, 6, "away")
    await rings(stage, 5, 6)
    await clear(stage, 5, "away")
    await rings(stage, 5, 5)


async def test_staff_set_their_own_numbers_and_say_where_they_are_today(stage: Stage) -> None:
    own, depot = ORGANISATION.mobile(700), ORGANISATION.mobile(701)
    (token,) = await sign_in(stage.node, [Somebody("Person 8", frozenset({Role.STAFF}), "p8")])
    await stage.node.wait_table(ORGANISATION.dids)

    async def rung(number: str) -> None:
        async def so() -> bool:
            return await number_that_answers(stage, 8) == number

        await wait_until(so, what=f"DID 8 to ring {number[-3:]}", deadline_seconds=GENEROUS_SECONDS)

    async def say(what: str, **order: object) -> None:
        await order_as(stage.node, token, "/me", "PUT", f"/v1/me/{what}", {**order, "reason": "mine"})

    await rung(ORGANISATION.mobile(8))
    await say("numbers", numbers=[{"number": own}])
    await rung(own)
    await say("today", number=depot, until=moment(now() + SOON_SECONDS))
    await rung(depot)
    await rung(own)  # by itself, at the end
    await say("facts", position=1, consent="withdrawn")
    await answers(stage, 8, "site")
    assert await number_that_answers(stage, 9) == ORGANISATION.mobile(9)


async def test_a_joiner_and_somebody_who_was_away_ring_from_midnight_with_no_feed_in_between(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONTZPATH", ":".join((str(tmp_path), *TZPATH)))  # for the daemon
    more = SOURCES_WITH_ABSENCES.replace(SITE_ZONE, "UTC")
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=more, prepare=prepare) as stage:
        await stage.order("dr")
        site = await loaded(stage, (*COLUMNS, *ABSENCES))
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        last_day = (tomorrow - timedelta(days=1)).isoformat()
        away = Employee(0, {"away_from": "2020-01-31", "away_until": last_day, "deputy": "p1"})
        joiner = Employee(13, {"starts": tomorrow.isoformat()})
        run = await site.feed([away, *map(Employee, EVERYBODY[1:]), joiner])
        assert run["accepted"] == {"joiner": 1, "detail": 1}
        site.stop()
        await rings(stage, 0, 1)

        # Tomorrow begins in a moment where they work: at one site, then at the other, so that neither is rung because
        # the other's day has begun. Last of all, for what comes before may be slow.
        zones = ["North", "UTC"]
        Midnight(tomorrow, int(now()) + SOON_SECONDS).write_zone(tmp_path / "North")
        await move_sites(stage, zones)
        assert await number_that_answers(stage, 0) == ORGANISATION.mobile(1)
        await rings(stage, 0, 0)
        assert await call(stage, 13) == "site"

        zones[1] = "South"
        Midnight(tomorrow, int(now()) + SOON_SECONDS).write_zone(tmp_path / "South")
        await move_sites(stage, zones)
        assert await call(stage, 13) == "site"
        await rings(stage, 13, 13)


async def move_sites(stage: Stage, zones: list[str]) -> None:
    """Each to its time zone."""
    names, *rows = ORGANISATION.sites_csv().splitlines()
    placed = (f"{row},{zone}" for row, zone in zip(rows, zones, strict=True))
    text = "\n".join([f"{names},time_zone", *placed]) + "\n"
    order = {"sites": {"name": "sites.csv", "text": text}, "dry_run": False, "accept_cautions": True}
    await stage.node.must("POST", "/v1/import", order)
