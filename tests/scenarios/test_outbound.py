"""Calls of the site's own phones to the outside: who they say they are, which way they take, and emergencies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from ringfence.domain.team import Strategy
from tests.lab.call_result import CallResult, Ended
from tests.lab.installation import Installation
from tests.lab.records import ReceivedCall
from tests.lab.waiting import wait_until
from tests.scenarios.site import CallSite, running_site
from tests.scenarios.site_files import Caps
from tests.scenarios.teams import open_team

FRIEND = "+447700900456"
FRIEND_AS_B_WANTS_IT = "07700900456"
FRIENDS = (FRIEND, FRIEND_AS_B_WANTS_IT)
MAIN = "+441134960900"
EMERGENCY_IDENTITY = "+441134960999"
OWN_DID = "+441134960007"


async def phone(
    site: CallSite,
    to: str,
    *,
    from_: str = "07",
    at: str = "phone",
    headers: tuple[tuple[str, str], ...] = (),
    **more: object,
) -> CallResult:
    return await site.carrier.call(to, from_=from_, headers=[("X-Lab-Trunk", at), *headers], **more)  # type: ignore[arg-type]


async def outcome(site: CallSite) -> dict[str, str]:
    """What is told of the only outgoing call."""
    await wait_until(
        lambda: outcomes(site),
        what="the outcome",
        deadline_seconds=20,
        diagnose=site.asterisk.log_tail,
    )
    (told,) = outcomes(site)
    return told


def outcomes(site: CallSite) -> list[dict[str, str]]:
    told = [event for event in site.events if event["eventname"] == "RingfenceOutbound"]
    return [event for event in told if event["result"] != "begun"]


@pytest_asyncio.fixture
async def out(site: CallSite) -> CallSite:
    """With a DID that belongs to extension 07, and nothing told yet."""
    await site.record(OWN_DID)
    site.events.clear()
    site.network_a.calls()
    return site


class Seen:
    """The calls of the two networks from now on."""

    def __init__(self, site: CallSite) -> None:
        self._networks = (site.network_a, site.network_b)
        self._before = [len(network.calls()) for network in self._networks]

    @property
    def a(self) -> list[ReceivedCall]:
        return self._networks[0].calls()[self._before[0] :]

    @property
    def b(self) -> list[ReceivedCall]:
        return self._networks[1].calls()[self._before[1] :]

    @property
    def numbers(self) -> tuple[list[str], list[str]]:
        return [call.number for call in self.a], [call.number for call in self.b]


@pytest.mark.parametrize(
    ("at", "dialled", "number"),
    [
        ("phone", FRIEND, FRIEND),
        ("phone", "07700900456", FRIEND),
        ("phone", "00447700900456", FRIEND),
        ("phone", "004923125000", "+4923125000"),
        ("german_phone", "030231250001", "+4930231250001"),
        ("phone", "111", "111"),
        ("phone", "+12125550100", "+12125550100"),
    ],
)
async def test_numbers_are_read_as_the_site_dials_them(out: CallSite, at: str, dialled: str, number: str) -> None:
    seen = Seen(out)
    assert (await phone(out, dialled, at=at)).answered
    assert seen.numbers == ([number], [])
    assert (await outcome(out))["result"] == "answered"


@pytest.mark.parametrize(
    ("dialled", "status"),
    [
        ("+449001234567", 403),
        ("09001234567", 403),
        ("+33123456789", 403),
        ("0033123456789", 403),
        ("118118", 484),
        ("1001%261002", 484),
        ("+4477009%2C00456", 484),
        ("07700900456;phone-context=+33", 484),
        ("999x", 484),
        ("${SHELL(id)}", 484),
        ("+44", 484),
    ],
)
async def test_what_may_not_be_dialled_reaches_nobody(out: CallSite, dialled: str, status: int) -> None:
    seen = Seen(out)
    call = await phone(out, dialled, give_up_seconds=0.6)
    assert call.final_status in (status, None)
    assert seen.numbers == ([], [])


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("07", OWN_DID),
        (OWN_DID, OWN_DID),
        ("01134960007", OWN_DID),
        ("441134960007", OWN_DID),
        ("99", MAIN),
        ("+441632960001", MAIN),
        ("anonymous", MAIN),
        ("07%26PJSIP", MAIN),
    ],
)
async def test_the_known_number_is_presented_and_no_other(out: CallSite, claimed: str, shown: str) -> None:
    seen = Seen(out)
    assert (await phone(out, FRIEND, from_=claimed)).answered
    (leg,) = seen.a
    assert leg.caller == shown
    assert f"sip:{shown}@our.example" in leg.invite.header("p-asserted-identity")
    assert not leg.invite.header("diversion") and not leg.invite.header("x-ringfence-hop")


async def test_a_withheld_number_is_withheld_and_known_to_the_carrier_alone(out: CallSite) -> None:
    seen = Seen(out)
    assert (await phone(out, FRIEND, headers=(("Privacy", "id"),))).answered
    (leg,) = seen.a
    assert "07" != leg.caller != OWN_DID
    assert leg.invite.header("privacy") == "id"
    assert f"sip:{OWN_DID}@" in leg.invite.header("p-asserted-identity")


@pytest.mark.parametrize("status", [503, 500, 403, 408])
async def test_a_trunk_that_fails_before_it_rings_is_followed_by_the_next(out: CallSite, status: int) -> None:
    seen = Seen(out)
    await out.network_a.answer(status)
    assert (await phone(out, FRIEND)).answered
    assert seen.numbers[1] == [FRIEND_AS_B_WANTS_IT]
    told = await outcome(out)
    assert (told["result"], told["egress"], told["emergency"]) == ("answered", "b", "no")


async def test_a_frozen_trunk_is_followed_by_the_next(out: CallSite) -> None:
    seen = Seen(out)
    await out.network_a.freeze()
    try:
        assert (await phone(out, FRIEND)).answered
    finally:
        await out.network_a.thaw()
    assert seen.numbers[1] == [FRIEND_AS_B_WANTS_IT]


async def test_after_it_rang_no_other_trunk_is_tried(out: CallSite) -> None:
    seen = Seen(out)
    await out.network_a.ring_for_ever()
    call = await phone(out, FRIEND)
    assert call.final_status == 480
    assert seen.numbers == ([FRIEND], [])


@pytest.mark.parametrize(("status", "told"), [(486, 486), (603, 603), (404, 404)])
async def test_how_it_ended_is_passed_back(out: CallSite, status: int, told: int) -> None:
    await out.network_a.answer(status)
    await out.network_b.answer(status)
    assert (await phone(out, FRIEND)).final_status == told


@pytest.mark.parametrize("decision", ["normal", "divert", "pinned", "trial"])
async def test_no_mode_changes_how_calls_go_out(out: CallSite, decision: str) -> None:
    seen = Seen(out)
    await out.mode(decision, one_in=1)
    await out.record(OWN_DID, forced="divert")
    assert (await phone(out, FRIEND)).answered
    assert (await phone(out, "999")).answered
    assert seen.numbers == ([FRIEND, "999"], [])
    assert out.platform.calls() == [] or all(call.number != FRIEND for call in out.platform.calls())


@pytest.mark.parametrize(
    ("at", "dialled", "number", "identity"),
    [
        ("phone", "999", "999", EMERGENCY_IDENTITY),
        ("phone", "112", "112", EMERGENCY_IDENTITY),
        ("phone", "+112", "112", EMERGENCY_IDENTITY),
        ("phone", "+44999", "999", EMERGENCY_IDENTITY),
        ("phone", "0044999", "999", EMERGENCY_IDENTITY),
        ("phone", "999;phone-context=+44", "999", EMERGENCY_IDENTITY),
        ("phone", "112%23", "112", EMERGENCY_IDENTITY),
        ("german_phone", "110", "110", "+493023125000"),
    ],
)
async def test_an_emergency_presents_the_sites_identity_whatever_the_caller_wants(
    out: CallSite, at: str, dialled: str, number: str, identity: str
) -> None:
    seen = Seen(out)
    call = await phone(
        out, dialled, at=at, from_="anonymous", headers=(("Privacy", "id"), ("X-Ringfence-Hop", "node1"))
    )
    assert call.answered
    (leg,) = seen.a
    assert (leg.number, leg.caller) == (number, identity)
    assert f"sip:{identity}@" in leg.invite.header("p-asserted-identity")
    assert not leg.invite.header("privacy")
    told = await outcome(out)
    assert (told["emergency"], told["result"], told["preempted"]) == ("yes", "answered", "no")


async def test_an_emergency_tries_every_trunk_and_those_that_are_down_last(out: CallSite) -> None:
    seen = Seen(out)
    await out.trunk_down("a")
    await out.network_b.answer(500)
    assert (await phone(out, "999")).answered
    assert seen.numbers == (["999"], ["999"])


async def test_an_emergency_whose_trunks_all_refuse_is_passed_back(out: CallSite) -> None:
    await out.network_a.answer(500)
    await out.network_b.answer(500)
    assert (await phone(out, "999")).final_status == 503
    assert (await outcome(out))["result"] == "failure"


@pytest_asyncio.fixture(scope="module")
async def shared_narrow_site(installation: Installation) -> AsyncIterator[CallSite]:
    """Two channels on each trunk."""
    async with running_site(installation, Caps(channels_a=2, channels_b=2, max_calls=10)) as site:
        yield site


@pytest_asyncio.fixture
async def narrow(shared_narrow_site: CallSite) -> CallSite:
    await shared_narrow_site.reset()
    await shared_narrow_site.mode("divert")
    shared_narrow_site.events.clear()
    return shared_narrow_site


@dataclass
class Diverted:
    """A diverted call that somebody has answered."""

    did: str
    task: asyncio.Task[CallResult]
    over: asyncio.Event


HELD_SECONDS = 20.0
"""At most: a call that holds a channel ends when the test says so, however slow the machine is."""

PLAN = f"s:{FRIEND}:5,a:unavailable:0"


async def divert(site: CallSite, *, critical: bool, plan: str = PLAN) -> Diverted:
    did = site.did()
    await site.record(did, plan=plan, critical=critical)
    networks = (site.network_a, site.network_b)
    over = asyncio.Event()
    task = asyncio.create_task(site.carrier.call(did, from_=did, hold_seconds=HELD_SECONDS, hold_until=over))
    await wait_until(
        lambda: any(
            leg.number in FRIENDS and leg.final_status == 200 and leg.caller == did
            for n in networks
            for leg in n.calls()
        ),
        what="a diverted call to be answered",
        deadline_seconds=20,
        diagnose=site.asterisk.log_tail,
    )
    return Diverted(did, task, over)


async def cut(site: CallSite, calls: list[Diverted]) -> list[bool]:
    """Which of them an emergency has taken the channel of. The others end here."""
    for call in calls:
        call.over.set()
    await asyncio.gather(*(call.task for call in calls))
    return [(await site.event("RingfenceCall", call.did))["reason"] == "preempted" for call in calls]


@pytest.mark.parametrize("emergencies", [1, 2])
async def test_an_emergency_takes_the_channel_of_the_longest_diverted_call_that_is_not_critical(
    narrow: CallSite, emergencies: int
) -> None:
    calls = [await divert(narrow, critical=critical) for critical in (True, False, False, True)]
    seen = Seen(narrow)
    over = asyncio.Event()
    held = [phone(narrow, "999", hold_seconds=HELD_SECONDS, hold_until=over) for _ in range(emergencies)]
    found = [asyncio.create_task(place) for place in held]
    await wait_until(
        lambda: sum(map(len, seen.numbers)) == emergencies,
        what="the emergencies to go out",
        deadline_seconds=10,
        diagnose=narrow.asterisk.log_tail,
    )
    over.set()
    assert all(call.answered for call in await asyncio.gather(*found))
    assert sum(map(len, seen.numbers)) == emergencies
    assert await cut(narrow, calls) == [False, True, emergencies == 2, False]
    # Far ends are silent here: whoever heard something was told why.
    assert [call.task.result().rtp_packet_count > 5 for call in calls] == [False, True, emergencies == 2, False]
    assert {event["preempted"] for event in outcomes(narrow)} == {"yes"}


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.ORDER])
async def test_a_teams_call_can_be_cut_as_well(narrow: CallSite, strategy: Strategy) -> None:
    team = await open_team(narrow, [FRIEND], strategy)
    first = await divert(narrow, critical=False, plan=team.plan)
    others = [await divert(narrow, critical=True) for _ in range(3)]
    assert (await phone(narrow, "999")).answered
    assert (await outcome(narrow))["preempted"] == "yes"
    assert not any(await cut(narrow, others))
    assert (await first.task).rtp_packet_count > 5, "nothing told the caller why"


async def test_critical_calls_are_never_cut_and_the_emergency_is_tried_all_the_same(narrow: CallSite) -> None:
    calls = [await divert(narrow, critical=True) for _ in range(4)]
    assert (await phone(narrow, "999")).answered, "a carrier may have a channel more than we know of"
    assert not any(await cut(narrow, calls))


async def test_an_emergency_is_not_cut_for_another_nor_is_a_call_of_ours(narrow: CallSite) -> None:
    over = asyncio.Event()
    numbers = ("999", "112", FRIEND, FRIEND)
    places = [phone(narrow, to, hold_seconds=HELD_SECONDS, hold_until=over) for to in numbers]
    first = [asyncio.create_task(place) for place in places]
    seen = Seen(narrow)
    await wait_until(
        lambda: sum(map(len, seen.numbers)) == 4,
        what="four calls out",
        deadline_seconds=20,
        diagnose=narrow.asterisk.log_tail,
    )
    assert (await phone(narrow, "999")).answered
    over.set()
    assert {call.ended for call in await asyncio.gather(*first)} == {Ended.BY_CALLER}


async def test_a_diverted_callers_limits_are_not_the_emergencys(narrow: CallSite) -> None:
    """Also with no channel free and one trunk down."""
    await narrow.trunk_down("b")
    calls = [await divert(narrow, critical=False) for _ in range(2)]
    assert (await phone(narrow, "112")).answered
    assert await cut(narrow, calls) == [True, False]
