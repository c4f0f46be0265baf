"""What diverted calls may come to, with no daemon: calls and minutes an hour, channels kept, callers who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5

import pytest
import pytest_asyncio

from ringfence.asterisk.caps import Cap, Caps
from ringfence.asterisk.site import Announcement, SiteDialplan
from tests.lab.behaviour import Manner
from tests.lab.call_result import CallResult
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, QUICK, CallSite, running_site

MEMBER = "+447700900124"
CAPS = Caps(did=Cap(5, 10), team=Cap(9, 30), person=Cap(6, 20), total=Cap(1000, 1000))
PLAN = f"p:{MOBILE}:3,s:{FALLBACK}:3,a:unavailable:0"
WAIT_SECONDS = 3


def counted(site: SiteDialplan) -> SiteDialplan:
    first, *others = site.egress.trunks
    first = replace(first, cap=Cap(100, 100))
    return replace(site, egress=replace(site.egress, trunks=(first, *others), caps=CAPS))


def narrow(site: SiteDialplan) -> SiteDialplan:
    """Three channels in all, one of them for critical DIDs."""
    trunk = replace(site.egress.trunks[0], channel_count=3, reserved_count=1)
    egress = replace(site.egress, trunks=(trunk,), wait_seconds=WAIT_SECONDS, max_call_seconds=60)
    # One's own words, and short.
    announcements = (*site.announcements, Announcement("all_busy", ("beep",)))
    return replace(site, egress=egress, ring_budget_seconds=15, announcements=announcements)


@pytest_asyncio.fixture(scope="module")
async def counted_site(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, change=counted) as site:
        yield site


@pytest_asyncio.fixture(scope="module")
async def narrow_site(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, change=narrow) as site:
        yield site


@pytest_asyncio.fixture
async def capped(counted_site: CallSite) -> CallSite:
    return await diverting(counted_site)


@pytest_asyncio.fixture
async def short(narrow_site: CallSite) -> CallSite:
    return await diverting(narrow_site)


async def diverting(site: CallSite) -> CallSite:
    """Nothing of the call before is still to be counted."""

    async def silent() -> bool:
        return "\n0 active channels" in "\n" + await site.asterisk.cli("core show channels count")

    await wait_until(silent, what="all calls to end", deadline_seconds=20)
    await site.reset()
    await site.mode("divert")
    site.events.clear()
    return site


def hour(ago: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(hours=ago)).strftime("%Y%m%d%H")


def row_of(number: str) -> str:
    """The row of a person's number: nothing the number could be had from."""
    return md5(number.encode()).hexdigest()[:5]


async def used(site: CallSite, what: str, name: str, calls: int, seconds: int, ago: int = 0) -> None:
    await site.put(f"ringfence/use/{what}", name, f"1|{hour(ago)}|{calls}|{seconds}")


async def use(site: CallSite, what: str, name: str) -> tuple[int, int]:
    """Calls and seconds of this hour."""
    value = await site.asterisk.db_get(f"ringfence/use/{what}", name)
    version, counted_hour, calls, seconds = (value or f"1|{hour()}|0|0").split("|")
    assert (version, counted_hour) == ("1", hour())
    return int(calls), int(seconds)


