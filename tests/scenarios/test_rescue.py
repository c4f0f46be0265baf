"""Callers in mid-call whose platform dies, by real calls: who is rescued, and above all who is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest_asyncio

from tests.lab.behaviour import Behaviour
from tests.lab.call_result import CallResult, Ended
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.records import ReceivedCall
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, reach, until

TALKING = replace(Behaviour(), talks=True)
DEAF = replace(TALKING, options_loss_share=1.0)
"""Silent to every probe, and its calls go on."""
LONG_SECONDS = 30.0
SILENT_SECONDS = 1.0
AFTER_THE_VERDICT_SECONDS = 3.0
"""More than a silence and two looks."""

_callers = count(1)


@pytest_asyncio.fixture(scope="module")
async def shared(installation: Installation) -> AsyncIterator[Stage]:
    quick = PLATFORM | {"rescue_silence_seconds": f"{SILENT_SECONDS}", "rescue_held_seconds": "600"}
    quick["hold_down_seconds"] = "5"
    async with opened(installation, ORGANISATION, platform=quick) as stage:
        yield stage


@pytest_asyncio.fixture
async def stage(shared: Stage) -> Stage:
    await shared.heal()
    await shared.lab.platform.behave(TALKING)
    return shared


class Talk:
    """One call to a person's DID that is under way."""

    def __init__(self, stage: Stage, person: int, hold_seconds: float) -> None:
        self.caller = f"+44163297{next(_callers):04}"
        self.person = person
        self._stage = stage
        self.let_go = asyncio.Event()
        did = ORGANISATION.did(person)
        self.task = asyncio.create_task(
            stage.lab.caller.call(
                did, from_=self.caller, hold_seconds=hold_seconds, hold_until=self.let_go, give_up_seconds=20
            )
        )

    def legs(self) -> list[ReceivedCall]:
        """What reached a network outside."""
        lab = self._stage.lab
        legs = [*lab.mobile_network.calls(), *lab.other_mobile_network.calls()]
        return [leg for leg in legs if leg.caller == self.caller]

    def rang(self) -> list[str]:
        return [leg.number for leg in self.legs()]

    def taken_outside(self) -> bool:
        return any(leg.final_status == 200 for leg in self.legs())

    def taken_at_platform(self) -> bool:
        return any(leg.caller == self.caller and leg.final_status == 200 for leg in self._stage.lab.platform.calls())

    async def record(self) -> dict[str, Any]:
        """The journal's row, once the call has ended."""
        did, rows = ORGANISATION.did(self.person), []

        async def there() -> bool:
            answer = await self._stage.node.must("GET", f"/v1/calls?did={did.replace('+', '%2B')}&limit=1")
            # An earlier call to the same DID was another caller's.
            rows[:] = [row for row in answer["calls"] if row["caller"][-3:] == self.caller[-3:]]
            return bool(rows)

        await until(self._stage, "the journal's row", there)
        found: dict[str, Any] = rows[0]
        return found


async def talk(stage: Stage, people: range, hold_seconds: float = LONG_SECONDS) -> list[Talk]:
    """Calls that the platform has answered."""
    talks = [Talk(stage, person, hold_seconds) for person in people]
    await until(stage, "the platform to answer", lambda: all(talk.taken_at_platform() for talk in talks))
    return talks


async def end(talks: list[Talk]) -> list[CallResult]:
    return list(await asyncio.gather(*(talk.task for talk in talks)))


async def rescued(stage: Stage, talks: list[Talk]) -> None:
    await until(stage, "everybody to be rescued", lambda: all(talk.taken_outside() for talk in talks))


async def hang_up(stage: Stage) -> None:
    await stage.lab.mobile_network.hang_up_all()
    await stage.lab.other_mobile_network.hang_up_all()


