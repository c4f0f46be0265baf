"""Mode NORMAL: what becomes of the call when the platform does anything but answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ringfence.asterisk.sip_status import LegResult, classify
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.far_end import Platform
from tests.scenarios.fickle import RingThenRefuse, in_place_of
from tests.scenarios.site import FALLBACK, MOBILE, CallSite
from tests.scenarios.site_files import NO_PROGRESS_SECONDS

# Every row of the table, and of each class some statuses without a row.
STATUSES = (
    *(301, 302, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 415, 416, 420, 421, 422, 428),
    *(429, 433, 438, 480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493, 500, 501, 502, 503, 504, 505),
    *(513, 580, 600, 603, 604, 606, 607, 608, 699),
)
PASSED_BACK_AS = {LegResult.BUSY: 486, LegResult.DECLINED: 603, LegResult.UNANSWERED: 480}
ANSWERED_BY = {LegResult.FAILURE: "person", LegResult.UNDELIVERABLE: "site"}


async def test_each_status_is_judged_by_the_table(site: CallSite) -> None:
    by_did = {site.did(): status for status in STATUSES}
    for did, status in by_did.items():
        await site.record(did)
        await site.platform.answer(status, number=did)
    calls: dict[str, CallResult] = {}
    dids = list(by_did)
    for start in range(0, len(dids), 10):
        few = dids[start : start + 10]
        done = await asyncio.gather(*(site.carrier.call(did, from_=did) for did in few))
        calls.update(zip(few, done, strict=True))
    seen, wanted = {}, {}
    for did, status in by_did.items():
        result = classify(status, rang=False)
        leg = await site.event("RingfenceLeg", did)
        event = await site.event("RingfenceCall", did)
        seen[status] = (leg["result"], leg["status"], event["answered_by"], calls[did].final_status)
        wanted[status] = (
            result.value,
            "300" if status < 400 else str(status),
            ANSWERED_BY.get(result, "nobody"),
            PASSED_BACK_AS.get(result, 200),
        )
        person_rang = bool(site.rang(site.network_a, caller=did).count(MOBILE))
        assert person_rang == (result is LegResult.FAILURE), status
    assert seen == wanted


async def test_status_after_ringing_is_judged_by_the_table(site: CallSite) -> None:
    by_did = {site.did(): status for status in (403, 404, 408, 480, 484, 486, 487, 500, 503, 603, 604)}
    for did in by_did:
        await site.record(did)
    async with in_place_of(site.platform, RingThenRefuse(by_did)):
        await asyncio.gather(*(site.carrier.call(did) for did in by_did))
    legs = {status: await site.event("RingfenceLeg", did) for did, status in by_did.items()}
    assert {status: leg["result"] for status, leg in legs.items()} == {
        status: classify(status, rang=True).value for status in by_did.values()
    }
    assert {leg["rang"] for leg in legs.values()} == {"1"}


async def test_caller_hears_ringing_in_band_after_early_media(site: CallSite) -> None:
    """After a 183 the caller's own network plays no ringing tone any more."""
    did = site.did()
    await site.record(did)
    await site.network_a.slow_ring(1.0)
    async with in_place_of(site.platform, RingThenRefuse({did: 503}, provisional=183)):
        call = await site.carrier.call(did)
    assert call.answered_at is not None
    assert sum(at < call.answered_at for at in call.rtp_packet_times) > 20


async def _frozen(platform: Platform) -> None:
    await platform.freeze()


async def _closed(platform: Platform) -> None:
    await platform.close_port()


async def _trying_only(platform: Platform) -> None:
    await platform.trying_only()


async def _silent(platform: Platform) -> None:
    await platform.silent()


async def _queued_only(platform: Platform) -> None:
    await platform.behave(Behaviour(manner=Manner.RING_FOR_EVER, ring_status=182))


@pytest.mark.parametrize("fault", [_frozen, _closed, _trying_only, _silent, _queued_only])
async def test_platform_that_does_not_answer_is_survived(
    site: CallSite, fault: Callable[[Platform], Awaitable[None]]
) -> None:
    did = site.did()
    await site.record(did)
    await fault(site.platform)
    try:
        call = await site.carrier.call(did)
    finally:
        if fault is _frozen:
            await site.platform.thaw()
        if fault is _closed:
            await site.platform.open_port()
    assert call.answered
    assert call.ringing_after_seconds is not None
    assert call.ringing_after_seconds < NO_PROGRESS_SECONDS + 0.3
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["reason"], event["answered_by"]) == ("inline", "platform-failure", "person")
    assert (event["step"], event["egress"], event["decision"]) == ("1", "a", "normal")
    leg = await site.event("RingfenceLeg", did)
    assert (leg["result"], leg["rang"]) == ("failure", "0")


