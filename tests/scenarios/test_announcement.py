"""The last step: never silence, never a bare hang-up."""

from __future__ import annotations

import pytest

from tests.scenarios.site import CallSite

SOUND_PACKETS = 40
"""Most of a second of speech, at 50 packets a second."""


async def test_announcement_is_heard_and_ends_the_call(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan="a:unavailable:0")
    await site.mode("divert")
    call = await site.carrier.call(did, hold_seconds=8)
    assert call.ended.name == "BY_CALLEE"
    assert call.rtp_packet_count > SOUND_PACKETS
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["result"], event["step"]) == ("announcement", "answered", "1")
    assert int(event["started"]) <= int(event["answered"]) <= int(event["ended"])


@pytest.mark.parametrize("name", ["missing", "nowhere"])
async def test_announcement_without_its_sound_is_still_heard(site: CallSite, name: str) -> None:
    """`missing` names a file that is not there, `nowhere` is no announcement of this site."""
    did = site.did()
    await site.record(did, plan=f"a:{name}:0")
    await site.mode("divert")
    call = await site.carrier.call(did, hold_seconds=3)
    assert call.rtp_packet_count > SOUND_PACKETS


async def test_tones_are_played_for_ten_seconds(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan="a:missing:0")
    await site.mode("divert")
    call = await site.carrier.call(did, hold_seconds=15)
    assert call.ended.name == "BY_CALLEE"
    # Fifty packets a second; a busy machine sends fewer of them, and not for a shorter time.
    assert call.rtp_packet_times[-1] - call.rtp_packet_times[0] > 9.5
    assert SOUND_PACKETS < call.rtp_packet_count < 600
