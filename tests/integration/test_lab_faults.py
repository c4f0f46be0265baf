"""Each fault of the lab does what its name says, seen by a caller behind a real Asterisk."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import Ended
from tests.lab.caller import CallerAgent
from tests.lab.far_end import Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.plain_trunks import plain_pjsip
from tests.lab.ports import Ports
from tests.lab.sip import build, new_branch, parse

DID = "+441134960001"
CALLER = "+441632960777"
# What the dialplan below does when the platform neither rings nor answers.
NO_PROGRESS_SECONDS = 1.0


@pytest_asyncio.fixture
async def caller(make_asterisk: AsteriskFactory, platform: Platform, ports: Ports) -> AsyncIterator[CallerAgent]:
    """A caller whose calls go through an Asterisk straight to the platform."""
    asterisk = make_asterisk("asterisk")
    agent = CallerAgent(ports, asterisk.ports.sip)
    trunks = {"carrier": (agent.port, "inbound"), "platform": (platform.port, "closed")}
    (asterisk.etc / "pjsip.conf").write_text(plain_pjsip(asterisk.ports.sip, trunks))
    (asterisk.etc / "extensions.conf").write_text(_dialplan(platform))
    await asterisk.start()
    await agent.start()
    yield agent
    await agent.close()


def _dialplan(platform: Platform) -> str:
    return (
        "[closed]\n[inbound]\n"
        "exten => +441134960999,1,Progress()\n same => n,Playback(demo-congrats,noanswer)\n"
        " same => n,Playback(vm-goodbye,noanswer)\n same => n,Hangup(19)\n"
        f"exten => _[+0-9].,1,Set(TARGET=sip:${{EXTEN}}@{platform.address})\n"
        f" same => n,Dial(PJSIP/platform/${{TARGET}},20^{NO_PROGRESS_SECONDS},i)\n"
        " same => n,ExecIf($[${HANGUPCAUSE}=0]?Hangup(38))\n same => n,Hangup(${HANGUPCAUSE})\n"
    )


def _options_status(platform: Platform, within_seconds: float = 0.3) -> int | None:
    """Ask the platform directly; nothing means silence."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", platform.port))
        probe.settimeout(within_seconds)
        own_port = probe.getsockname()[1]
        request = build(
            f"OPTIONS sip:{platform.address} SIP/2.0",
            [
                ("Via", f"SIP/2.0/UDP 127.0.0.1:{own_port};branch={new_branch()}"),
                ("From", "<sip:probe@127.0.0.1>;tag=1"),
                ("To", f"<sip:{platform.address}>"),
                ("Call-ID", new_branch()),
                ("CSeq", "1 OPTIONS"),
            ],
        )
        probe.send(request)
        try:
            response = parse(probe.recv(65_535))
        except TimeoutError:
            return None
    assert response is not None
    return response.status


async def test_healthy_platform_rings_and_answers(caller: CallerAgent, platform: Platform) -> None:
    result = await caller.call(DID, from_=CALLER)
    assert result.final_status == 200
    assert 180 in result.statuses
    assert result.ringing_after_seconds is not None
    assert 0.05 <= result.ringing_after_seconds < 0.5
    assert result.ended is Ended.BY_CALLER
    assert result.rtp_packet_count == 0
    (call,) = await platform.wait_calls(1)
    assert (call.number, call.caller, call.final_status) == (DID, CALLER, 200)
    assert not result.mentions("+447700900123")


@pytest.mark.parametrize("status", [403, 404, 480, 486, 500, 503, 603])
async def test_refusing_platform_still_answers_options(caller: CallerAgent, platform: Platform, status: int) -> None:
    await platform.answer(status)
    result = await caller.call(DID)
    assert not result.answered
    assert [call.final_status for call in await platform.wait_calls(1)] == [status]
    assert _options_status(platform) == 200


async def test_one_number_may_behave_differently(caller: CallerAgent, platform: Platform) -> None:
    await platform.answer(480, number=DID)
    assert not (await caller.call(DID)).answered
    assert (await caller.call("+441134960002")).answered
    await platform.healthy()
    assert (await caller.call(DID)).answered


@pytest.mark.parametrize("fault", ["trying_only", "silent", "freeze", "close_port", "kill"])
async def test_a_silent_platform_is_left_after_no_progress(caller: CallerAgent, platform: Platform, fault: str) -> None:
    await getattr(platform, fault)()
    result = await caller.call(DID)
    assert not result.answered
    waited_seconds = result.ended_at - result.invited_at
    assert NO_PROGRESS_SECONDS <= waited_seconds < 10, "the leg would have lasted for twenty seconds"


async def test_options_tell_silence_from_refusal(platform: Platform) -> None:
    await platform.silent()
    assert _options_status(platform) == 200
    await platform.options_status(503)
    assert _options_status(platform) == 503
    await platform.freeze()
    assert _options_status(platform) is None
    await platform.thaw()
    await platform.close_port()
    with pytest.raises(ConnectionRefusedError):
        _options_status(platform)
    await platform.open_port()
    assert _options_status(platform) == 503
    await platform.kill()
    with pytest.raises(ConnectionRefusedError):
        _options_status(platform)
    await platform.start()
    assert _options_status(platform) == 200


async def test_a_share_of_options_is_lost_and_the_seed_repeats_it(platform: Platform) -> None:
    runs = []
    for _ in range(2):
        await platform.lose_options(0.2, seed=7)
        runs.append([_options_status(platform, within_seconds=0.15) for _ in range(50)])
    assert runs[0] == runs[1]
    assert 4 <= runs[0].count(None) <= 16


async def test_slow_ring_rings_late(caller: CallerAgent, platform: Platform) -> None:
    await platform.slow_ring(0.8)
    result = await caller.call(DID)
    assert result.answered
    assert result.ringing_after_seconds is not None
    assert 0.8 <= result.ringing_after_seconds < 1.1


async def test_ringing_for_ever_ends_when_the_caller_gives_up(caller: CallerAgent, platform: Platform) -> None:
    await platform.ring_for_ever()
    result = await caller.call(DID, cancel_after_seconds=1.5)
    assert result.final_status == 487
    assert result.ended is Ended.CANCELLED
    (call,) = await platform.wait_ended(1)
    assert call.ended_by == "caller-cancel"


async def test_the_platform_can_hang_up(caller: CallerAgent, platform: Platform) -> None:
    await platform.behave(Behaviour(manner=Manner.ANSWER, hang_up_after_ms=100))
    result = await caller.call(DID, hold_seconds=5)
    assert result.ended is Ended.BY_CALLEE


async def test_an_announcement_is_heard_as_media(caller: CallerAgent, platform: Platform) -> None:
    result = await caller.call("+441134960999", cancel_after_seconds=1.5)
    assert 183 in result.statuses
    assert result.rtp_packet_count > 10
    assert platform.calls() == []


@pytest.mark.parametrize("uri", [b"sip:10\xff\xfe01@127.0.0.1", b"sip:1001&1002@127.0.0.1", b"sip:" + b"1" * 1000])
async def test_hostile_bytes_leave_as_they_are(caller: CallerAgent, platform: Platform, uri: bytes) -> None:
    result = await caller.call(DID, raw_request_uri=uri, raw_from=b'"\xff;&|" <sip:x@127.0.0.1>', give_up_seconds=1)
    assert uri in result.sent[0]
    assert b"\xff;&|" in result.sent[0]
