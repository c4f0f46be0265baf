"""Team lines rung with real calls: in order, in rotation and all at once, and who is left out."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from ringfence.domain.team import Strategy
from tests.lab.behaviour import Behaviour
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, QUICK, CallSite
from tests.scenarios.teams import BUSY, DECLINES, OFF, RINGS, TeamLine, local_form, mobiles, open_team, wait_answered
from tests.scenarios.test_hours import around

A, B, C = mobiles(3)


async def call(team: TeamLine, hold_seconds: float = 0.0) -> tuple[str, list[str]]:
    """Who answered one call to the team, and who was rung for it."""
    did = team.site.did()
    await team.call_in(did)
    assert (await team.site.carrier.call(did, from_=did, hold_seconds=hold_seconds)).answered
    event = await team.site.event("RingfenceCall", did)
    return event["answered_by"], team.rung(did)


async def turned_off(site: CallSite, *numbers: str) -> None:
    await refuse(site, OFF, *numbers)


async def refuse(site: CallSite, refusal: Behaviour, *numbers: str) -> None:
    for number in numbers:
        await site.network_a.behave(refusal, number=number)
        await site.network_b.behave(refusal, number=local_form(number))


@pytest.mark.parametrize("strategy", [Strategy.ORDER, Strategy.ROTATION])
@pytest.mark.parametrize("refusal", [OFF, BUSY, DECLINES])
async def test_member_who_does_not_take_it_is_followed_by_the_next(
    site: CallSite, strategy: Strategy, refusal: Behaviour
) -> None:
    team = await open_team(site, [A, B, C], strategy)
    await refuse(site, refusal, A)
    answered_by, rung = await call(team)
    assert (answered_by, rung[-1]) == ("team", B)
    assert set(rung) == {A, B}


async def test_order_begins_with_the_first_each_time(site: CallSite) -> None:
    team = await open_team(site, [A, B, C], Strategy.ORDER)
    assert [await call(team) for _ in range(3)] == [("team", [A])] * 3


async def test_all_off_goes_on_to_the_backstop(site: CallSite) -> None:
    for strategy in Strategy:
        team = await open_team(site, [A, B, C], strategy)
        await turned_off(site, A, B, C)
        answered_by, rung = await call(team)
        assert (answered_by, rung[-1], set(rung)) == ("site", FALLBACK, {A, B, C, FALLBACK}), strategy


async def test_all_at_once_takes_the_first_who_answers(site: CallSite) -> None:
    team = await open_team(site, [A, B, C], Strategy.ALL)
    await site.network_a.behave(RINGS, number=A)
    await site.network_a.behave(replace(QUICK, answer_delay_ms=200), number=B)
    await turned_off(site, C)
    answered_by, rung = await call(team)
    assert (answered_by, set(rung)) == ("team", {A, B, C})

    def ended() -> bool:
        legs = {leg.number: leg for leg in site.network_a.calls()}
        return legs[A].ended_by == "caller-cancel" and legs[B].answered_at is not None

    await wait_until(ended, what="the other's ringing to be ended", deadline_seconds=20)


@pytest.mark.parametrize("refusal", [OFF, BUSY, DECLINES])
async def test_who_refuses_ends_nobody_elses_ringing(site: CallSite, refusal: Behaviour) -> None:
    team = await open_team(site, [A, B, C], Strategy.ALL)
    await refuse(site, refusal, A, B)
    await site.network_a.behave(replace(QUICK, answer_delay_ms=400), number=C)
    assert (await call(team))[0] == "team"
    assert site.network_a.calls()[-1].number in (A, B, C)


async def test_voicemail_of_one_does_not_take_the_call_from_the_others(site: CallSite) -> None:
    team = await open_team(site, [A, B], Strategy.ALL, press_one=True)
    await site.network_a.behave(replace(QUICK, talks=True), number=A)
    await site.network_a.behave(replace(QUICK, answer_delay_ms=500, press="1"), number=B)
    did = site.did()
    await team.call_in(did)
    result = await site.carrier.call(did, from_=did, hold_seconds=0.5)
    assert result.answered_at is not None
    assert (await site.event("RingfenceCall", did))["answered_by"] == "team"
    pressed = {leg.number: leg.answered_at for leg in site.network_a.calls()}
    # The voicemail was first, and the caller was put through when the other had pressed.
    assert (pressed[A] or 0.0) < (pressed[B] or 0.0)
    assert result.rtp_packet_count == 0
    await wait_until(
        lambda: all(leg.ended_by for leg in site.network_a.calls() if leg.caller == did),
        what="the voicemail to be left alone",
        deadline_seconds=10,
    )


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.ORDER])
async def test_call_that_came_back_ends_in_the_announcement(site: CallSite, strategy: Strategy) -> None:
    """A member's telephone is forwarded to another DID of ours, whose team rings the same telephone."""
    team = await open_team(site, [A, B], strategy)
    first, returned = site.did(), site.did()
    await site.record(first, plan=f"p:{A}:5,a:unavailable:0", forced="divert")
    await team.call_in(returned)
    await site.network_a.behave(RINGS)
    caller = "+441619960333"
    leave = asyncio.Event()
    outward = asyncio.create_task(site.carrier.call(first, from_=caller, cancel_when=leave.is_set))
    await site.network_a.wait_calls(len(site.network_a.calls()) + 1)
    assert (await site.carrier.call(returned, from_=caller)).answered
    event = await site.event("RingfenceCall", returned)
    assert (event["answered_by"], event["reason"]) == ("announcement", "looped")
    assert [leg.number for leg in site.network_a.calls() if leg.caller == caller][-1:] == [A]
    leave.set()
    await outward


