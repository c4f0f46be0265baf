"""The only way out: its alternatives, its limits, and what it never dials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.lab.call_result import CallResult
from tests.lab.installation import Installation
from tests.scenarios.fickle import RingThenRefuse, in_place_of
from tests.scenarios.site import FALLBACK, MOBILE, PLAN, QUICK, CallSite, running_site
from tests.scenarios.site_files import NO_PROGRESS_SECONDS, Caps
from tests.scenarios.teams import wait_answered

MOBILE_AS_B_WANTS_IT = "07700900123"
PACKETS_A_SECOND = 50


async def divert(site: CallSite, did: str, **options: object) -> CallResult:
    await site.record(did)
    await site.mode("divert")
    return await site.carrier.call(did, from_=did, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [503, 500, 403, 401, 408, 488])
async def test_trunk_that_fails_is_followed_by_the_next(site: CallSite, status: int) -> None:
    did = site.did()
    await site.network_a.answer(status)
    assert (await divert(site, did)).answered
    assert site.rang(site.network_b, caller=did) == [MOBILE_AS_B_WANTS_IT]
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["step"], event["egress"]) == ("person", "1", "b")
    told = await site.event("RingfenceEgress", did)
    assert (told["egress"], told["result"], told["status"]) == ("a", "failure", str(status))


async def test_frozen_trunk_is_followed_by_the_next(site: CallSite) -> None:
    did = site.did()
    await site.network_a.freeze()
    try:
        call = await divert(site, did)
    finally:
        await site.network_a.thaw()
    assert call.ringing_after_seconds is not None
    assert call.ringing_after_seconds < NO_PROGRESS_SECONDS + 0.3
    assert (await site.event("RingfenceCall", did))["egress"] == "b"


async def test_caller_hears_it_ring_where_every_far_end_is_silent(site: CallSite) -> None:
    """A frozen platform and frozen trunks would otherwise be a minute of silence."""
    did = site.did()
    await site.record(did)
    for far_end in (site.platform, site.network_a, site.network_b):
        await far_end.silent()
    call = await site.carrier.call(did, from_=did)
    assert (call.statuses[0], call.statuses[1], call.final_status) == (100, 180, 200)


async def test_early_media_of_a_trunk_that_fails_is_followed_by_ringing(site: CallSite) -> None:
    """A 180 is not heard after it, and the next trunk may take seconds to send one."""
    did = site.did()
    await site.network_b.behave(replace(QUICK, ring_delay_ms=700, answer_delay_ms=100))
    async with in_place_of(site.network_a, RingThenRefuse({MOBILE: 503}, provisional=183)):
        call = await divert(site, did)
    assert call.answered_at is not None
    before = [at for at in call.rtp_packet_times if at < call.answered_at]
    assert len(before) > 0.7 * PACKETS_A_SECOND * (call.answered_at - call.invited_at)


@pytest.mark.parametrize("status", [404, 410, 484, 604, 480])
async def test_number_refused_by_every_trunk_is_followed_by_the_next_step(site: CallSite, status: int) -> None:
    did = site.did()
    await site.network_a.answer(status, number=MOBILE)
    await site.network_b.answer(status, number=MOBILE_AS_B_WANTS_IT)
    assert (await divert(site, did)).answered
    assert site.rang(site.network_b, caller=did) == [MOBILE_AS_B_WANTS_IT]
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["step"], event["egress"]) == ("site", "2", "a")
    told = [(attempt["egress"], attempt["result"]) for attempt in site.events_of("RingfenceEgress", did)]
    assert told == [("a", "undeliverable"), ("b", "undeliverable")]


@pytest.mark.parametrize("status", [404, 480, 484])
async def test_trunk_that_reaches_no_number_loses_nobody(site: CallSite, status: int) -> None:
    did = site.did()
    await site.network_a.answer(status)
    assert (await divert(site, did)).answered
    assert site.rang(site.network_b, caller=did) == [MOBILE_AS_B_WANTS_IT]
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["step"], event["egress"]) == ("person", "1", "b")


async def test_person_who_declines_is_not_rung_through_another_trunk(site: CallSite) -> None:
    did = site.did()
    await site.network_a.answer(603, number=MOBILE)
    assert (await divert(site, did)).answered
    assert site.rang(site.network_b, caller=did) == []
    assert (await site.event("RingfenceCall", did))["step"] == "2"


async def test_trunk_known_to_be_down_is_left_out(site: CallSite) -> None:
    did = site.did()
    await site.trunk_down("a")
    assert (await divert(site, did)).answered
    assert site.rang(site.network_a, caller=did) == []
    assert site.rang(site.network_b, caller=did) == [MOBILE_AS_B_WANTS_IT]


async def test_all_trunks_are_tried_when_all_are_down(site: CallSite) -> None:
    did = site.did()
    await site.trunk_down("a", "b")
    assert (await divert(site, did)).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]


async def test_trunk_known_to_be_down_is_the_last_resort(site: CallSite) -> None:
    did = site.did()
    await site.trunk_down("a")
    await site.network_b.answer(503)
    assert (await divert(site, did)).answered
    assert (await site.event("RingfenceCall", did))["egress"] == "a"


async def test_all_trunks_failing_ends_in_the_announcement(site: CallSite) -> None:
    did = site.did()
    await site.network_a.answer(503)
    await site.network_b.answer(503)
    call = await divert(site, did, hold_seconds=1.5)
    assert call.rtp_packet_count > 10
    assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


async def test_own_did_is_never_dialled(site: CallSite) -> None:
    did, other = site.did(), site.did()
    await site.record(other)
    await site.record(did, plan=f"p:{other}:5,a:unavailable:0")
    await site.mode("divert")
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == []
    assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


@pytest.mark.parametrize(
    "target", ["+449001234567", "+33123456789", "+44999", "+112", "999", "07700900123", "+4477009001234567"]
)
async def test_number_outside_the_rules_is_never_dialled(site: CallSite, target: str) -> None:
    did = site.did()
    await site.record(did, plan=f"p:{target}:5,s:{FALLBACK}:5,a:unavailable:0")
    await site.mode("divert")
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]


async def test_what_the_numbering_plan_denies_is_not_dialled_whoever_wrote_it_into_astdb(site: CallSite) -> None:
    """Jersey, the Isle of Man, a personal number, a shared-cost number, satellites: by their beginnings alone."""
    targets = "+447797700123", "+447624300123", "+447012345678", "+448712345678", "+881612345678", "+870773111632"
    did = site.did()
    await site.record(
        did, plan=",".join([*(f"p:{target}:5" for target in targets), f"s:{FALLBACK}:5"]), forced="divert"
    )
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Ringfence-Hop", "node1")],
        [("Diversion", "<sip:1@a>, <sip:2@b>;reason=x, <sip:3@c>")],
        [("Diversion", "<sip:1@a>"), ("Diversion", "<sip:2@b>"), ("Diversion", "<sip:3@c>")],
    ],
)
async def test_call_that_was_out_before_is_not_sent_out_again(site: CallSite, headers: list[tuple[str, str]]) -> None:
    did = site.did()
    call = await divert(site, did, headers=headers)
    assert call.answered
    assert site.rang(site.network_a, caller=did) == []
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["reason"]) == ("announcement", "looped")


async def test_diverted_call_carries_our_mark(site: CallSite) -> None:
    did = site.did()
    await divert(site, did, headers=[("Diversion", "<sip:+441619960000@elsewhere>")])
    (invite,) = [call.invite for call in site.network_a.calls() if call.caller == did]
    assert invite.header("x-ringfence-hop") == "node1"
    assert invite.all("diversion") == [f"<sip:{did}@our.example>;reason=unavailable;counter=1"]


async def test_diverted_call_does_not_last_for_ever(site: CallSite) -> None:
    await site.carrier.call(site.did())  # the first call of all sets the site's values
    usual = (await site.asterisk.cli("dialplan show globals")).partition("RF_EGRESS_MAX_SECONDS=")[2].split()[0]
    await site.asterisk.cli("dialplan set global RF_EGRESS_MAX_SECONDS 1")
    try:
        call = await divert(site, site.did(), hold_seconds=20)
    finally:
        await site.asterisk.cli(f"dialplan set global RF_EGRESS_MAX_SECONDS {usual}")
    assert call.ended.name == "BY_CALLEE"


@pytest_asyncio.fixture
async def tight_site(installation: Installation) -> AsyncIterator[CallSite]:
    """Two channels on the first trunk, three diverted calls in all."""
    async with running_site(installation, Caps(channels_a=2, channels_b=5, max_calls=3)) as site:
        yield site


async def test_caps_hold_and_are_given_back(tight_site: CallSite) -> None:
    site = tight_site
    await site.mode("divert")
    for _ in range(2):
        dids = [site.did() for _ in range(5)]
        for did in dids:
            await site.record(did, plan=PLAN)
        let_go = asyncio.Event()
        calls = []
        # One after the other: two that ask for the last channel in the same moment may both be refused.
        for did in dids[:3]:
            calls.append(asyncio.create_task(site.carrier.call(did, from_=did, hold_seconds=30, hold_until=let_go)))
            await wait_answered(site, did)
        for did in dids[3:]:
            await site.carrier.call(did)
        let_go.set()
        await asyncio.gather(*calls)
        ends = [await site.event("RingfenceCall", did) for did in dids]
        assert sum(event["answered_by"] == "person" for event in ends) == 3
        assert sum(event["answered_by"] == "announcement" for event in ends) == 2
        ways = sorted(event["egress"] for event in ends if event["answered_by"] == "person")
        assert ways == ["a", "a", "b"]


async def test_503_of_a_trunk_at_its_channel_count_is_full_not_down(tight_site: CallSite) -> None:
    site = tight_site
    first, second = site.did(), site.did()
    await site.record(first)
    await site.record(second)
    await site.mode("divert")
    let_go = asyncio.Event()
    holding = asyncio.create_task(site.carrier.call(first, hold_seconds=30, hold_until=let_go))
    await site.network_a.wait_calls(1)
    await site.network_a.answer(503)
    assert (await site.carrier.call(second)).answered
    assert (await site.event("RingfenceEgress", second))["result"] == "full"
    let_go.set()
    await holding
    third = site.did()
    await site.record(third)
    assert (await site.carrier.call(third)).answered
    assert (await site.event("RingfenceEgress", third))["result"] == "failure"
