"""What is promised of a call that the site's own dialplan has, where it matters most: an emergency number, a critical
DID, a platform that redirects, and a dialplan read anew while calls run. There is no daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ringfence.asterisk.site import SiteDialplan, Trunk
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.far_end import FarEnd
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, CallSite, Event, running_site

SOON_SECONDS = 1.5
"""After which a far end that says nothing is given up."""

# `clearglobalvars`: sites have it, and then a reload takes every value that Ringfence keeps in global variables.
_DIALPLAN = """\
[general]
clearglobalvars=yes
[promised]
exten => _[+0-9].,1,GotoIf(${REGEX("(999|112)(\\;.*|#)?$" ${EXTEN})}?outside)
 same => n,Dial(PJSIP/uc/sip:${EXTEN}@${RF_P_uc_HOSTPORT},20^8,iI)
 same => n,Gosub(ringfence-failed,s,1)
 same => n,Hangup(38)
 same => n(outside),Dial(PJSIP/egress_a/sip:${CUT(EXTEN,\\;,1)}@${RF_E_a_HOSTPORT},20^8)
 same => n,Gosub(ringfence-failed,s,1)
 same => n,Dial(PJSIP/egress_b/sip:${CUT(EXTEN,\\;,1)}@${RF_E_b_HOSTPORT},3)
 same => n,Hangup(38)
[promised-no-door]
exten => _[+0-9].,1,Dial(PJSIP/uc/sip:${EXTEN}@${RF_P_uc_HOSTPORT},20^8,iI)
 same => n,Hangup(38)
[promised-following]
exten => _[+0-9].,1,Set(__FORWARD_CONTEXT=promised-redirected)
 same => n,Dial(PJSIP/uc/sip:${EXTEN}@${RF_P_uc_HOSTPORT},20^8,I)
 same => n,Gosub(ringfence-failed,s,1)
 same => n,Hangup(38)
[promised-redirected]
exten => _[+0-9].,1,Dial(PJSIP/egress_b/sip:${EXTEN}@${RF_E_b_HOSTPORT},3)
 same => n,Hangup(${HANGUPCAUSE})
"""


def _with_sites(site: SiteDialplan) -> SiteDialplan:
    trunks = (
        Trunk("promised", "uc", normal_context="promised"),
        Trunk("no_door", "uc", normal_context="promised-no-door"),
        Trunk("following", "uc", normal_context="promised-following"),
    )
    # One channel of each trunk for anybody, and one for critical DIDs.
    narrow = tuple(
        replace(trunk, channel_count=2, reserved_count=1, no_progress_seconds=SOON_SECONDS)
        for trunk in site.egress.trunks
    )
    platforms = tuple(replace(platform, no_progress_seconds=SOON_SECONDS) for platform in site.platforms)
    return replace(
        site, trunks=(*site.trunks, *trunks), platforms=platforms, egress=replace(site.egress, trunks=narrow)
    )


@pytest_asyncio.fixture(scope="module")
async def shared_promised(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, own={"own_extensions.conf": _DIALPLAN}, change=_with_sites) as site:
        yield site


@pytest_asyncio.fixture
async def site(shared_promised: CallSite) -> CallSite:
    await shared_promised.reset()
    return shared_promised


async def _call(site: CallSite, did: str, trunk: str = "promised", **how: object) -> CallResult:
    given: dict[str, object] = {"from_": did, "headers": [("X-Lab-Trunk", trunk)], **how}
    return await site.carrier.call(did, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("decision", ["normal", "divert", "trial"])
async def test_an_emergency_number_is_the_sites_in_every_mode(site: CallSite, decision: str) -> None:
    """An SBC may bring both what the world calls and what the site's telephones dial. No plan is an ambulance."""
    written = ("999", "+44999", "0044112", "+353112", "999;phone-context=+44", "112%23")
    callers = [site.did() for _ in written]
    await site.fallback(trunk="promised")
    await site.mode(decision)
    calls = [_call(site, number, from_=caller) for number, caller in zip(written, callers, strict=True)]
    assert [call.answered for call in await asyncio.gather(*calls)] == [True] * len(written)
    rang = [site.rang(site.network_a, caller=caller) for caller in callers]
    assert rang == [["999"], ["+44999"], ["0044112"], ["+353112"], ["999"], ["112%23"]]


