"""ARI, the contact status and the sweep's switchboard, against a real Asterisk with real calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from ringfence.app.ports import AsteriskLoginRefused, CallEnded, CarrierCalled, LinkChanged
from ringfence.asterisk.ari import AriClient
from ringfence.asterisk.ari_link import AriLink
from ringfence.asterisk.backoff import BackOff
from ringfence.asterisk.contact_status import ContactStatusReader
from ringfence.asterisk.events import Wiring
from ringfence.asterisk.switchboard import AsteriskSwitchboard
from ringfence.asterisk.vocabulary import EVENT_FILTER
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.outcomes import CallOutcome, OutcomeClass
from tests.integration.asterisk_links import Events, RealClock, ami_links, ari_settings, recorded_logs, running
from tests.lab.asterisk import AsteriskInstance
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.caller import CallerAgent
from tests.lab.far_end import Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.ports import Ports
from tests.lab.waiting import wait_until

CLOCK = RealClock()
UC = TargetId(TargetRole.PLATFORM, "uc")
DID = "+441134960012"
WIRING = Wiring({"uc-dial": "uc"}, {"uc-dial_qualify": UC})

ENDED = (
    "did: ${EXTEN},trunk: t,scope: uc,caller: %2B44,decision: normal,path: inline,reason: platform-failure,step: 1,"
    "answered_by: person,result: answered,platform_status: 503,started: 1700000000000,ended: 1700000002500"
)

DIALPLAN = f"""\
[ringfence-route]
exten => _[+0-9]!,1,Dial(PJSIP/uc-dial/sip:${{EXTEN}}@PLATFORM,20^5,iI)
 same => n,UserEvent(RingfenceLeg,did: ${{URIENCODE(${{EXTEN}})}},scope: uc,caller: %0d%0aX,result: failure,status: 503)
 same => n,UserEvent(RingfenceCall,call: ${{URIENCODE(${{UNIQUEID}})}},{ENDED})
 same => n,UserEvent(RingfenceCall,call: 1,step: hostile,answered_by: person)
 same => n,UserEvent(RingfenceCall,call: 1,step: hostile,answered_by: person)
 same => n,Hangup()