async def test_two_callers_of_one_moment_ring_everybody_twice(site: CallSite) -> None:
    """Whoever only rings is not taken yet: else the second caller would find nobody."""
    team = await open_team(site, [A, B], Strategy.ALL)
    await site.network_a.behave(replace(QUICK, answer_delay_ms=300))
    dids = [site.did(), site.did()]
    await team.call_in(*dids)
    await asyncio.gather(*(site.carrier.call(did, from_=did) for did in dids))
    for did in dids:
        assert (await site.event("RingfenceCall", did))["answered_by"] == "team"
        assert sorted(team.rung(did)) == [A, B]


async def test_too_few_who_can_be_rung_pass_the_team_over(site: CallSite) -> None:
    asleep = around("Europe/London", begins_in_hours=2, ends_in_hours=4)
    for strategy in Strategy:
        for floor, expected in ((2, "team"), (3, "site")):
            team = await open_team(site, [A, B, C], strategy, floor=floor, hours={A: asleep})
            answered_by, rung = await call(team)
            assert answered_by == expected, (strategy, floor)
            assert A not in rung


async def test_member_who_is_on_a_call_is_not_rung_for_another(site: CallSite) -> None:
    for strategy in Strategy:
        team = await open_team(site, [A, B], strategy)
        await site.network_a.behave(RINGS, number=B)
        first, second = site.did(), site.did()
        await team.call_in(first, second)
        let_go = asyncio.Event()
        talking = asyncio.create_task(site.carrier.call(first, from_=first, hold_seconds=30, hold_until=let_go))
        await wait_answered(site, first, talking)
        await site.network_a.healthy()
        assert (await site.carrier.call(second, from_=second)).answered
        assert A in team.rung(first), strategy
        assert team.rung(second) == [B], strategy
        let_go.set()
        await talking


async def test_member_without_a_record_is_passed_over(site: CallSite) -> None:
    for strategy in Strategy:
        team = await open_team(site, [A, B], strategy)
        await team.forget(A)
        assert await call(team) == ("team", [B]), strategy


@pytest.mark.parametrize("value", ["", "2|order|5|0|10|1|39a1b5bf", "1|chance|5|0|10|1|39a1b5bf", "1|all|5|0|10|1|"])
async def test_team_that_cannot_be_read_is_passed_over(site: CallSite, value: str) -> None:
    team = await open_team(site, [A])
    await team.overwrite(value)
    assert await call(team) == ("site", [FALLBACK])


async def test_turn_lies_in_astdb_where_a_restart_leaves_it(site: CallSite) -> None:
    team = await open_team(site, [A, B, C], Strategy.ROTATION)
    assert [(await call(team))[1] for _ in range(2)] == [[A], [B]]
    kept = await site.asterisk.db_get("ringfence/turn", team.identity)
    assert kept == "1|" + "".join(f"{team.numbers[number]}-" for number in (C, A, B))


async def test_rotation_stays_fair_beside_somebody_who_is_busy(site: CallSite) -> None:
    """Neither the one who is rung first nor the one rung instead is always the same."""
    numbers = mobiles(4)
    team = await open_team(site, numbers, Strategy.ROTATION)
    await refuse(site, BUSY, A)
    rung = [(await call(team))[1] for _ in range(24)]
    assert set(Counter(legs[0] for legs in rung).values()) == {6}
    assert set(Counter(legs[-1] for legs in rung).values()) == {8}


async def test_calls_at_once_ring_different_members(site: CallSite) -> None:
    numbers = mobiles(6)
    team = await open_team(site, numbers, Strategy.ROTATION)
    dids = [site.did() for _ in numbers]
    await team.call_in(*dids)
    calls = (site.carrier.call(did, from_=did, hold_seconds=0.5) for did in dids)
    assert all(result.answered for result in await asyncio.gather(*calls))
    assert sorted(team.rung(did)[0] for did in dids) == numbers


async def test_rotation_is_fair_over_any_hundred_calls(site: CallSite) -> None:
    numbers = mobiles(7)
    team = await open_team(site, numbers, Strategy.ROTATION)
    did = site.did()
    await team.call_in(did)
    callers = [f"+4416196{number}" for number in range(10_000, 10_108)]
    for caller in callers:
        assert (await site.carrier.call(did, from_=caller, hold_seconds=0.0)).answered
    rung = {leg.caller: leg.number for leg in site.network_a.calls()}
    first = [rung[caller] for caller in callers]
    assert set(first) == set(numbers)
    for begin in range(len(first) - 99):
        counts = Counter(first[begin : begin + 100])
        assert max(counts.values()) - min(counts.values()) <= 1, counts