async def test_ten_calls_at_once_go_on_to_their_persons(stage: Stage) -> None:
    """But for one, whose DID a person forced to the platform."""
    did = ORGANISATION.did(10)
    await stage.node.must("PUT", "/v1/override", {"mode": "normal", "did": did, "reason": "the vendor tests"})
    talks = await talk(stage, range(10))
    (pinned,) = await talk(stage, range(10, 11), hold_seconds=4)
    await stage.lab.platform.kill()
    await rescued(stage, talks)
    await hang_up(stage)
    results = await end(talks)
    assert [talk.rang() for talk in talks] == [[ORGANISATION.mobile(talk.person)] for talk in talks]
    assert {result.ended for result in results} == {Ended.BY_CALLEE}
    told = [await talk.record() for talk in talks]
    assert {(row["path"], row["reason"], row["answered_by"], row["result"], row["step"]) for row in told} == {
        ("rescued", "platform-leg-died", "person", "answered", 1)
    }
    assert {row["decision"] for row in told} == {"normal"}
    await end([pinned])
    assert pinned.rang() == []
    await stage.node.must("DELETE", f"/v1/override?did={did.replace('+', '%2B')}&reason=back")


async def test_a_rescued_caller_hears_it_ring(stage: Stage) -> None:
    await stage.lab.mobile_network.ring_for_ever()
    (one,) = await talk(stage, range(1))
    await stage.lab.platform.freeze()
    await until(stage, "the person's telephone to ring", one.rang)
    await asyncio.sleep(1.0)  # of what the caller hears
    one.let_go.set()
    (result,) = await end([one])
    assert one.rang() == [ORGANISATION.mobile(0)]
    assert result.ended is Ended.BY_CALLER
    assert result.rtp_packet_times[-1] > result.ended_at - 1, "nothing was heard at the end"
    row = await one.record()
    assert (row["path"], row["answered_by"], row["result"]) == ("rescued", "nobody", "cancelled")


async def test_calls_that_go_on_are_left_though_no_probe_is_answered_and_their_end_is_an_ordinary_one(
    stage: Stage,
) -> None:
    short = await talk(stage, range(2), hold_seconds=4)
    long = await talk(stage, range(2, 4))
    await stage.lab.platform.behave(DEAF)
    await reach(stage, "FAILED_OVER")
    assert {result.ended for result in await end(short)} == {Ended.BY_CALLER}
    await stage.lab.platform.hang_up_all()
    assert {result.ended for result in await end(long)} == {Ended.BY_CALLEE}
    assert [talk.rang() for talk in (*short, *long)] == [[]] * 4
    assert (await long[0].record())["path"] == "platform"


async def test_hold_is_not_taken_for_death(stage: Stage) -> None:
    held, other = await talk(stage, range(2), hold_seconds=4)
    await stage.lab.platform.hold_all()
    await stage.lab.platform.behave(DEAF)
    await reach(stage, "FAILED_OVER")
    await end([held, other])
    assert (held.rang(), other.rang()) == ([], [])


async def test_silence_is_not_taken_for_death_on_a_platform_that_a_person_has_moved(stage: Stage) -> None:
    await stage.lab.platform.healthy()
    talks = await talk(stage, range(3), hold_seconds=AFTER_THE_VERDICT_SECONDS)
    await stage.order("dr")
    await end(talks)
    assert [talk.rang() for talk in talks] == [[]] * 3


async def test_a_platform_that_has_restarted_knows_nothing_of_its_calls(stage: Stage) -> None:
    talks = await talk(stage, range(2))
    await stage.lab.platform.kill()
    await reach(stage, "FAILED_OVER")
    await stage.lab.platform.start()
    await rescued(stage, talks)
    await hang_up(stage)
    await end(talks)


async def test_both_faults_at_once_lose_nobody(stage: Stage) -> None:
    await stage.lab.mobile_network.answer(503)
    talks = await talk(stage, range(2))
    await stage.lab.platform.kill()
    await rescued(stage, talks)
    await hang_up(stage)
    await end(talks)
    assert {(await talk.record())["answered_by"] for talk in talks} == {"person"}


async def test_after_the_daemon_is_killed_calls_are_left_and_those_it_finds_on_its_return_are_rescued(
    stage: Stage,
) -> None:
    talks = await talk(stage, range(2))
    await stage.node.process.kill()
    await stage.lab.platform.freeze()
    await stage.node.start(ready=False)
    await rescued(stage, talks)
    await hang_up(stage)
    await end(talks)