LIMITS = {
    "did-calls": ("did", "", 5, 0, "announcement"),
    "did-minutes": ("did", "", 0, 600, "announcement"),
    "person-calls": ("person", row_of(MOBILE), 6, 0, "site"),
    "person-minutes": ("person", row_of(MOBILE), 0, 1200, "site"),
    "total-calls": ("total", "all", 1000, 0, "announcement"),
    "total-minutes": ("total", "all", 0, 60_000, "announcement"),
    "trunk-calls": ("trunk", "a", 100, 0, "person"),
    "trunk-minutes": ("trunk", "a", 0, 6000, "person"),
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_limit_reached_ends_the_step_and_is_told(capped: CallSite, limit: str) -> None:
    site, did = capped, capped.did()
    what, name, calls, seconds, answered_by = LIMITS[limit]
    await site.record(did, plan=PLAN)
    await used(site, what, name or did, calls, seconds)
    assert (await site.carrier.call(did, from_=did)).answered
    event = await site.event("RingfenceCall", did)
    assert event["answered_by"] == answered_by
    assert site.rang(site.network_a, caller=did) == ([FALLBACK] if answered_by == "site" else [])
    # By the other trunk, where only this one had come to its limit.
    assert event["egress"] != "a" or answered_by != "person"
    told = site.events_of("RingfenceRefusal", did)
    assert told and all((event["what"], event["limit"]) == ("capped", limit) for event in told)
    assert {event["call"] for event in told} == {event["call"]}


@pytest.mark.parametrize("limit", LIMITS)
async def test_limit_just_not_reached_lets_the_call_out(capped: CallSite, limit: str) -> None:
    site, did = capped, capped.did()
    what, name, calls, seconds, _ = LIMITS[limit]
    await site.record(did, plan=PLAN)
    await used(site, what, name or did, max(calls - 1, 0), max(seconds - 60, 0))
    await site.carrier.call(did, from_=did)
    assert site.rang(site.network_a, caller=did) == [MOBILE]


async def test_critical_did_is_counted_and_never_stopped(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=PLAN, critical=True)
    for what, name, *_ in LIMITS.values():
        await used(site, what, name or did, 1000, 60_000)
    await site.carrier.call(did, from_=did)
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    assert (await use(site, "did", did))[0] == 1001
    assert site.events_of("RingfenceRefusal", did) == []


async def test_row_of_another_hour_counts_nothing_and_is_overwritten(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=PLAN)
    await used(site, "did", did, 1000, 60_000, ago=1)
    await site.carrier.call(did, from_=did)
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    assert (await use(site, "did", did))[0] == 1


async def test_minutes_are_added_when_the_leg_ends(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=PLAN)
    await site.carrier.call(did, from_=did, hold_seconds=1.2)
    rows = (("did", did), ("person", row_of(MOBILE)), ("trunk", "a"), ("total", "all"))

    async def added() -> bool:
        return all([(await use(site, what, name))[1] > 1 for what, name in rows])

    await wait_until(added, what="the minutes", deadline_seconds=20)
    found = [await use(site, what, name) for what, name in rows]
    assert {calls for calls, _ in found} == {1}
    # A second begun counts whole.
    assert all(seconds in (2, 3) for _, seconds in found)


async def test_leg_that_nobody_answers_costs_a_call_and_no_minute(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=PLAN)
    await site.network_a.answer(486, number=MOBILE)
    await site.network_a.behave(replace(QUICK, manner=Manner.RING_FOR_EVER), number=FALLBACK)
    await site.carrier.call(did, from_=did, cancel_when=lambda: site.heard_ringing(did))
    await site.event("RingfenceCall", did)
    # One caller, two steps.
    assert await use(site, "did", did) == (1, 0)
    assert await use(site, "person", row_of(MOBILE)) == (1, 0)
    assert await use(site, "trunk", "a") == (2, 0)


async def test_twenty_at_once_are_never_let_in_beyond_a_limit(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=f"s:{FALLBACK}:3,a:unavailable:0")
    callers = [f"+4416329600{number:02}" for number in range(20)]
    calls = await asyncio.gather(*(site.carrier.call(did, from_=caller) for caller in callers))
    assert all(call.answered for call in calls)
    rang = [caller for caller in callers if site.rang(site.network_a, caller=caller)]
    assert len(rang) == CAPS.did.calls
    assert (await use(site, "did", did))[0] == len(callers)


async def test_team_rung_at_once_counts_one_call_for_its_did(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.put("ringfence/team/7", "0a1b2c3d", "1|all|3|0|0|1|000000a1,000000a2")
    for slot, number in (("000000a1", MOBILE), ("000000a2", MEMBER)):
        await site.put("ringfence/team/7", f"0a1b2c3d.{slot}", f"1|p:{number}:3")
    await site.record(did, plan="t:7/0a1b2c3d:3,a:unavailable:0")
    # Beyond what a DID of one person may have, and not beyond a line.
    await used(site, "did", did, CAPS.did.calls, 0)
    assert (await site.carrier.call(did, from_=did)).answered
    await site.event("RingfenceCall", did)
    assert (await use(site, "did", did))[0] == CAPS.did.calls + 1
    assert (await use(site, "person", row_of(MOBILE)))[0] == 1
    assert (await use(site, "person", row_of(MEMBER)))[0] == 1


async def test_no_number_dialled_stands_in_astdb(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=PLAN)
    await site.carrier.call(did, from_=did)
    shown = await site.asterisk.db_show("ringfence/use")
    assert len(shown) == 4
    assert MOBILE[-9:] not in str(shown)


async def test_numbers_nobody_has_share_one_row(capped: CallSite) -> None:
    """Or a stranger could fill AstDB by dialling."""
    site = capped
    await site.fallback(f"s:{FALLBACK}:3,a:unavailable:0")
    for _ in range(2):
        did = site.did()
        await site.carrier.call(did, from_=did)
    assert await site.asterisk.db_get("ringfence/use/did", "other") is not None
    assert len(await site.asterisk.db_show("ringfence/use/did")) == 1


async def test_forbidden_destination_is_told(capped: CallSite) -> None:
    site, did = capped, capped.did()
    await site.record(did, plan=f"p:+449001234567:3,s:{FALLBACK}:3,a:unavailable:0")
    await site.carrier.call(did, from_=did)
    told = await site.event("RingfenceRefusal", did)
    assert (told["what"], told["limit"]) == ("refused", "destination")
    assert "9001234567" not in str(told)


async def hold(
    site: CallSite, seconds: float = 30, *, until: asyncio.Event | None = None, critical: bool = False
) -> asyncio.Task[object]:
    """A call that is answered, and takes its channel for so long, or until then."""
    did = site.did()
    await site.record(did, plan=PLAN, critical=critical)
    task: asyncio.Task[object] = asyncio.create_task(
        site.carrier.call(did, from_=did, hold_seconds=seconds, hold_until=until)
    )
    await wait_until(
        lambda: any(call.caller == did and call.answered_at for call in site.network_a.calls()),
        what="the holding call to be answered",
        deadline_seconds=20,
    )
    return task


async def wait_waiting(site: CallSite) -> None:
    """For one caller who waits for a channel."""

    async def waiting() -> bool:
        return "ringfence-shortage" in await site.asterisk.cli("group show channels")

    await wait_until(waiting, what="a caller to wait", deadline_seconds=20)


async def test_last_channel_is_a_critical_dids(short: CallSite) -> None:
    site, did, critical = short, short.did(), short.did()
    await site.record(did, plan=f"p:{MOBILE}:3,a:unavailable:0")
    await site.record(critical, plan=PLAN, critical=True)
    let_go, leave = asyncio.Event(), asyncio.Event()
    holding = [await hold(site, until=let_go) for _ in range(2)]
    ordinary = asyncio.create_task(site.carrier.call(did, from_=did, cancel_when=leave.is_set))
    await wait_waiting(site)
    assert (await site.carrier.call(critical, from_=critical)).answered
    assert site.rang(site.network_a, caller=critical) == [MOBILE]
    leave.set()
    await ordinary
    assert site.rang(site.network_a, caller=did) == []
    assert (await site.event("RingfenceCall", did))["result"] == "cancelled"
    let_go.set()
    await asyncio.gather(*holding)


async def waited(site: CallSite, did: str) -> CallResult:
    """A call that has to wait for a channel, and gets the first that is free."""
    let_go = asyncio.Event()
    holding = [await hold(site, until=let_go) for _ in range(2)]
    waiting = asyncio.create_task(site.carrier.call(did, from_=did))
    await wait_waiting(site)
    await asyncio.sleep(0.5)  # of what is heard meanwhile
    let_go.set()
    await asyncio.gather(*holding)
    return await waiting


async def test_caller_who_waits_is_put_through_when_a_channel_is_free(short: CallSite) -> None:
    site, did = short, short.did()
    await site.record(did, plan=f"p:{MOBILE}:3,a:unavailable:0")
    call = await waited(site, did)
    assert call.answered and 183 in call.statuses
    assert call.rtp_packet_count > 10
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"
    assert site.events_of("RingfenceRefusal", did) == []


async def test_machine_that_waits_is_told_nothing(short: CallSite) -> None:
    site, did = short, short.did()
    plan = f"s:{FALLBACK}:3,a:unavailable:0"
    await site.raw_record(did, f"1|uc|divert|fax|0|{plan}|{plan}")
    call = await waited(site, did)
    assert call.answered and 180 in call.statuses and 183 not in call.statuses


async def test_who_came_first_is_put_through_first(short: CallSite) -> None:
    """The newcomer finds a free channel, and somebody who waits for it."""
    site, first, newcomer = short, short.did(), short.did()
    for did in (first, newcomer):
        await site.record(did, plan=f"p:{MOBILE}:3,a:unavailable:0")
    let_go, over = asyncio.Event(), asyncio.Event()
    holding = [await hold(site, until=over), await hold(site, until=let_go)]
    waiting = asyncio.create_task(site.carrier.call(first, from_=first, hold_seconds=0.2))
    await wait_waiting(site)
    let_go.set()
    await holding[1]
    late = asyncio.create_task(site.carrier.call(newcomer, from_=newcomer, hold_seconds=0.2))
    await asyncio.gather(waiting, late)
    over.set()
    await asyncio.gather(*holding)
    order = [call.caller for call in site.network_a.calls() if call.caller in (first, newcomer)]
    assert order == [first, newcomer]


async def test_waiting_ends_in_the_announcement(short: CallSite) -> None:
    site, did = short, short.did()
    await site.record(did, plan=f"p:{MOBILE}:3,a:unavailable:0")
    holding = [await hold(site, WAIT_SECONDS + 5) for _ in range(2)]
    assert (await site.carrier.call(did, from_=did)).answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"
    told = await site.event("RingfenceRefusal", did)
    assert (told["what"], told["limit"]) == ("full", "channels")
    await site.network_a.hang_up_all()
    await asyncio.gather(*holding)
