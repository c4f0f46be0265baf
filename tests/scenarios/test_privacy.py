"""A diverted person's private number is in nothing the caller receives."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.waiting import wait_until
from tests.scenarios.fickle import TELLING, AnswerThenReinvite, in_place_of
from tests.scenarios.site import FALLBACK, MOBILE, CallSite


def assert_nothing_told(call: CallResult) -> None:
    for secret in (MOBILE, MOBILE[1:], MOBILE[3:], "Mob Name"):
        assert not call.mentions(secret), secret


@pytest.mark.parametrize("ring_status", [180, 183, 181])
async def test_answered_call_tells_nothing(site: CallSite, ring_status: int) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("divert")
    await site.network_a.behave(Behaviour(ring_status=ring_status, response_headers=TELLING))
    call = await site.carrier.call(did, from_=did, hold_seconds=0.5)
    assert call.answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    assert_nothing_told(call)


@pytest.mark.parametrize("status", [486, 404, 503, 603, 302])
async def test_refused_call_tells_nothing(site: CallSite, status: int) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("divert")
    refusal = Behaviour(
        manner=Manner.REFUSE, status=status, response_headers=(*TELLING, ("Contact", f"<sip:{MOBILE}@x>"))
    )
    await site.network_a.behave(refusal, number=MOBILE)
    call = await site.carrier.call(did)
    assert call.answered
    assert_nothing_told(call)


async def test_call_from_the_platform_to_a_person_inline_tells_nothing(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(503, number=did)
    await site.network_a.behave(Behaviour(response_headers=TELLING))
    call = await site.carrier.call(did)
    assert call.answered
    assert_nothing_told(call)


async def test_person_who_renegotiates_tells_nothing(site: CallSite) -> None:
    """A re-INVITE in mid-call is where option I alone would not have helped."""
    did = site.did()
    await site.record(did, forced="divert")
    talkative = AnswerThenReinvite(TELLING[:2])
    async with in_place_of(site.network_a, talkative):
        over = asyncio.Event()
        calling = asyncio.create_task(site.carrier.call(did, hold_seconds=20, hold_until=over))
        await wait_until(lambda: 200 in talkative.reinvite_statuses, what="the re-INVITE", deadline_seconds=15)
        over.set()
        call = await calling
    assert call.answered
    assert talkative.reinvite_statuses[-1] == 200
    assert_nothing_told(call)


async def test_no_event_holds_a_private_number(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("divert")
    await site.network_a.answer(503)
    await site.carrier.call(did)
    await site.event("RingfenceCall", did)
    for name in ("RingfenceCall", "RingfenceEgress"):
        assert MOBILE[1:] not in str(await site.event(name, did))
        assert FALLBACK[1:] not in str(await site.event(name, did))


@pytest.mark.parametrize("privacy", ["id", "user;id", "header", "ID"])
async def test_withheld_number_stays_withheld_on_every_leg(site: CallSite, privacy: str) -> None:
    on_platform, diverted = site.did(), site.did()
    caller = "+441619960777"
    await site.record(on_platform)
    await site.record(diverted, forced="divert")
    headers = [("Privacy", privacy), ("P-Asserted-Identity", f"<sip:{caller}@carrier.example>")]
    await asyncio.gather(*(site.carrier.call(did, from_=caller, headers=headers) for did in (on_platform, diverted)))
    to_platform = [call.invite for call in site.platform.calls() if call.number == on_platform]
    to_mobile = site.network_a.calls()[-1].invite
    for invite in (*to_platform, to_mobile):
        assert caller[1:].encode() not in invite.raw
        assert "anonymous" in invite.header("from").lower()


async def test_caller_is_shown_unless_withheld(site: CallSite) -> None:
    did = site.did()
    await site.record(did, forced="divert")
    await site.carrier.call(did, from_="+441619960888", headers=[("Privacy", "none")])
    assert "+441619960888" in site.network_a.calls()[-1].invite.header("from")
