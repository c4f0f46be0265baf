"""Shadow mode on the wire, from AstDB alone and with no daemon: whatever else stands there, the platform is dialled and
its own outcome is the caller's."""

from __future__ import annotations

import pytest

from tests.lab.installation import Installation
from tests.scenarios.own_dial import OWN, own_dialplan
from tests.scenarios.site import CallSite, running_site
from tests.scenarios.site_files import NO_PROGRESS_SECONDS

SHADOW = "1|pinned|0|FAILED_OVER|dr|1700000000|shadow"


async def _shadow(site: CallSite) -> None:
    await site.put("ringfence/mode", "uc", SHADOW)


async def test_a_call_is_the_platforms_whatever_was_decided(site: CallSite) -> None:
    await _shadow(site)
    moved, unknown = site.did(), site.did()
    await site.record(moved, forced="divert", critical=True)
    for did in (moved, unknown):
        assert (await site.carrier.call(did, from_=did)).answered
        assert site.rang(site.platform, caller=did) == [did]
        event = await site.event("RingfenceCall", did)
        assert (event["decision"], event["reason"], event["answered_by"]) == ("shadow", "shadow", "platform")
    assert (await site.event("RingfenceCall", moved))["path"] == "platform"
    assert (await site.event("RingfenceCall", unknown))["path"] == "transparent"


@pytest.mark.parametrize("status", [404, 480, 486, 500, 503, 603])
async def test_the_platforms_outcome_is_the_callers(site: CallSite, status: int) -> None:
    await _shadow(site)
    await site.fallback()
    known, unknown = site.did(), site.did()
    await site.record(known, forced="divert")
    for did in (known, unknown):
        await site.platform.answer(status, number=did)
        assert (await site.carrier.call(did, from_=did)).final_status == status
        assert site.rang(site.network_a, caller=did) == [] == site.rang(site.network_b, caller=did)
        event = await site.event("RingfenceCall", did)
        assert (event["decision"], event["step"], event["answered_by"]) == ("shadow", "0", "nobody")
        assert (await site.event("RingfenceLeg", did))["status"] == str(status)


async def test_a_silent_platform_is_a_failure_and_nothing_more(site: CallSite) -> None:
    await _shadow(site)
    did = site.did()
    await site.record(did)
    await site.platform.silent(number=did)
    assert (await site.carrier.call(did, from_=did)).final_status == 503
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["result"]) == ("shadow", "platform", "failure")
    assert site.rang(site.network_a, caller=did) == []


async def test_who_is_slow_to_ring_is_answered(site: CallSite) -> None:
    await _shadow(site)
    slow, live = site.did(), site.did()
    for did in (slow, live):
        await site.record(did)
        await site.platform.slow_ring(NO_PROGRESS_SECONDS + 0.7, number=did)
    assert (await site.carrier.call(slow, from_=slow)).answered
    assert site.rang(site.network_a, caller=slow) == []
    await site.mode("normal")
    assert (await site.carrier.call(live, from_=live)).answered
    assert site.rang(site.network_a, caller=live) != [], "the same platform, live"


async def test_a_dialplan_that_asks_is_told_nothing_to_do(installation: Installation) -> None:
    async with running_site(installation, own=own_dialplan()) as site:
        await _shadow(site)
        works, fails = site.did(), site.did()
        await site.platform.answer(503, number=fails)
        for did in (works, fails):
            await site.record(did, forced="divert")
        assert (await site.carrier.call(works, from_=works, headers=OWN)).answered
        assert (await site.carrier.call(fails, from_=fails, headers=OWN)).final_status == 503
        told = await site.event("LabOwn", fails)
        assert (told["answer"], told["outcome"], told["decision"]) == ("platform", "done", "shadow")
        assert site.rang(site.network_a, caller=fails) == []
