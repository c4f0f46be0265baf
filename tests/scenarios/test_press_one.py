"""Press 1 to accept: what answers a private telephone need not be its owner, and no call may die there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.records import ReceivedCall
from tests.lab.waiting import wait_until
from tests.scenarios.fickle import RingThenRefuse, in_place_of
from tests.scenarios.site import FALLBACK, MOBILE, QUICK, CallSite
from tests.scenarios.site_files import RING_BUDGET_SECONDS

ASKING = f"p:{MOBILE}:5::1,s:{FALLBACK}:5,a:unavailable:0"
ACCEPTS = replace(QUICK, press="1", talks=True)
DECLINES = replace(QUICK, press="2", talks=True)
VOICEMAIL = replace(QUICK, talks=True)
BABBLES = replace(QUICK, press="34")
HANGS_UP = replace(QUICK, hang_up_after_ms=400)


@pytest_asyncio.fixture
async def asking(site: CallSite) -> AsyncIterator[CallSite]:
    """The site with a ring budget that holds a prompt. What it is told by is set by a site's first call."""
    await site.carrier.call(site.did())
    await site.asterisk.cli("dialplan set global RF_RING_BUDGET 60")
    yield site
    await site.asterisk.cli(f"dialplan set global RF_RING_BUDGET {RING_BUDGET_SECONDS}")
    await site.asterisk.cli("dialplan set global RF_ASK_SECONDS 0")


async def divert(site: CallSite, did: str, plan: str = ASKING, **options: object) -> CallResult:
    await site.record(did, plan=plan, forced="divert")
    return await site.carrier.call(did, **{"from_": did, **options})  # type: ignore[arg-type]


def leg(site: CallSite, did: str, number: str = MOBILE) -> ReceivedCall:
    (call,) = [call for call in site.network_a.calls() if (call.caller, call.number) == (did, number)]
    return call


async def test_who_presses_one_is_put_through(asking: CallSite) -> None:
    did = asking.did()
    await asking.network_a.behave(ACCEPTS)
    call = await divert(asking, did, hold_seconds=0.5)
    assert call.answered
    assert call.rtp_packet_count > 10
    assert (await asking.event("RingfenceCall", did))["answered_by"] == "person"
    assert asking.events_of("RingfenceEgress", did) == []


@pytest.mark.parametrize(
    ("phone", "result"), [(DECLINES, "declined"), (HANGS_UP, "unaccepted"), (BABBLES, "unaccepted")]
)
async def test_who_does_not_is_followed_by_the_next(asking: CallSite, phone: Behaviour, result: str) -> None:
    did = asking.did()
    await asking.network_a.behave(phone, number=MOBILE)
    call = await divert(asking, did)
    assert call.statuses.count(200) == 1
    told = await asking.event("RingfenceEgress", did)
    assert (told["result"], told["status"], told["rang"]) == (result, "200", "1")
    end = await asking.event("RingfenceCall", did)
    assert (end["answered_by"], end["step"]) == ("site", "2")
    assert asking.rang(asking.network_b, caller=did) == []


async def test_second_chance_for_who_pressed_something_else(asking: CallSite) -> None:
    did = asking.did()
    await asking.network_a.behave(replace(ACCEPTS, press="51"))
    assert (await divert(asking, did)).answered
    assert asking.events_of("RingfenceEgress", did) == []


@pytest.mark.parametrize("kind", ["fax", "alarm", "lift", "telecare", "door"])
async def test_machine_is_never_asked(asking: CallSite, kind: str) -> None:
    did = asking.did()
    await asking.raw_record(did, f"1|uc|divert|{kind}|0|{ASKING}|{ASKING}")
    await asking.network_a.behave(VOICEMAIL)
    assert (await asking.carrier.call(did, from_=did)).answered
    assert asking.rang(asking.network_a, caller=did) == [MOBILE]
    assert asking.events_of("RingfenceEgress", did) == []


async def test_number_of_a_site_is_never_asked(asking: CallSite) -> None:
    did = asking.did()
    await asking.network_a.behave(VOICEMAIL)
    assert (await divert(asking, did, f"s:{FALLBACK}:5::1,a:unavailable:0")).answered
    assert (await asking.event("RingfenceCall", did))["answered_by"] == "site"


async def test_person_is_not_asked_where_the_plan_does_not_say_so(asking: CallSite) -> None:
    did = asking.did()
    await asking.network_a.behave(VOICEMAIL)
    assert (await divert(asking, did, f"p:{MOBILE}:5,a:unavailable:0")).answered
    assert (await asking.event("RingfenceCall", did))["answered_by"] == "person"


