"""Loops at call time, through a carrier that strips every header: each ends in the announcement at its first return."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ringfence.asterisk.site import Identity, SiteDialplan
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.forwarding import Forward
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, QUICK, CallSite, Event, running_site

TRUNK_NUMBER = "+441134960900"
SECOND = "+447700900124"
CALLER = "+447700900777"
TEAM = "7/0a1b2c3d"


def patient(site: SiteDialplan) -> SiteDialplan:
    """Time for a forward after some ringing, and a ladder with all three rungs on the first trunk."""
    first, *others = site.egress.trunks
    first = replace(first, identity=Identity(trunk_number=TRUNK_NUMBER))
    return replace(site, egress=replace(site.egress, trunks=(first, *others)), ring_budget_seconds=20)


@pytest_asyncio.fixture(scope="module")
async def loop_site(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, change=patient) as site:
        yield site


@pytest_asyncio.fixture
async def looping(loop_site: CallSite) -> CallSite:
    await loop_site.reset()
    await loop_site.mode("divert")
    loop_site.events.clear()
    return loop_site


async def forward(site: CallSite, number: str, to: str, *, after_ms: int = 0, shows: str = "caller") -> None:
    onward = Forward(to, site.asterisk.ports.sip, after_ms, shows)
    await site.network_a.behave(replace(QUICK, forward=onward), number=number)


async def begin_with(site: CallSite, rung: str) -> None:
    """What the first trunk has taught: the rung its calls begin with."""
    if rung != "caller":
        await site.put("ringfence/identity", "a", f"1|{rung}|{int(time.time())}|403")


def asked_for(site: CallSite, before: int = 0) -> list[str]:
    return [call.number for call in site.network_a.calls()[before:]]


async def called(site: CallSite, did: str, **options: object) -> tuple[CallResult, list[str]]:
    """A call from outside, and every number the mobile network was asked for while it lasted."""
    before = len(site.network_a.calls())
    options.setdefault("from_", CALLER)
    call = await site.carrier.call(did, hold_seconds=0.2, **options)  # type: ignore[arg-type]
    return call, asked_for(site, before)


class Circle:
    """DIDs whose owners' mobiles forward round to the first one, and a caller of its own."""

    def __init__(self, site: CallSite, length: int, shows: str) -> None:
        self.site, self.shows = site, shows
        self.dids = [site.did() for _ in range(length)]
        self.numbers = [f"+4477009{did[-5:]}" for did in self.dids]

    async def close(self) -> None:
        for place, (did, number) in enumerate(zip(self.dids, self.numbers, strict=True)):
            # For as long as a busy machine may need to go round: a call whose leg has ended cannot be known again.
            await self.site.record(did, plan=f"p:{number}:60,a:unavailable:0")
            following = self.dids[(place + 1) % len(self.dids)]
            await forward(self.site, number, following, shows=self.shows)

    async def call(self) -> None:
        call = await self.site.carrier.call(self.dids[0], from_=f"+44163{self.dids[0][-7:]}", hold_seconds=0.2)
        assert call.answered


async def ended(site: CallSite, did: str, calls: int) -> list[Event]:
    """How so many calls to this DID ended, once all channels are gone."""

    async def silent() -> bool:
        return "\n0 active channels" in "\n" + await site.asterisk.cli("core show channels count")

    await wait_until(silent, what="all calls to end", deadline_seconds=20, interval_seconds=0.1)
    await wait_until(
        lambda: len(site.events_of("RingfenceCall", did)) >= calls, what=f"{calls} calls told", deadline_seconds=20
    )
    ends = site.events_of("RingfenceCall", did)
    assert len(ends) == calls, ends
    return ends


async def ringing(site: CallSite, before: int, *, answered: bool = False) -> None:
    """The mobile network has taken the one call more than before."""
    await wait_until(
        lambda: (
            len(site.network_a.calls()) > before
            and (not answered or site.network_a.calls()[before].answered_at is not None)
        ),
        what="the mobile to ring",
        deadline_seconds=20,
    )


async def ended_in_announcement(site: CallSite, did: str, calls: int) -> None:
    """So many calls to this DID; the one that came back was told, and rang nobody."""
    ends = await ended(site, did, calls)
    back = [end for end in ends if end["reason"] == "looped"]
    # Where whoever answers is told who calls, the announcement has gone by then: the first call goes on by its plan.
    assert [end["answered_by"] for end in back] == ["announcement"]
    (told,) = site.events_of("RingfenceRefusal", did)
    assert (told["what"], told["limit"]) == ("looped", "returned")


@pytest.mark.parametrize("rung", ["caller", "did", "trunk"])
async def test_circle_ends_where_it_closes(looping: CallSite, rung: str) -> None:
    """Of one DID to four, each diverted to a mobile that forwards to the next one; by every identity."""
    site = looping
    await begin_with(site, rung)
    circles = [Circle(site, length, shows) for length in (1, 2, 3, 4) for shows in ("caller", "national")]
    before = len(site.network_a.calls())
    for circle in circles:
        await circle.close()
    await asyncio.gather(*(circle.call() for circle in circles))
    asked = asked_for(site, before)
    for circle in circles:
        assert [number for number in asked if number in circle.numbers] == circle.numbers
        await ended_in_announcement(site, circle.dids[0], calls=2)