[wait]
exten => s,1,Wait(20)
[both-ways]
exten => _[+0-9]!,1,Goto(ringfence-route,${{EXTEN}},1)
[marked]
exten => s,1,Return()
[egress-like]
exten => s,1,Dial(PJSIP/uc-dial/sip:1@PLATFORM,20,b(marked^s^1))
"""

PJSIP = """\
[udp]
type=transport
protocol=udp
bind=ASTERISK
[platform](!)
type=endpoint
context=closed
disallow=all
allow=ulaw
direct_media=no
[uc-dial](platform)
context=both-ways
[uc-dial-identify]
type=identify
endpoint=uc-dial
match=127.0.0.1
[uc-dial_qualify](platform)
aors=uc-dial_qualify
[uc-dial_qualify]
type=aor
contact=sip:PLATFORM
qualify_frequency=1
qualify_timeout=0.5
"""


@pytest.fixture
async def site(make_asterisk: AsteriskFactory, platform: Platform) -> AsteriskInstance:
    """An Asterisk whose dialplan has just what the adapters look at."""
    asterisk = make_asterisk("site")
    for name, text in (("extensions.conf", DIALPLAN), ("pjsip.conf", PJSIP)):
        named = text.replace("PLATFORM", platform.address).replace("ASTERISK", asterisk.sip_uri_host)
        (asterisk.etc / name).write_text(named)
    await asterisk.start()
    return asterisk


@asynccontextmanager
async def linked(asterisk: AsteriskInstance) -> AsyncIterator[tuple[AriClient, AriLink, Events]]:
    events = Events()
    async with AriClient(ari_settings(asterisk)) as ari:
        link = AriLink(ari, WIRING, CLOCK)
        async with running(link.run(events.emit)):
            assert (await events.wait_for(LinkChanged)).up
            yield ari, link, events


async def call(asterisk: AsteriskInstance, to: str = f"{DID}@ringfence-route") -> None:
    """One inbound call, as far as the dialplan can tell."""
    async with ami_links(asterisk, "caller") as (ami,):
        where = {"Channel": f"Local/{to}/n", "Context": "wait", "Exten": "s", "Priority": "1"}
        assert (await ami.ask("Originate", {**where, "Async": "true", "Timeout": "30000"})).success


async def test_a_call_that_rings_is_told_once(site: AsteriskInstance) -> None:
    async with linked(site) as (ari, _, events):
        await call(site)
        await events.wait_for(CarrierCalled)
        outcome = await events.wait_for(CallOutcome)
        assert (outcome.scope, outcome.did, outcome.outcome) == ("uc", DID, OutcomeClass.PUT_THROUGH)
        async with asyncio.timeout(10):
            while not any(found.state == "Up" and "uc-dial" in found.name for found in await ari.channels()):
                await asyncio.sleep(0.02)
        # The second call's word comes after whatever the first one's answer may have sent.
        await call(site)
        await events.wait_for(CallOutcome)
        assert sum(isinstance(event, CallOutcome) for event in events.seen) == 2


async def test_a_call_that_only_plays_something_is_told_when_it_is_answered(
    site: AsteriskInstance, platform: Platform
) -> None:
    """What a platform plays may be its announcement that it cannot put the call through."""
    await platform.behave(Behaviour(ring_status=183, answer_delay_ms=1500))
    async with linked(site) as (ari, link, events), ami_links(site, "sweep") as (ami,):
        board = AsteriskSwitchboard(ari, ami, link.legs)
        await call(site)
        async with asyncio.timeout(10):
            while not any(leg.ringing for leg in await board.platform_legs("uc-dial")):
                await asyncio.sleep(0.02)
        assert not any(isinstance(event, CallOutcome) for event in events.seen)
        assert (await events.wait_for(CallOutcome)).outcome is OutcomeClass.PUT_THROUGH


async def test_a_failed_leg_and_the_record_are_told_and_junk_is_dropped(
    site: AsteriskInstance, platform: Platform
) -> None:
    await platform.answer(503)
    with recorded_logs() as logs:
        async with linked(site) as (_, link, events):
            await call(site)
            outcome = await events.wait_for(CallOutcome)
            assert (outcome.outcome, outcome.status) == (OutcomeClass.FAILURE, 503)
            assert outcome.caller.isprintable() or "\ufffd" in outcome.caller
            assert not set("\r\n\0") & set(outcome.caller)
            record = (await events.wait_for(CallEnded)).record
            assert (record.did, record.caller, record.duration_ms, record.step) == (DID, "+44", 2500, 1)
            await wait_until(lambda: sum(link.dropped.values()) == 2, what="two dropped events", deadline_seconds=5)
            assert link.up
    assert [entry["event"] for entry in logs].count("ari event dropped, further ones are only counted") == 1


async def test_a_restart_is_noticed_and_the_filter_is_set_again(site: AsteriskInstance) -> None:
    async with linked(site) as (ari, _, events):
        await site.kill()
        assert not (await events.wait_for(LinkChanged)).up
        await site.start()
        assert (await events.wait_for(LinkChanged)).up
        url = f"{ari.settings.url}/ari/applications/{ari.settings.application}"
        header = {"Authorization": aiohttp.encode_basic_auth("lab", site.secret)}
        async with aiohttp.ClientSession(headers=header) as http, http.get(url) as answer:
            assert (await answer.json())["events_allowed"] == EVENT_FILTER["allowed"]


async def test_a_freeze_is_noticed_within_four_seconds(site: AsteriskInstance) -> None:
    async with linked(site) as (_, _, events), ami_links(site, "modes") as (modes,):
        began = time.perf_counter()
        await site.freeze()
        assert not (await events.wait_for(LinkChanged, deadline_seconds=4)).up
        ari_took = time.perf_counter() - began
        async with asyncio.timeout(4 - ari_took):
            while modes.up:
                await asyncio.sleep(0.01)
        print(f"\nfreeze noticed by ARI after {ari_took:.2f} s, by AMI after {time.perf_counter() - began:.2f} s")
        thawed = time.perf_counter()
        await site.thaw()
        assert (await events.wait_for(LinkChanged)).up
        print(f"ARI is back {time.perf_counter() - thawed:.2f} s after the thaw")


async def test_a_wrong_password_is_one_error_and_no_storm(site: AsteriskInstance) -> None:
    wrong, events = ari_settings(site, "wrong-password"), Events()
    with recorded_logs() as logs:
        async with AriClient(wrong) as ari:
            with pytest.raises(AsteriskLoginRefused, match=r"ari\.conf"):
                await ari.channels()
            async with running(AriLink(ari, WIRING, CLOCK, BackOff(refused_seconds=0.2)).run(events.emit)):
                down = await events.wait_for(LinkChanged)
                assert "ari.conf" in down.detail
                with pytest.raises(TimeoutError):
                    await events.wait_for(LinkChanged, deadline_seconds=1.0)
    assert len(logs) == 1
    assert "wrong-password" not in repr((logs, wrong, down))
    assert BackOff().refused_seconds >= 60


async def test_a_second_ringfence_of_the_same_name_is_told_apart(site: AsteriskInstance) -> None:
    async with linked(site) as (ari, _, events):
        other = await ari.events()
        down = await events.wait_for(LinkChanged)
        assert "took over" in down.detail
        await other.close()


async def test_contact_status_is_read_and_followed(site: AsteriskInstance, platform: Platform) -> None:
    async with linked(site) as (ari, _, events):
        asked = Events()
        reader = ContactStatusReader(ari, {"uc-dial_qualify": UC, "absent": replace(UC, name="x")}, CLOCK, 0.2)
        async with running(reader.run(asked.emit)):
            async with asyncio.timeout(30):
                found = set[bool | None]()
                while not {True, None} <= found:  # the one that is there, and the absent one
                    found.add((await asked.wait_for(Observation)).passed)
            await platform.freeze()
            async with asyncio.timeout(30):
                while (told := await events.wait_for(Observation)).passed is not False:
                    pass
                while (read := await asked.wait_for(Observation)).passed is not False:
                    pass
        assert told.kind is read.kind is EvidenceKind.CONTACT_STATUS
        assert told.target == UC
        await platform.thaw()


async def test_the_sweep_frees_the_waiting_and_never_the_answered(site: AsteriskInstance, platform: Platform) -> None:
    async with linked(site) as (ari, link, events), ami_links(site, "sweep") as (ami,):
        board = AsteriskSwitchboard(ari, ami, link.legs)
        await call(site)
        async with asyncio.timeout(10):
            while not any(leg.answered for leg in await board.platform_legs("uc-dial")):
                await asyncio.sleep(0.02)
        await platform.ring_for_ever()
        await call(site)
        async with asyncio.timeout(10):
            while not any(leg.ringing and not leg.answered for leg in await board.platform_legs("uc-dial")):
                await asyncio.sleep(0.02)
        legs = await board.platform_legs("uc-dial")
        assert sorted(leg.answered for leg in legs) == [False, True]
        assert await board.platform_legs("uc") == []
        freed = {leg.answered: await board.free(leg) for leg in legs}
        assert freed == {False: True, True: False}
        # The freed caller's own dialplan goes on.
        await events.wait_for(CallEnded)
        async with asyncio.timeout(10):
            while [leg.answered for leg in await board.platform_legs("uc-dial")] != [True]:
                await asyncio.sleep(0.02)
        assert not await board.free(next(leg for leg in legs if not leg.answered))
        # A leg that was waiting when it was listed and is answered when it is freed.
        stale = replace(next(leg for leg in legs if leg.answered), answered=False)
        assert not await board.free(stale)
        assert not await board.free(replace(stale, channel="../applications"))


async def test_a_caller_of_the_platforms_own_endpoint_is_no_leg(
    site: AsteriskInstance, platform: Platform, ports: Ports
) -> None:
    """A carrier with one registered endpoint sends calls in by it and takes calls out by it."""
    await platform.behave(Behaviour(manner=Manner.SILENT))
    agent = CallerAgent(ports, site.ports.sip)
    await agent.start()
    async with linked(site) as (ari, link, _), ami_links(site, "sweep") as (ami,):
        board = AsteriskSwitchboard(ari, ami, link.legs)
        async with running(agent.call(DID, give_up_seconds=15)):
            async with asyncio.timeout(10):
                while not (legs := await board.platform_legs("uc-dial")):
                    await asyncio.sleep(0.02)
            (caller,) = [found for found in await ari.channels() if found.state == "Ring"]
            assert caller.name.startswith("PJSIP/uc-dial-")
            assert [(leg.did, leg.answered) for leg in legs] == [(DID, False)]
            assert not await board.free(replace(legs[0], channel=caller.channel_id))
            assert await board.free(legs[0])
    await agent.close()


async def test_a_leg_that_a_subroutine_ran_on_is_still_a_leg_of_no_known_did(
    site: AsteriskInstance, platform: Platform
) -> None:
    """As on an egress trunk. ARI goes on naming the subroutine's last application, not the `Dial` it belongs to."""
    await platform.behave(Behaviour(manner=Manner.SILENT))
    async with linked(site) as (ari, link, _), ami_links(site, "sweep") as (ami,):
        board = AsteriskSwitchboard(ari, ami, link.legs)
        await call(site, "s@egress-like")
        async with asyncio.timeout(10):
            while not (legs := await board.platform_legs("uc-dial")):
                await asyncio.sleep(0.02)
        assert [leg.did for leg in legs] == [""]
        assert await board.free(legs[0])