async def test_an_emergency_that_nobody_takes_is_left_to_the_sites_next_line(site: CallSite) -> None:
    """Also where the door stands behind its Dial, and that trunk says nothing at all."""
    caller = site.did()
    await site.fallback(trunk="promised")
    await site.network_a.silent(number="999")
    assert (await _call(site, "999", from_=caller)).answered
    assert site.rang(site.network_b, caller=caller) == ["999"]
    assert FALLBACK not in site.rang(site.network_a, caller=caller)


async def test_how_a_number_was_routed_does_not_keep_it_from_the_site(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    assert (await _call(site, f"{did};npdi", from_=did)).answered
    assert (await site.event("RingfenceCall", did))["path"] == "site"


async def test_a_trial_takes_no_critical_did(site: CallSite) -> None:
    ordinary, critical = site.did(), site.did()
    await site.record(ordinary)
    await site.record(critical, critical=True)
    await site.mode("trial", one_in=1)
    for did, answered_by in ((ordinary, "platform"), (critical, "person")):
        assert (await _call(site, did)).answered
        assert (await site.event("RingfenceCall", did))["answered_by"] == answered_by


async def test_the_last_channels_are_a_critical_dids_behind_the_door_too(site: CallSite) -> None:
    """What made the DID critical is not lost while the site has the call."""
    holding, ordinary, critical = [site.did(), site.did()], site.did(), site.did()
    for did in (*holding, ordinary, critical):
        await site.record(did, critical=did == critical)
        await site.platform.answer(503, number=did)
    let_go = asyncio.Event()
    held = [asyncio.create_task(_call(site, did, hold_seconds=30, hold_until=let_go)) for did in holding]
    await wait_until(
        lambda: all(_answered(site, did) for did in holding), what="both to be answered", deadline_seconds=20
    )
    assert (await _call(site, ordinary)).answered
    assert (await site.event("RingfenceCall", ordinary))["answered_by"] == "announcement"
    assert (await _call(site, critical)).answered
    told = await site.event("RingfenceCall", critical)
    assert (told["answered_by"], told["path"], told["step"]) == ("person", "inline", "1")
    let_go.set()
    await asyncio.gather(*held)


def _answered(site: CallSite, caller: str) -> bool:
    calls = [*site.network_a.calls(), *site.network_b.calls()]
    return any(call.caller == caller and call.answered_at for call in calls)


async def _redirects(site: CallSite, did: str, to: str) -> None:
    contact = (("Contact", f"<sip:{to}@127.0.0.1:{site.asterisk.ports.sip}>"),)
    moved = Behaviour(manner=Manner.REFUSE, status=302, response_headers=contact, ring_delay_ms=0)
    await site.platform.behave(moved, number=did)


async def _refused_redirect(site: CallSite, trunk: str, rings: list[str]) -> tuple[Event, list[Event]]:
    """One call whose redirect is refused: how it ended, and what was told of the platform's leg, which comes first."""
    did, other = site.did(), site.did()
    for one in (did, other):
        await site.record(one)
    await _redirects(site, did, other)
    assert (await _call(site, did, trunk)).answered == bool(rings)
    assert site.rang(site.network_a, caller=did) == rings
    assert site.rang(site.platform, caller=did) == [did], "it was not followed"
    event = await site.event("RingfenceCall", did)
    return event, site.events_of("RingfenceLeg", did)


@pytest.mark.parametrize(("trunk", "rings"), [("promised", [FALLBACK]), ("no_door", [])])
async def test_a_redirect_that_the_sites_dial_refuses(site: CallSite, trunk: str, rings: list[str]) -> None:
    """As behind our own Dial: the platform answers, and does not reach the person. Dial sometimes goes by the redirect
    before it has read why the leg ended; then nothing is known of it at a call's end, and another call tells."""
    for _ in range(3):
        event, legs = await _refused_redirect(site, trunk, rings)
        assert event["answered_by"] == ("site" if rings else "nobody")
        if legs or rings:
            break
    (leg,) = legs
    assert (leg["result"], leg["status"]) == ("undeliverable", "300")


@pytest.mark.parametrize("status", [200, 480, 486])
async def test_a_redirect_that_the_site_follows_stays_its_own(site: CallSite, status: int) -> None:
    """Its Dial has no option i, and where the redirect leads to says nothing of the platform."""
    did, elsewhere = site.did(), site.did()
    await site.record(did)
    await _redirects(site, did, elsewhere)
    if status != 200:
        await site.network_b.answer(status, number=elsewhere)
    assert (await _call(site, did, "following")).answered == (status == 200)
    assert site.rang(site.network_b, caller=did) == [elsewhere]
    assert site.rang(site.network_a, caller=did) == []
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"]) == ("site", "dialplan" if status == 200 else "nobody")
    assert site.events_of("RingfenceLeg", did) == []


async def _reloaded_while_rung(site: CallSite, *calls: tuple[FarEnd, str, str]) -> list[CallResult]:
    """Calls, each to a far end for a DID by a trunk, and one reload once all of them have their INVITE."""
    made = [asyncio.create_task(_call(site, did, trunk)) for _, did, trunk in calls]
    await wait_until(
        lambda: all(any(one.caller == did for one in far_end.calls()) for far_end, did, _ in calls),
        what="every call",
        deadline_seconds=20,
    )
    await site.asterisk.cli("dialplan reload")
    return list(await asyncio.gather(*made))


async def test_a_platform_that_fails_behind_a_reload_is_survived(site: CallSite) -> None:
    theirs, ours = site.did(), site.did()
    for did in (theirs, ours):
        await site.record(did)
        await site.platform.silent(number=did)
    calls = await _reloaded_while_rung(site, (site.platform, theirs, "promised"), (site.platform, ours, "carrier"))
    assert [call.answered for call in calls] == [True, True]
    for did in (theirs, ours):
        event = await site.event("RingfenceCall", did)
        assert (event["path"], event["answered_by"], event["scope"]) == ("inline", "person", "uc")


@pytest.mark.parametrize("trunk", ["promised", "carrier"])
async def test_a_plan_goes_on_behind_a_reload(site: CallSite, trunk: str) -> None:
    did = site.did()
    await site.record(did, forced="divert")
    await site.network_a.silent(number=MOBILE)
    (call,) = await _reloaded_while_rung(site, (site.network_a, did, trunk))
    assert call.answered
    assert site.rang(site.network_b, caller=did) == ["0" + MOBILE[3:]], "the next trunk"
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"


async def test_a_call_in_progress_outlives_a_reload_and_is_told_whole(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    let_go = asyncio.Event()
    call = asyncio.create_task(_call(site, did, hold_seconds=30, hold_until=let_go))
    await wait_until(
        lambda: any(one.caller == did and one.answered_at for one in site.platform.calls()),
        what="the answer",
        deadline_seconds=20,
    )
    await site.asterisk.cli("dialplan reload")
    let_go.set()
    assert (await call).answered
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"], event["result"]) == ("site", "platform", "answered")


async def test_a_context_that_a_reload_took_ends_nothing_but_its_own_lines(site: CallSite) -> None:
    """The call in it is told; the next one is dialled by us; and it is the site's again when it is there again."""
    did, then, again = site.did(), site.did(), site.did()
    for one in (did, then, again):
        await site.record(one)
    own = site.asterisk.etc / "own_extensions.conf"
    own.write_text(_DIALPLAN.replace("[promised]", "[renamed]"))
    await site.platform.silent(number=did)
    await _reloaded_while_rung(site, (site.platform, did, "promised"))
    assert (await site.event("RingfenceCall", did))["path"] == "site"
    assert (await _call(site, then)).answered
    assert (await site.event("RingfenceCall", then))["path"] == "platform"
    own.write_text(_DIALPLAN)
    await site.asterisk.cli("dialplan reload")
    assert (await _call(site, again)).answered
    assert (await site.event("RingfenceCall", again))["path"] == "site"
