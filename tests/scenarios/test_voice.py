"""What callers hear at the end: spoken in their language, answered or as early media, and never told to a machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringfence.domain.prompts import FOLDER, Prompt
from tests.lab.asterisk import data_directory
from tests.lab.call_result import CallResult
from tests.lab.heard import audible_seconds, likeness
from tests.scenarios.site import FALLBACK, MOBILE, CallSite

SPOKEN = "a:spoken:0"
MACHINES = ("fax", "alarm", "lift", "telecare", "door")
SPOKEN_SECONDS = 1.0
"""Less than is spoken, pauses left out."""


def recording(site: CallSite, language: str, prompt: Prompt = Prompt.GOODBYE) -> Path:
    home = site.asterisk.home
    return home.outside(data_directory(home)) / "sounds" / language / FOLDER / f"{prompt}.wav"


def by(trunk: str) -> list[tuple[str, str]]:
    return [("X-Lab-Trunk", trunk)]


async def call_to(site: CallSite, did: str, *, trunk: str = "", hold_seconds: float = 8) -> CallResult:
    return await site.carrier.call(did, headers=by(trunk) if trunk else (), hold_seconds=hold_seconds)


async def test_the_announcement_is_spoken_and_is_the_one_meant(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan=SPOKEN, forced="divert")
    call = await call_to(site, did)
    assert call.answered
    assert likeness(call.rtp_packets, recording(site, "en")) > 0.95
    assert likeness(call.rtp_packets, recording(site, "en", Prompt.HOLIDAY)) < 0.8


async def test_a_trunk_speaks_its_callers_language(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan=SPOKEN, forced="divert")
    call = await call_to(site, did, trunk="german")
    assert likeness(call.rtp_packets, recording(site, "de")) > 0.95
    assert likeness(call.rtp_packets, recording(site, "en")) < 0.8


async def test_what_is_not_there_in_a_language_is_heard_in_english(site: CallSite) -> None:
    """`vm-goodbye` is Asterisk's own; the lab has it in English only."""
    did = site.did()
    await site.record(did, plan="a:unavailable:0", forced="divert")
    call = await call_to(site, did, trunk="german")
    assert call.ended.name == "BY_CALLEE"
    assert audible_seconds(call.rtp_packets) > 0.5
    # Speech, not the tones: these go on for ten seconds.
    assert len(call.rtp_packets) < 250


async def test_whoever_is_asked_to_accept_hears_the_sites_language(site: CallSite) -> None:
    """Not the caller's, which the leg outward has inherited."""
    did = site.did()
    await site.record(did, plan=f"p:{MOBILE}:5::1,{SPOKEN}", forced="divert")
    logged = site.asterisk.log_path.stat().st_size

    def played() -> list[str]:
        with site.asterisk.log_path.open("rb") as log:
            log.seek(logged)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if "Playing 'ringfence/accept." in line]

    await site.carrier.call(did, headers=by("german"), cancel_when=played)
    assert ["(language 'en')" in line and "egress" in line for line in played()] == [True]


async def test_early_media_is_heard_and_not_answered(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan=SPOKEN, forced="divert")
    call = await call_to(site, did, trunk="early")
    assert not call.answered
    assert 183 in call.statuses
    assert call.final_status == 480
    assert likeness(call.rtp_packets, recording(site, "en")) > 0.95
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["result"], event["answered"]) == ("announcement", "unanswered", "")


async def test_early_media_follows_a_plan_whose_numbers_rang_in_vain(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan=f"s:{FALLBACK}:5,{SPOKEN}", forced="divert")
    await site.network_a.answer(486)
    call = await call_to(site, did, trunk="early")
    assert (call.answered, call.final_status) == (False, 480)
    assert likeness(call.rtp_packets, recording(site, "en")) > 0.95
    assert (await site.event("RingfenceCall", did))["step"] == "2"


@pytest.mark.parametrize("name", ["missing", "nowhere"])
async def test_without_its_sound_early_media_is_still_heard(site: CallSite, name: str) -> None:
    did = site.did()
    await site.record(did, plan=f"a:{name}:0", forced="divert")
    call = await site.carrier.call(did, headers=by("early"), cancel_after_seconds=2)
    assert not call.answered
    assert audible_seconds(call.rtp_packets) > 1


@pytest.mark.parametrize("trunk", ["", "early"])
async def test_a_machine_hears_it_and_is_refused(site: CallSite, trunk: str) -> None:
    """Whatever its trunk says: an answer would tell the machine that its message had arrived."""
    dids = [site.did() for _ in MACHINES]
    for did, kind in zip(dids, MACHINES, strict=True):
        await site.raw_record(did, f"1|uc|divert|{kind}|1|{SPOKEN}|{SPOKEN}")
    calls = await asyncio.gather(*(call_to(site, did, trunk=trunk) for did in dids))
    assert [(call.answered, call.final_status) for call in calls] == [(False, 503)] * len(MACHINES)
    assert min(audible_seconds(call.rtp_packets) for call in calls) > SPOKEN_SECONDS
    for did in dids:
        assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


async def test_people_are_answered(site: CallSite) -> None:
    for kind in ("voice", "switchboard", "safeguarding"):
        did = site.did()
        await site.raw_record(did, f"1|uc|divert|{kind}|0|{SPOKEN}|{SPOKEN}")
        assert (await call_to(site, did, hold_seconds=0.1)).answered