async def test_voicemail_is_left_and_sooner_where_the_caller_is_gone_or_served(asking: CallSite) -> None:
    """Nobody is kept at the telephone for a call that is over, or that somebody else has taken."""
    kept, left, teams = asking.did(), asking.did(), asking.did()
    answered = lambda did: any(call.caller == did and call.answered_at for call in asking.network_a.calls())  # noqa: E731
    slow, quick = "+447700900131", "+447700900132"
    await asking.put("ringfence/team/7", "0a1b2c3d", "1|all|5|0|0|1|000000a1,000000a2")
    for slot, number in (("000000a1", slow), ("000000a2", quick)):
        await asking.put("ringfence/team/7", f"0a1b2c3d.{slot}", f"1|p:{number}:5::1")
    await asking.record(teams, plan=f"t:7/0a1b2c3d:20,{ASKING}", forced="divert")
    await asking.network_a.behave(VOICEMAIL, number=slow)
    await asking.network_a.behave(replace(ACCEPTS, press_after_ms=500), number=quick)
    await asking.network_a.behave(VOICEMAIL, number=MOBILE)
    for did in (kept, left):
        await asking.record(did, plan=ASKING, forced="divert")
    await asyncio.gather(
        asking.carrier.call(kept, from_=kept),
        asking.carrier.call(left, from_=left, cancel_when=lambda: answered(left)),
        asking.carrier.call(teams, from_=teams),
    )
    assert (await asking.event("RingfenceCall", teams))["answered_by"] == "team"
    told = await asking.event("RingfenceEgress", kept)
    assert (told["result"], told["status"]) == ("unaccepted", "200")
    assert (await asking.event("RingfenceCall", kept))["answered_by"] == "site"
    legs = lambda: (leg(asking, kept), leg(asking, left), leg(asking, teams, slow))  # noqa: E731
    await wait_until(lambda: all(call.ended_at for call in legs()), what="all prompts to end", deadline_seconds=10)
    for over in (leg(asking, left), leg(asking, teams, slow)):
        assert _asked_seconds(over) < 0.75 * _asked_seconds(leg(asking, kept))
    end = await asking.event("RingfenceCall", left)
    assert (end["result"], end["answered_by"]) == ("cancelled", "nobody")
    assert asking.rang(asking.network_a, caller=left) == [MOBILE]


async def test_caller_hears_it_ring_though_a_mobile_network_answers_at_once(asking: CallSite) -> None:
    """A telephone that is off: its voicemail answers without a single ring."""
    did = asking.did()
    await asking.network_a.behave(replace(ACCEPTS, ring_status=183))
    call = await divert(asking, did)
    assert call.statuses[-2:] == [180, 200]
    assert 183 not in call.statuses


async def test_caller_who_heard_early_media_goes_on_hearing_something(asking: CallSite) -> None:
    """Neither side's 180 is heard any more then: it rings in band, all the time somebody is asked."""
    did = asking.did()
    await asking.record(did, plan=ASKING)
    await asking.network_a.behave(replace(ACCEPTS, press_after_ms=1500))
    async with in_place_of(asking.platform, RingThenRefuse({did: 503}, provisional=183)):
        call = await asking.carrier.call(did, from_=did)
    assert call.answered_at is not None
    assert (await asking.event("RingfenceCall", did))["answered_by"] == "person"
    before = [at for at in call.rtp_packet_times if at < call.answered_at]
    assert len(before) > 50
    assert call.longest_rtp_gap_seconds < (before[-1] - before[0]) / 3


async def test_asking_writes_no_warnings(asking: CallSite) -> None:
    """A night of diverted calls would fill the disk."""
    offset = asking.asterisk.log_path.stat().st_size
    for phone in (ACCEPTS, DECLINES):
        did = asking.did()
        await asking.network_a.behave(replace(phone, press_after_ms=50), number=MOBILE)
        assert (await divert(asking, did, from_="anonymous")).answered
        await asking.event("RingfenceCall", did)
    await asking.asterisk.cli("core show uptime")
    text = asking.asterisk.log_path.read_text(errors="replace")[offset:]
    assert [line for line in text.splitlines() if "WARNING" in line or "ERROR" in line] == []


async def test_missing_prompts_leave_a_tone_to_answer(asking: CallSite) -> None:
    shipped = asking.asterisk.etc / "ringfence" / "extensions_ringfence_accept.conf"
    text = shipped.read_text()
    did = asking.did()
    await asking.network_a.behave(ACCEPTS)
    shipped.write_text(text.replace("ringfence/", "no-such-folder/"))
    try:
        await asking.asterisk.cli("dialplan reload")
        assert (await divert(asking, did)).answered
    finally:
        shipped.write_text(text)
        await asking.asterisk.cli("dialplan reload")
    assert asking.events_of("RingfenceEgress", did) == []


def _asked_seconds(call: ReceivedCall) -> float:
    assert call.answered_at is not None and call.ended_at is not None
    return call.ended_at - call.answered_at


async def test_nobody_is_rung_who_could_not_be_asked_in_time(asking: CallSite) -> None:
    did = asking.did()
    await asking.asterisk.cli("dialplan set global RF_ASK_SECONDS 60")
    await asking.network_a.behave(ACCEPTS)
    assert (await divert(asking, did)).answered
    assert asking.rang(asking.network_a, caller=did) == [FALLBACK]
    assert (await asking.event("RingfenceCall", did))["step"] == "2"


async def test_the_time_to_be_asked_is_kept_of_the_plan(asking: CallSite) -> None:
    """57 of 60 seconds are kept, so a telephone that rings for ever rings for three and not for its fifty."""
    did = asking.did()
    await asking.asterisk.cli("dialplan set global RF_ASK_SECONDS 57")
    await asking.network_a.behave(Behaviour(manner=Manner.RING_FOR_EVER, ring_delay_ms=10), number=MOBILE)
    call = await divert(asking, did, f"p:{MOBILE}:50::1,s:{FALLBACK}:5,a:unavailable:0")
    assert call.answered
    assert asking.rang(asking.network_a, caller=did) == [MOBILE, FALLBACK]
    assert (await asking.event("RingfenceCall", did))["answered_by"] == "site"
