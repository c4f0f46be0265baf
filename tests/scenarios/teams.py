"""Team lines and opening hours put into AstDB by hand, in the form that the daemon writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.step_text import decode_steps
from ringfence.domain.team import Strategy, record_id
from ringfence.domain.team_records import (
    OpeningRecord,
    TeamRecord,
    encode_member,
    encode_opening,
    encode_team,
    member_path,
    site_path,
    team_path,
    team_target,
)
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.records import ReceivedCall
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, CallSite

OFF = Behaviour(manner=Manner.REFUSE, status=404, ring_delay_ms=0)
BUSY = Behaviour(manner=Manner.REFUSE, status=486, ring_delay_ms=0)
DECLINES = Behaviour(manner=Manner.REFUSE, status=603, ring_delay_ms=0)
RINGS = Behaviour(manner=Manner.RING_FOR_EVER, ring_delay_ms=10)


def mobiles(count: int, first: int = 200) -> list[str]:
    return [f"+447700900{first + index}" for index in range(count)]


def local_form(number: str) -> str:
    """As the second network wants it."""
    return f"0{number[3:]}"


@dataclass(slots=True)
class TeamLine:
    """One team on the site, as it stands in AstDB."""

    site: CallSite
    name: str
    record: TeamRecord
    numbers: dict[str, str]

    @property
    def identity(self) -> str:
        return record_id(self.name)

    @property
    def plan(self) -> str:
        """The team, then a backstop."""
        return f"t:{team_target(self.name)}:60,s:{FALLBACK}:5,a:unavailable:0"

    async def leave(self, number: str) -> None:
        """As the daemon does it: out of the head first, then the member."""
        slot = self.numbers[number]
        slots = tuple(known for known in self.record.slots if known != slot)
        self.record = replace(self.record, slots=slots)
        await self.overwrite(encode_team(self.record))
        await self.forget(number)

    async def forget(self, number: str) -> None:
        """The member's own record alone."""
        family, _, key = member_path(self.name, self.numbers[number]).rpartition("/")
        await self.site.ami.act("DBDel", Family=f"ringfence/{family}", Key=key)

    async def overwrite(self, value: str) -> None:
        await _put(self.site, team_path(self.name), value)

    async def call_in(self, *dids: str) -> None:
        """These DIDs are the team's, and diverted."""
        for did in dids:
            await self.site.record(did, plan=self.plan, forced="divert")

    def rung(self, did: str) -> list[str]:
        """Who was rung for the call to this DID, on whichever network, in order."""
        legs = [*self.site.network_a.calls(), *self.site.network_b.calls()]
        legs.sort(key=lambda leg: leg.at)
        by_local_form = {local_form(number): number for number in (*self.numbers, FALLBACK)}
        return [by_local_form.get(leg.number, leg.number) for leg in legs if leg.caller == did]


async def open_team(
    site: CallSite,
    numbers: Sequence[str],
    strategy: Strategy = Strategy.ORDER,
    *,
    name: str = "Sales | Ltd.",
    ring_seconds: int = 5,
    wait_seconds: int = 0,
    max_waiting: int = 10,
    floor: int = 1,
    hours: dict[str, RingHours] | None = None,
    press_one: bool = False,
) -> TeamLine:
    slots = tuple(record_id(number) for number in numbers)
    record = TeamRecord(strategy, ring_seconds, wait_seconds, max_waiting, floor, slots)
    for number, slot in zip(numbers, slots, strict=True):
        step = Step(StepKind.PERSON, number, 20, (hours or {}).get(number), press_one)
        await _put(site, member_path(name, slot), encode_member((step,)))
    await _put(site, team_path(name), encode_team(record))
    return TeamLine(site, name, record, dict(zip(numbers, slots, strict=True)))


async def open_hours(
    site: CallSite, spans: Sequence[RingHours], plan: str, holidays: Sequence[date] = (), *, name: str = "Leeds"
) -> str:
    """A site's record; the step that asks it."""
    await _put(site, site_path(name), encode_opening(OpeningRecord(tuple(spans), tuple(holidays), decode_steps(plan))))
    return f"o:{record_id(name)}:0"


async def wait_answered(site: CallSite, caller: str, call: asyncio.Task[CallResult] | None = None) -> None:
    """Until somebody has answered this caller, whose call is not over before."""

    def legs() -> list[ReceivedCall]:
        return [*site.network_a.calls(), *site.network_b.calls()]

    def answered() -> bool:
        if any(leg.caller == caller and leg.answered_at is not None for leg in legs()):
            return True
        assert call is None or not call.done(), f"the call is over: {call.result()}\n{rung()}"
        return False

    def rung() -> str:
        began = time.monotonic() - 60
        last = [(leg.at, leg.number, leg.caller, leg.answered_at, leg.ended_at) for leg in legs() if leg.at > began]
        ends = site.events_of("RingfenceCall", caller)
        return "\n".join(map(str, [*last, *ends])) + f"\n{site.asterisk.log_tail()}"

    await wait_until(answered, what=f"an answer to {caller}", deadline_seconds=40, diagnose=rung)


async def _put(site: CallSite, path: str, value: str) -> None:
    family, _, key = path.rpartition("/")
    await site.put(f"ringfence/{family}", key, value)