async def test_forward_by_a_caller_who_withholds_the_number(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await forward(site, MOBILE, did)
    _, asked = await called(site, did, headers=[("Privacy", "id")])
    assert asked == [MOBILE]
    await ended_in_announcement(site, did, calls=2)


async def test_forward_that_shows_the_forwarder(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await forward(site, MOBILE, did, shows="forwarder")
    _, asked = await called(site, did)
    assert asked == [MOBILE]
    await ended_in_announcement(site, did, calls=2)


async def test_forward_after_ringing_for_seconds(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await forward(site, MOBILE, did, after_ms=1200)
    _, asked = await called(site, did)
    assert asked == [MOBILE]
    await ended_in_announcement(site, did, calls=2)


async def test_sites_number_that_is_forwarded_to_us(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,s:{FALLBACK}:10,a:unavailable:0")
    await site.network_a.answer(486, number=MOBILE)
    await forward(site, FALLBACK, did)
    _, asked = await called(site, did)
    assert asked == [MOBILE, FALLBACK]
    await ended_in_announcement(site, did, calls=2)


@pytest.mark.parametrize("strategy", ["all", "rotation", "order"])
async def test_team_whose_member_forwards_to_the_line(looping: CallSite, strategy: str) -> None:
    site, did = looping, looping.did()
    slots = {"000000a1": MOBILE, "000000a2": SECOND}
    await site.put("ringfence/team/7", "0a1b2c3d", f"1|{strategy}|10|0|0|1|{','.join(slots)}")
    for slot, number in slots.items():
        await site.put("ringfence/team/7", f"0a1b2c3d.{slot}", f"1|p:{number}:10")
        await site.network_a.behave(replace(QUICK, manner=Manner.RING_FOR_EVER), number=number)
    await site.record(did, plan=f"t:{TEAM}:10,s:{FALLBACK}:5,a:unavailable:0")
    await forward(site, MOBILE, did)
    _, asked = await called(site, did)
    assert asked.count(MOBILE) == 1
    assert asked.count(SECOND) <= 1
    assert FALLBACK not in asked
    await ended_in_announcement(site, did, calls=2)


async def test_forward_to_another_did_of_the_same_person(looping: CallSite) -> None:
    site, first, other = looping, looping.did(), looping.did()
    for did in (first, other):
        await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await forward(site, MOBILE, other)
    _, asked = await called(site, first)
    assert asked == [MOBILE]
    await ended_in_announcement(site, other, calls=1)


async def test_second_caller_is_put_through_while_the_first_rings(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await site.network_a.behave(replace(QUICK, answer_delay_ms=1500), number=MOBILE)
    before = len(site.network_a.calls())
    first = asyncio.create_task(called(site, did))
    await ringing(site, before)
    second, _ = await called(site, did, from_="+447700900778")
    await first
    assert second.answered
    assert [end["answered_by"] for end in await ended(site, did, 2)] == ["person", "person"]


async def test_second_call_by_the_same_number_waits_for_the_first_to_be_answered(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await site.network_a.behave(replace(QUICK, answer_delay_ms=800), number=MOBILE)
    before = len(site.network_a.calls())
    first = asyncio.create_task(site.carrier.call(did, from_=CALLER, hold_seconds=2.8))
    await ringing(site, before)
    second, _ = await called(site, did)
    await first
    assert second.answered
    assert [end["answered_by"] for end in await ended(site, did, 2)] == ["person", "person"]
    assert site.events_of("RingfenceRefusal", did) == []


async def test_whoever_has_answered_may_call_back(looping: CallSite) -> None:
    """From the very number that was rung."""
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    before = len(site.network_a.calls())
    first = asyncio.create_task(site.carrier.call(did, from_=CALLER, hold_seconds=2))
    await ringing(site, before, answered=True)
    again, asked = await called(site, did, from_=MOBILE)
    await first
    assert again.answered
    assert asked == [MOBILE]
    assert site.events_of("RingfenceRefusal", did) == []


async def test_mark_is_gone_with_a_leg_that_nobody_answered(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:1,a:unavailable:0")
    await site.network_a.behave(Behaviour(manner=Manner.RING_FOR_EVER, ring_delay_ms=10), number=MOBILE)
    for _ in range(2):
        _, asked = await called(site, did)
        assert asked == [MOBILE]


@pytest.mark.parametrize(
    ("headers", "looped"),
    [
        ([("History-Info", "<sip:1@a>;index=1, <sip:2@b>;index=1.1, <sip:3@c>;index=1.2, <sip:4@d>;index=1.3")], True),
        ([("History-Info", f"<sip:{n}@a>;index=1.{n}") for n in range(4)], True),
        ([("History-Info", f"<sip:{n}@a>;index=1.{n}") for n in range(3)], False),
    ],
)
async def test_history_of_three_diversions(looping: CallSite, headers: list[tuple[str, str]], looped: bool) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:5,a:unavailable:0")
    _, asked = await called(site, did, headers=headers)
    assert asked == ([] if looped else [MOBILE])


async def test_no_number_stands_in_a_group(looping: CallSite) -> None:
    site, did = looping, looping.did()
    await site.record(did, plan=f"p:{MOBILE}:10,a:unavailable:0")
    await site.network_a.behave(replace(QUICK, answer_delay_ms=1500), number=MOBILE)
    before = len(site.network_a.calls())
    call = asyncio.create_task(called(site, did))
    await ringing(site, before)
    shown = await site.asterisk.cli("group show channels")
    await call
    assert "ringfence-loop" in shown
    assert MOBILE[-9:] not in shown and CALLER[-9:] not in shown
