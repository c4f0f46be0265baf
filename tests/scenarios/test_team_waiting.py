"""Callers who wait for a member of a team: in the order in which they came, with music, and not for ever."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from ringfence.domain.team import Strategy
from tests.lab.call_result import CallResult
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, QUICK, CallSite
from tests.scenarios.site_files import RING_BUDGET_SECONDS
from tests.scenarios.teams import BUSY, DECLINES, TeamLine, mobiles, open_team, wait_answered

A, B = mobiles(2)
PACKETS_A_SECOND = 50


@pytest_asyncio.fixture
async def patient(site: CallSite) -> AsyncIterator[CallSite]:
    """With a ring budget long enough to wait in."""
    await site.carrier.call(site.did())  # the first call of all sets the site's values
    await site.asterisk.cli("dialplan set global RF_RING_BUDGET 20")
    yield site
    await site.asterisk.cli(f"dialplan set global RF_RING_BUDGET {RING_BUDGET_SECONDS}")


async def begin(team: TeamLine, hold_until: asyncio.Event | None = None) -> tuple[str, asyncio.Task[CallResult]]:
    did = team.site.did()
    await team.call_in(did)
    hold_seconds = 30.0 if hold_until is not None else 0.0
    call = team.site.carrier.call(did, from_=did, hold_seconds=hold_seconds, hold_until=hold_until)
    return did, asyncio.create_task(call)


async def occupy(team: TeamLine, let_go: asyncio.Event) -> asyncio.Task[CallResult]:
    """A call that a member has answered, and which lasts until it is let go."""
    did, talking = await begin(team, let_go)
    await wait_answered(team.site, did)
    return talking


async def wait_waiting(team: TeamLine, count: int) -> None:
    async def waiting() -> bool:
        groups = re.findall(r"(\S+)\s+ringfence-waiting", await team.site.asterisk.cli("group show channels"))
        return sum(group.startswith(team.identity) for group in groups) == count

    await wait_until(waiting, what=f"{count} callers to wait", deadline_seconds=20)


async def answered_by(site: CallSite, did: str) -> str:
    return (await site.event("RingfenceCall", did, deadline_seconds=20))["answered_by"]


async def test_callers_are_served_in_the_order_they_came(patient: CallSite) -> None:
    async def serve(strategy: Strategy, member: str) -> None:
        team = await open_team(patient, [member], strategy, name=strategy, wait_seconds=18)
        let_go = asyncio.Event()
        talking = await occupy(team, let_go)
        callers = []
        for count in range(1, 4):
            callers.append(await begin(team))
            await wait_waiting(team, count)
        let_go.set()
        results = [await task for _, task in callers]
        assert [await answered_by(patient, did) for did, _ in callers] == ["team"] * 3, strategy
        assert [team.rung(did) for did, _ in callers] == [[member]] * 3, strategy
        times = [result.answered_at or 0.0 for result in results]
        assert times == sorted(times), strategy
        await talking

    await asyncio.gather(*(serve(strategy, member) for strategy, member in zip(Strategy, mobiles(3), strict=True)))


async def test_waiting_caller_hears_music_and_pays_for_nothing(patient: CallSite) -> None:
    team = await open_team(patient, [A], wait_seconds=18)
    let_go = asyncio.Event()
    talking = await occupy(team, let_go)
    _, waiting = await begin(team)
    await wait_waiting(team, 1)
    await asyncio.sleep(2.0)  # of music
    let_go.set()
    result = await waiting
    await talking
    statuses = [response.status for response in result.responses]
    assert statuses[:2] == [100, 180]
    assert 183 in statuses
    assert result.answered_at is not None
    heard = [at for at in result.rtp_packet_times if at < result.answered_at]
    assert len(heard) > 0.8 * PACKETS_A_SECOND * (result.answered_at - heard[0])


async def test_too_many_waiting_callers_go_on_at_once(patient: CallSite) -> None:
    team = await open_team(patient, [A], wait_seconds=18, max_waiting=1)
    let_go = asyncio.Event()
    talking = await occupy(team, let_go)
    first, waiting = await begin(team)
    await wait_waiting(team, 1)
    second, overflowing = await begin(team)
    assert (await overflowing).answered
    assert await answered_by(patient, second) == "site"
    assert not waiting.done()
    let_go.set()
    await waiting
    assert await answered_by(patient, first) == "team"
    await talking


async def test_wait_that_is_over_ends_in_the_backstop(patient: CallSite) -> None:
    team = await open_team(patient, [A], wait_seconds=1)
    await patient.network_a.behave(BUSY, number=A)
    did, waiting = await begin(team)
    assert 183 in [response.status for response in (await waiting).responses]
    assert await answered_by(patient, did) == "site"
    assert team.rung(did) == [A, FALLBACK]


async def test_leaver_is_not_rung_for_a_caller_who_waits(patient: CallSite) -> None:
    async def leave(strategy: Strategy, leaver: str, stays: str) -> None:
        team = await open_team(patient, [leaver, stays], strategy, name=strategy, wait_seconds=18)
        let_go = asyncio.Event()
        talking = [await occupy(team, let_go) for _ in range(2)]
        did, waiting = await begin(team)
        await wait_waiting(team, 1)
        await team.leave(leaver)
        let_go.set()
        assert (await waiting).answered
        assert team.rung(did) == [stays], strategy
        await asyncio.gather(*talking)

    pairs = zip(Strategy, mobiles(3, 210), mobiles(3, 220), strict=True)
    await asyncio.gather(*(leave(*pair) for pair in pairs))


async def test_caller_who_hangs_up_while_waiting_gives_the_place_back(patient: CallSite) -> None:
    team = await open_team(patient, [A], wait_seconds=18, max_waiting=1)
    let_go, leave = asyncio.Event(), asyncio.Event()
    talking = await occupy(team, let_go)
    gone = patient.did()
    await team.call_in(gone)
    going = asyncio.create_task(patient.carrier.call(gone, from_=gone, cancel_when=leave.is_set))
    await wait_waiting(team, 1)
    leave.set()
    await going
    event = await patient.event("RingfenceCall", gone)
    assert (event["answered_by"], event["result"], event["step"]) == ("nobody", "cancelled", "1")
    did, waiting = await begin(team)
    await wait_waiting(team, 1)
    let_go.set()
    assert (await waiting).answered
    assert await answered_by(patient, did) == "team"
    await talking


async def test_nobody_waits_for_those_who_all_declined(patient: CallSite) -> None:
    for strategy in Strategy:
        team = await open_team(patient, [A, B], strategy, wait_seconds=18)
        await patient.network_a.behave(DECLINES)
        await patient.network_a.behave(QUICK, number=FALLBACK)
        did, calling = await begin(team)
        assert 183 not in [response.status for response in (await calling).responses]
        assert await answered_by(patient, did) == "site"
        assert sorted(team.rung(did)[:2]) == [A, B], strategy


async def test_busy_member_is_tried_again_while_the_caller_waits(patient: CallSite) -> None:
    team = await open_team(patient, [A], wait_seconds=18)
    await patient.network_a.behave(BUSY, number=A)
    did, waiting = await begin(team)
    await wait_waiting(team, 1)
    await patient.network_a.behave(QUICK, number=A)
    assert (await waiting).answered
    assert (await answered_by(patient, did), team.rung(did)) == ("team", [A, A])


async def test_without_music_a_waiting_caller_hears_it_ring(patient: CallSite) -> None:
    await patient.asterisk.cli("module unload res_musiconhold.so")
    try:
        team = await open_team(patient, [A], wait_seconds=18)
        await patient.network_a.behave(replace(QUICK, answer_delay_ms=1000), number=A)
        let_go = asyncio.Event()
        talking = await occupy(team, let_go)
        _, waiting = await begin(team)
        await wait_waiting(team, 1)
        await asyncio.sleep(1.0)  # of ringing
        let_go.set()
        result = await waiting
        await talking
    finally:
        await patient.asterisk.cli("module load res_musiconhold.so")
    assert result.answered_at is not None
    heard = [at for at in result.rtp_packet_times if at < result.answered_at]
    assert len(heard) > 0.8 * PACKETS_A_SECOND * (result.answered_at - heard[0])
