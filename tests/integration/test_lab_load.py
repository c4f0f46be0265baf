"""Load through a real Asterisk: every offered call has a record, and its answerer is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from statistics import median

import pytest_asyncio

from tests.lab.asterisk import AsteriskInstance
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.installation import Installation
from tests.lab.plain_trunks import plain_pjsip
from tests.lab.ports import Ports
from tests.lab.records import AnsweredBy, settle
from tests.lab.sipp import CarrierLoad, SippNetwork

TO_PLATFORM = "+441134960001"
BUSY = "+441134960002"
TO_MOBILE = "+441134960003"
ANNOUNCED = "+441134960004"
PRIVATE_NUMBER = "+447700900123"
RING_DELAY_SECONDS = 0.05


@pytest_asyncio.fixture
async def carrier(installation: Installation, ports: Ports) -> AsyncIterator[CarrierLoad]:
    load = CarrierLoad(installation.sipp, ports)
    yield load
    await load.close()


@pytest_asyncio.fixture
async def sipp_network(installation: Installation, ports: Ports) -> AsyncIterator[SippNetwork]:
    network = SippNetwork(installation.sipp, ports)
    yield network
    await network.close()


async def _start_asterisk(
    asterisk: AsteriskInstance, carrier: CarrierLoad, platform_port: int, mobile_port: int
) -> None:
    trunks = {
        "carrier": (carrier.port, "inbound"),
        "platform": (platform_port, "closed"),
        "mobile": (mobile_port, "closed"),
    }
    (asterisk.etc / "pjsip.conf").write_text(plain_pjsip(asterisk.ports.sip, trunks))
    (asterisk.etc / "extensions.conf").write_text(
        "[closed]\n[inbound]\n"
        f"exten => {ANNOUNCED},1,Progress()\n same => n,Ringing()\n same => n,Progress()\n"
        " same => n,Answer()\n same => n,Playback(vm-goodbye)\n"
        f"exten => {TO_MOBILE},1,Set(TARGET=sip:{PRIVATE_NUMBER}@127.0.0.1:{mobile_port})\n"
        " same => n,Dial(PJSIP/mobile/${TARGET},20^2,iI)\n same => n,Hangup(${HANGUPCAUSE})\n"
        f"exten => _[+0-9].,1,Set(TARGET=sip:${{EXTEN}}@127.0.0.1:{platform_port})\n"
        " same => n,Dial(PJSIP/platform/${TARGET},20^2,iI)\n same => n,Hangup(${HANGUPCAUSE})\n"
    )
    await asterisk.start()


async def test_each_of_forty_calls_is_accounted_for(
    make_asterisk: AsteriskFactory, carrier: CarrierLoad, platform: Platform, mobile_network: MobileNetwork
) -> None:
    asterisk = make_asterisk("asterisk")
    await _start_asterisk(asterisk, carrier, platform.port, mobile_network.port)
    await platform.answer(486, number=BUSY)
    await carrier.start(
        asterisk.ports.sip,
        [TO_PLATFORM, BUSY, TO_MOBILE, ANNOUNCED],
        call_count=40,
        calls_per_second=20,
        hold_seconds=0.5,
    )
    underway = await carrier.wait_records(5, deadline_seconds=5)
    assert len(underway) < 40
    records = await carrier.wait_finished()
    assert len(records) == 40
    assert len({record.caller for record in records}) == 40
    assert all(record.ended_at is not None for record in records)
    accounts = settle(records, platform.calls(), mobile_network.calls())
    assert Counter((account.offered.did, account.answered_by) for account in accounts) == {
        (TO_PLATFORM, AnsweredBy.PLATFORM): 10,
        (BUSY, AnsweredBy.NOBODY): 10,
        (TO_MOBILE, AnsweredBy.DEFAULT_NUMBER): 10,
        (ANNOUNCED, AnsweredBy.ANNOUNCEMENT): 10,
    }
    assert {record.final_status for record in records if record.did == BUSY} == {486}
    assert {account.leg.number for account in accounts if account.leg} == {TO_PLATFORM, PRIVATE_NUMBER}


async def test_ringing_is_timed_to_the_millisecond(
    make_asterisk: AsteriskFactory, carrier: CarrierLoad, platform: Platform
) -> None:
    asterisk = make_asterisk("asterisk")
    await _start_asterisk(asterisk, carrier, platform.port, platform.port)
    await carrier.start(asterisk.ports.sip, [TO_PLATFORM], call_count=40, calls_per_second=20)
    delays = [record.ringing_after_seconds for record in await carrier.wait_finished()]
    assert None not in delays
    typical = median(delay for delay in delays if delay is not None)
    assert RING_DELAY_SECONDS <= typical < RING_DELAY_SECONDS + 0.05


async def test_sipp_as_the_mobile_network_answers_and_refuses(
    make_asterisk: AsteriskFactory, carrier: CarrierLoad, platform: Platform, sipp_network: SippNetwork
) -> None:
    asterisk = make_asterisk("asterisk")
    await _start_asterisk(asterisk, carrier, platform.port, sipp_network.port)
    await sipp_network.start()
    await carrier.start(asterisk.ports.sip, [TO_MOBILE], call_count=10, calls_per_second=20, hold_seconds=0.2)
    answered = await carrier.wait_finished()
    assert {record.final_status for record in answered} == {200}
    accounts = settle(answered, platform.calls(), sipp_network.calls())
    assert {account.answered_by for account in accounts} == {AnsweredBy.DEFAULT_NUMBER}
    await sipp_network.answer(503)
    await carrier.start(asterisk.ports.sip, [TO_MOBILE], call_count=5, calls_per_second=20)
    assert {record.final_status for record in (await carrier.wait_finished())[10:]} == {503}
    await sipp_network.freeze()
    await carrier.start(asterisk.ports.sip, [TO_MOBILE], call_count=2, calls_per_second=20)
    assert not any(record.answered_at for record in (await carrier.wait_finished())[15:])
    await sipp_network.kill()
    assert len(sipp_network.calls()) >= 15


async def test_load_can_be_ended_early(
    make_asterisk: AsteriskFactory, carrier: CarrierLoad, platform: Platform
) -> None:
    asterisk = make_asterisk("asterisk")
    await _start_asterisk(asterisk, carrier, platform.port, platform.port)
    await carrier.start(asterisk.ports.sip, [TO_PLATFORM], call_count=1000, calls_per_second=20, hold_seconds=0.5)
    await carrier.wait_records(10, deadline_seconds=5)
    records = await carrier.finish()
    assert 10 <= len(records) < 100
    assert all(record.ended_at is not None for record in records)


async def test_an_impatient_caller_cancels(
    make_asterisk: AsteriskFactory, carrier: CarrierLoad, platform: Platform
) -> None:
    asterisk = make_asterisk("asterisk")
    await _start_asterisk(asterisk, carrier, platform.port, platform.port)
    await platform.ring_for_ever()
    await carrier.start(asterisk.ports.sip, [TO_PLATFORM], call_count=3, calls_per_second=20, patience_seconds=1)
    records = await carrier.wait_finished()
    assert {record.final_status for record in records} == {487}
    assert {call.ended_by for call in await platform.wait_ended(3)} == {"caller-cancel"}
