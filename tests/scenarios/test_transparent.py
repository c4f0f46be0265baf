"""With no table, or one that cannot be read, calls go to the platform as if Ringfence were not there."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenarios.site import PLAN, CallSite

BROKEN_RECORDS = (
    "",
    "2|uc|-|voice|0|p:+447700900123:5,a:unavailable:0|a:unavailable:0",
    "garbage",
    "1|",
    "1|nowhere|-|voice|0|p:+447700900123:5,a:unavailable:0|a:unavailable:0",
    "1|${SHELL(id)}|-|voice|0||",
    '1|uc"}|-|voice|0||',
    '"',
    "1|uc|-|voice|0|" + "x" * 900,
)


async def test_empty_astdb_is_transparent(site: CallSite) -> None:
    did = site.did()
    call = await site.carrier.call(did)
    assert call.answered
    assert site.platform.calls()[-1].number == did
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"], event["result"]) == ("transparent", "platform", "answered")
    assert event["reason"] == "no-record"


async def test_broken_records_are_as_good_as_none(site: CallSite) -> None:
    dids = [site.did() for _ in BROKEN_RECORDS]
    for did, record in zip(dids, BROKEN_RECORDS, strict=True):
        await site.raw_record(did, record)
    calls = await asyncio.gather(*(site.carrier.call(did) for did in dids))
    assert [call.final_status for call in calls] == [200] * len(calls)
    assert {(await site.event("RingfenceCall", did))["answered_by"] for did in dids} == {"platform"}


@pytest.mark.parametrize(
    "mode", ["", "2|divert|0|FAILED_OVER|dr|0", "divert", "1|", "1|sideways|0|NORMAL|-|0", '1|"|0']
)
async def test_mode_that_cannot_be_read_is_normal(site: CallSite, mode: str) -> None:
    did = site.did()
    await site.record(did)
    await site.put("ringfence/mode", "uc", mode)
    assert (await site.carrier.call(did)).answered
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == ("normal", "platform", "platform")


@pytest.mark.parametrize("did", ["100", "+44", "999999", "0"])
async def test_clean_number_that_is_no_did_goes_to_the_platform_as_it_came(site: CallSite, did: str) -> None:
    assert (await site.carrier.call(did)).answered
    assert site.platform.calls()[-1].number == did


async def test_platform_refusal_of_an_unknown_did_is_passed_back(site: CallSite) -> None:
    did = site.did()
    await site.platform.answer(404, number=did)
    await site.fallback(PLAN)
    assert (await site.carrier.call(did)).final_status == 404
    event = await site.event("RingfenceCall", did)
    assert (event["result"], event["answered_by"]) == ("undeliverable", "nobody")


async def test_platform_failure_for_an_unknown_did_uses_the_fallback(site: CallSite) -> None:
    did = site.did()
    await site.platform.answer(503, number=did)
    await site.fallback(PLAN)
    assert (await site.carrier.call(did)).answered
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"]) == ("inline", "person")


async def test_platform_failure_for_an_unknown_did_without_fallback_is_announced(site: CallSite) -> None:
    did = site.did()
    await site.platform.answer(503, number=did)
    call = await site.carrier.call(did, hold_seconds=2.0)
    assert call.answered
    assert call.rtp_packet_count > 0
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"]) == ("inline", "announcement")
