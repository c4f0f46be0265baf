"""A hundred callers and more to people and teams who do what chance has them do, the daemon dead from the middle on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from tests.lab.behaviour import Manner
from tests.lab.crowd import BUSY, DECLINES, OFF, QUICK, REFUSES, TAKES, THERE, UNKNOWN, VOICEMAIL, Crowd, Line
from tests.lab.crowd_account import Account, Brought, Numbers, Told
from tests.lab.faults.crowds import brought, counts, crowded
from tests.lab.faults.stage import Stage
from tests.lab.installation import Installation
from tests.lab.moods import Moods
from tests.scenarios.site import FALLBACK, MOBILE, CallSite

WINDOW_CALLS = 10

HASTY = Moods(
    (
        (45, TAKES),
        (8, replace(TAKES, answer_delay_ms=1000)),
        (9, BUSY),
        (8, REFUSES),
        (10, DECLINES),
        (5, OFF),
        (5, UNKNOWN),
        (2, replace(TAKES, manner=Manner.SILENT)),
        (6, replace(VOICEMAIL, hang_up_after_ms=2500)),
        (2, VOICEMAIL),
    )
)
CROWD = Crowd(
    lines=(
        Line("all", "all", members=3, calls=14, moods=HASTY),
        Line("order", "order", members=4, calls=14, moods=HASTY),
        Line("order waiting", "order", members=6, calls=10, moods=HASTY, waits=True),
        Line("rotation everybody there", "rotation", members=14, calls=14, moods=THERE),
        Line("rotation one by one", "rotation", members=3, calls=14, moods=QUICK, one_by_one=True),
    ),
    people=30,
    calls_to_people=54,
    calls_per_second=30.0,
    moods=HASTY,
)


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with crowded(installation, CROWD) as stage:
        yield stage


async def test_nobody_is_lost_left_in_silence_or_answered_by_a_voicemail(stage: Stage) -> None:
    account = await brought(CROWD, stage)
    assert [str(bound) for bound in counts(CROWD, account, WINDOW_CALLS) if not bound.ok] == []
    assert not stage.node.process.running
    seen = {(leg.final_status, leg.pressed) for told in account.told for leg in told.legs}
    assert {(200, "1"), (200, "2"), (200, ""), (486, ""), (603, "")} <= seen, "the lots have left somebody out"


async def told(site: CallSite, plan: str, **options: float) -> Told:
    """What is made of one call by such a plan."""
    did = site.did()
    await site.record(did, plan=plan, forced="divert")
    call = Brought("", did, await site.carrier.call(did, from_=did, **options))  # type: ignore[arg-type]
    legs = [*site.network_a.calls(), *site.network_b.calls()]
    return Account.of([call], legs, Numbers([FALLBACK], [FALLBACK])).told[0]


async def test_caller_who_is_answered_by_a_voicemail_is_found(site: CallSite) -> None:
    await site.network_a.behave(VOICEMAIL, number=MOBILE)
    seen = await told(site, f"p:{MOBILE}:5,a:unavailable:0", hold_seconds=0.5)
    assert seen.met_a_voicemail and seen.lost and not seen.put_through


async def test_caller_who_hears_nothing_is_found(site: CallSite) -> None:
    await site.network_a.behave(replace(VOICEMAIL, manner=Manner.TRYING_ONLY), number=MOBILE)
    seen = await told(site, f"p:{MOBILE}:5,a:unavailable:0", cancel_after_seconds=0.5)
    assert seen.in_silence and seen.lost


async def test_announcement_counts_only_where_nobody_could_have_answered(site: CallSite) -> None:
    assert (await told(site, "a:unavailable:0", hold_seconds=0.1)).lost
    await site.network_a.behave(BUSY, number=FALLBACK)
    seen = await told(site, f"s:{FALLBACK}:5,a:unavailable:0", hold_seconds=2.0)
    assert seen.announced and not seen.lost and not seen.in_silence


async def test_caller_who_is_shown_a_private_number_is_found(site: CallSite) -> None:
    seen = await told(site, f"s:{FALLBACK}:5,a:unavailable:0")
    assert seen.put_through and seen.shown_numbers == []
    shown = replace(seen.result, received=(b"SIP/2.0 200 OK\r\nContact: <sip:07700%20900123@a>\r\n",))
    assert Told(replace(seen.call, result=shown), [], Numbers([], []), 0.0).shown_numbers == ["07700 900123"]
