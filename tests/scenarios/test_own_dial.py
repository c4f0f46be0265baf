"""A dialplan that keeps its own Dial and asks `ringfence-decide` and `ringfence-outcome`: the same calls, the same
decisions, events and records. There is no daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.call_result import CallResult
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.own_dial import OWN, own_dialplan
from tests.scenarios.site import FALLBACK, MOBILE, CallSite, Event, running_site


@pytest_asyncio.fixture(scope="module")
async def shared_own(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, own=own_dialplan()) as site:
        yield site


@pytest_asyncio.fixture
async def site(shared_own: CallSite) -> CallSite:
    await shared_own.reset()
    return shared_own


async def _call(site: CallSite, did: str, **how: float) -> CallResult:
    return await site.carrier.call(did, from_=did, headers=OWN, **how)  # type: ignore[arg-type]


async def _told(site: CallSite, did: str) -> tuple[Event, Event]:
    """What the asker was told, and the call's own event."""
    return await site.event("LabOwn", did), await site.event("RingfenceCall", did)


async def test_normal_call_is_the_askers_own(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("normal")
    call = await _call(site, did)
    assert call.answered
    assert site.rang(site.platform, caller=did) == [did]
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["reason"]) == ("normal", "platform", "scope-normal")
    assert (event["answered_by"], event["trunk"], event["scope"]) == ("platform", "carrier", "uc")
    assert int(event["started"]) <= int(event["ringing"]) <= int(event["answered"]) <= int(event["ended"])


async def test_divert_goes_to_the_plan_without_the_askers_dial(site: CallSite) -> None:
    did, forced = site.did(), site.did()
    await site.record(did)
    await site.record(forced, forced="divert", scope="legacy")
    await site.mode("divert")
    for number in (did, forced):
        assert (await _call(site, number)).answered
        assert site.rang(site.platform, caller=number) == []
        assert site.rang(site.network_a, caller=number) == [MOBILE]
    asked, event = await _told(site, did)
    assert (asked["answer"], asked["decision"], asked["reason"]) == ("plan", "divert", "scope-divert")
    assert (event["path"], event["answered_by"], event["step"]) == ("divert", "person", "1")
    assert (await site.event("LabOwn", forced))["reason"] == "forced-divert"


async def test_platform_that_fails_on_this_call_is_survived(site: CallSite) -> None:
    refused, silent = site.did(), site.did()
    for did in (refused, silent):
        await site.record(did)
    await site.platform.answer(503, number=refused)
    await site.platform.silent(number=silent)
    for did, status in ((refused, "503"), (silent, "")):
        assert (await _call(site, did)).answered
        assert site.rang(site.network_a, caller=did) == [MOBILE]
        asked, event = await _told(site, did)
        assert (asked["answer"], asked["outcome"]) == ("platform", "plan")
        assert (event["path"], event["reason"], event["platform_status"]) == ("inline", "platform-failure", status)
        assert (await site.event("RingfenceLeg", did))["result"] == "failure"


async def test_undeliverable_rings_no_private_number(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(480, number=did)
    assert (await _call(site, did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]
    _, event = await _told(site, did)
    assert (event["path"], event["reason"], event["answered_by"]) == ("undeliverable", "platform-undeliverable", "site")


@pytest.mark.parametrize(
    ("status", "result"), [(486, "busy"), (603, "declined"), (480, "undeliverable"), (503, "failure")]
)
async def test_what_is_nobodys_to_divert_is_left_to_the_asker(site: CallSite, status: int, result: str) -> None:
    """A person's own doing; and, pinned, everything."""
    did = site.did()
    await site.record(did, forced="-" if status in (486, 603) else "pinned")
    await site.platform.answer(status, number=did)
    assert (await _call(site, did)).final_status == status
    asked, event = await _told(site, did)
    assert (asked["outcome"], asked["result"]) == ("done", result)
    assert (event["answered_by"], event["result"], event["path"]) == ("nobody", result, "platform")
    assert site.rang(site.network_a, caller=did) == []


@pytest.mark.parametrize(("now", "outcome"), [("divert", "plan"), ("-", "plan"), ("pinned", "done")])
async def test_who_waits_under_a_pin_goes_by_the_word_that_holds_now(site: CallSite, now: str, outcome: str) -> None:
    """As behind our own Dial: an order of DR frees those who wait, and the asker must not turn them away."""
    did = site.did()
    await site.record(did, forced="pinned")
    await site.platform.silent(number=did)
    waiting = asyncio.create_task(_call(site, did))
    await wait_until(lambda: site.rang(site.platform, caller=did), what="the platform to be asked", deadline_seconds=20)
    await site.record(did, forced=now)
    assert (await waiting).answered == (outcome == "plan")
    assert site.rang(site.network_a, caller=did) == ([MOBILE] if outcome == "plan" else [])
    asked, event = await _told(site, did)
    assert (asked["answer"], asked["outcome"], asked["result"]) == ("platform", outcome, "failure")
    assert event["path"] == ("inline" if outcome == "plan" else "platform")


async def test_unknown_did_is_transparent_until_its_platform_fails(site: CallSite) -> None:
    healthy, gone, failing = site.did(), site.did(), site.did()
    await site.fallback()
    await site.platform.answer(404, number=gone)
    await site.platform.answer(503, number=failing)
    assert (await _call(site, healthy)).answered
    assert (await site.event("RingfenceCall", healthy))["reason"] == "no-record"
    assert (await _call(site, gone)).final_status == 404
    assert (await _call(site, failing)).answered
    assert site.rang(site.network_a, caller=failing) == [FALLBACK]


async def test_caller_who_gives_up_is_told_as_cancelled(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.ring_for_ever(number=did)
    await _call(site, did, cancel_when=lambda: site.heard_ringing(did))
    event = await site.event("RingfenceCall", did)
    assert (event["result"], event["path"], event["answered_by"]) == ("cancelled", "platform", "nobody")


async def test_national_number_is_read_by_the_trunks_rules(site: CallSite) -> None:
    did = site.did()
    await site.record(did, forced="divert")
    assert (await site.carrier.call("0" + did[3:], from_=did, headers=OWN)).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]


HOSTILE = (
    *("{did},patient", "{did}&{other}", "{did}%2Cpatient", "{did})%2Cevil(", "{did}%22", "{did}%5C", "%22{did}"),
    *("{did}%0D%0Aevil", "$%7BRF_NODE%7D", "{did}%7C1", "{did}%20", "{did}%28", "%2B", "{did}00000000000000"),
)


async def test_hostile_number_reaches_no_plan_and_no_other_trunk(site: CallSite) -> None:
    """Every one is nobody's number: no record is found for it, no plan is run, and the asker does as ever."""
    await site.mode("divert")
    await site.fallback(f"p:{MOBILE}:5,a:unavailable:0")
    did, other = site.did(), site.did()
    for number in (did, other):
        await site.record(number)
    before = len(site.events)
    for text in HOSTILE:
        uri = f"sip:{text.format(did=did, other=other)}@127.0.0.1:{site.asterisk.ports.sip}"
        await asyncio.wait_for(site.carrier.call("x", headers=OWN, raw_request_uri=uri.encode()), 10)

    def named(name: str) -> list[Event]:
        return [event for event in site.events[before:] if event["eventname"] == name]

    await wait_until(lambda: len(named("RingfenceCall")) == len(HOSTILE), what="every call's end", deadline_seconds=20)
    assert {(event["did"], event["reason"]) for event in named("RingfenceCall")} == {("", "number-not-clean")}
    assert {(event["answer"], event["outcome"] == "plan") for event in named("LabOwn")} <= {("platform", False)}
