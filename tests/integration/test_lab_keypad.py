"""The lab's phones that press keys and talk, as Asterisk hears them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.asterisk import AsteriskInstance
from tests.lab.behaviour import Behaviour
from tests.lab.caller import CallerAgent
from tests.lab.far_end import Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.plain_trunks import plain_pjsip
from tests.lab.ports import Ports


@pytest_asyncio.fixture
async def asterisk(make_asterisk: AsteriskFactory, platform: Platform, ports: Ports) -> AsteriskInstance:
    """Writes into AstDB what whoever answers presses, and puts the caller through."""
    instance = make_asterisk()
    trunks = {"platform": (platform.port, "none")}
    text = plain_pjsip(instance.ports.sip, trunks) + "[anonymous]\ntype=endpoint\ncontext=in\nallow=alaw\n"
    (instance.etc / "pjsip.conf").write_text(text)
    (instance.etc / "extensions.conf").write_text(
        "[in]\n"
        f"exten => _X.,1,Dial(PJSIP/platform/sip:${{EXTEN}}@{platform.address},9,U(keys))\n"
        "[keys]\n"
        "exten => s,1,Read(KEYS,,3,,1,1)\n"
        " same => n,Set(DB(lab/keys)=${KEYS})\n"
        " same => n,Return()\n"
    )
    await instance.start()
    return instance


@pytest_asyncio.fixture
async def caller(asterisk: AsteriskInstance, ports: Ports) -> AsyncIterator[CallerAgent]:
    agent = CallerAgent(ports, asterisk.ports.sip)
    await agent.start()
    yield agent
    await agent.close()


@pytest.mark.parametrize("keys", ["123", "9*0"])
async def test_keys_are_heard(caller: CallerAgent, asterisk: AsteriskInstance, platform: Platform, keys: str) -> None:
    await platform.behave(Behaviour(ring_delay_ms=10, answer_delay_ms=20, press=keys, press_after_ms=50))
    assert (await caller.call("1000")).answered
    heard = await asterisk.db_get("lab", "keys")
    assert heard == keys


async def test_voicemail_talks_and_presses_nothing(
    caller: CallerAgent, asterisk: AsteriskInstance, platform: Platform
) -> None:
    await platform.behave(Behaviour(ring_delay_ms=10, answer_delay_ms=20, talks=True))
    call = await caller.call("1000", hold_seconds=0.5)
    assert await asterisk.db_get("lab", "keys") == ""
    assert call.rtp_packet_count > 10
    assert 0 < call.longest_rtp_gap_seconds < call.ended_at - call.invited_at