async def test_slow_platform_is_not_diverted(site: CallSite) -> None:
    """With the default no-progress time: cloud platforms may take seconds to ring."""
    by_did = {site.did(): seconds for seconds in (1, 3, 6)}
    for did, seconds in by_did.items():
        await site.record(did, scope="slow")
        await site.platform.slow_ring(seconds, number=did)
    calls = await asyncio.gather(*(site.carrier.call(did) for did in by_did))
    assert all(call.answered for call in calls)
    assert {(await site.event("RingfenceCall", did))["answered_by"] for did in by_did} == {"platform"}


@pytest.mark.parametrize("ring_status", [180, 183])
async def test_platform_that_rings_for_ever_is_unanswered(site: CallSite, ring_status: int) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.behave(Behaviour(manner=Manner.RING_FOR_EVER, ring_status=ring_status), number=did)
    call = await site.carrier.call(did)
    assert call.final_status == 480
    assert ring_status in call.statuses
    leg = await site.event("RingfenceLeg", did)
    assert (leg["result"], leg["rang"]) == ("unanswered", "1" if ring_status == 180 else "0")


async def test_redirect_from_the_platform_is_not_followed(site: CallSite) -> None:
    did, other = site.did(), site.did()
    await site.record(did)
    contact = (("Contact", f"<sip:{other}@127.0.0.1:{site.asterisk.ports.sip}>"),)
    await site.platform.behave(
        Behaviour(manner=Manner.REFUSE, status=302, response_headers=contact, ring_delay_ms=0), number=did
    )
    before = len(site.platform.calls())
    assert (await site.carrier.call(did)).answered
    event = await site.event("RingfenceCall", did)
    assert (event["platform_status"], event["answered_by"]) == ("300", "site")
    assert len(site.platform.calls()) == before + 1


async def test_caller_who_gives_up_is_told_as_cancelled(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.ring_for_ever(number=did)
    await site.carrier.call(did, from_=did, cancel_when=lambda: site.heard_ringing(did))
    leg = await site.event("RingfenceLeg", did)
    assert (leg["result"], leg["rang"], leg["scope"]) == ("cancelled", "1", "uc")
    event = await site.event("RingfenceCall", did)
    assert (event["result"], event["answered_by"], event["path"]) == ("cancelled", "nobody", "platform")


@pytest.mark.parametrize("ringing", [True, False])
async def test_sweep_frees_a_waiting_caller(site: CallSite, ringing: bool) -> None:
    """As the daemon does: the platform's leg is hung up with cause 34, and the plan goes on."""
    did = site.did()
    await site.record(did, scope="slow")
    await (site.platform.ring_for_ever if ringing else site.platform.trying_only)(number=did)
    call = asyncio.create_task(site.carrier.call(did))
    await site.platform.wait_calls(len(site.platform.calls()) + 1)
    swept_at = await site.free("slow", ringing=ringing)
    result = await call
    assert result.answered_at is not None
    assert result.answered_at - swept_at < 8.0, "the leg would have lasted for twenty seconds"
    leg = await site.event("RingfenceLeg", did)
    assert (leg["result"], leg["rang"]) == ("failure", str(int(ringing)))
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"


async def test_waiting_caller_shows_the_did(site: CallSite) -> None:
    """The daemon's sweep reads the DID from the caller's place in the dialplan."""
    did = site.did()
    await site.record(did)
    await site.carrier.call(did)
    callers = [dial["caller"] for dial in site.dials if dial["peer"]["name"].startswith("PJSIP/uc-")]  # type: ignore[index]
    places = [(c["dialplan"]["context"], c["dialplan"]["exten"]) for c in callers]  # type: ignore[index]
    assert ("ringfence-route", did) in places


async def test_undeliverable_plan_rings_no_private_number(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(480, number=did)
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["reason"]) == ("undeliverable", "platform-undeliverable")


async def test_reload_loses_no_waiting_call(site: CallSite) -> None:
    """The dialplan is replaced under a call that still has to leave a platform."""
    did = site.did()
    await site.record(did)
    before = len(site.platform.calls())
    await site.platform.trying_only(number=did)
    call = asyncio.create_task(site.carrier.call(did))
    await site.platform.wait_calls(before + 1)
    await site.asterisk.reload()
    assert (await call).answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"
