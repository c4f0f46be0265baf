"""Callers to persons and teams of an organisation in DR, whose telephones do what chance has them do: who is called and
who is there. What became of it is told by `crowd_account`.

All is drawn from one seed. Everybody's private number asks for a 1; each site's reception takes calls as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.caller import CallerAgent
from tests.lab.crowd_account import Brought
from tests.lab.far_end import FarEnd
from tests.lab.moods import Moods

SITES: Final = ("north", "south")
STAFFED: Final = "west"
"""The site of lines whose callers come one after another and hang up at once: its reception is always there."""
PERSON_SECONDS: Final = 6
TEAM_SECONDS: Final = 5
WAIT_SECONDS: Final = 15
HOLD_SECONDS: Final = 1.5
"""Enough to hear what an announcement says, or whether a voicemail speaks."""
PATIENCE_SECONDS: Final = 90.0

TAKES = Behaviour(ring_delay_ms=40, answer_delay_ms=150, press="1", press_after_ms=300)
DECLINES = replace(TAKES, press="2")
REFUSES = Behaviour(manner=Manner.REFUSE, status=603, ring_delay_ms=300)
BUSY = replace(REFUSES, status=486, ring_delay_ms=20)
OFF = replace(REFUSES, status=404, ring_delay_ms=10)
UNKNOWN = replace(OFF, status=480)
VOICEMAIL = Behaviour(ring_delay_ms=30, answer_delay_ms=400, talks=True)
ANSWERS = Behaviour(ring_delay_ms=30, answer_delay_ms=100)

PEOPLE = Moods(
    (
        (44, TAKES),
        (6, replace(TAKES, answer_delay_ms=3000)),
        (5, replace(TAKES, press_after_ms=3500)),
        (7, BUSY),
        (6, REFUSES),
        (9, DECLINES),
        (5, OFF),
        (5, UNKNOWN),
        (2, replace(TAKES, manner=Manner.SILENT)),
        (8, VOICEMAIL),
        (3, replace(TAKES, manner=Manner.RING_FOR_EVER)),
    )
)
QUICK = Moods(
    ((50, replace(TAKES, answer_delay_ms=20)), (20, BUSY), (10, OFF), (20, replace(REFUSES, ring_delay_ms=50)))
)
"""Of those whose callers come one after another: nothing that takes long."""
THERE = Moods(((1, TAKES),))
RECEPTIONS = Moods(((94, ANSWERS), (6, BUSY)))


@dataclass(frozen=True, slots=True)
class Line:
    """A team, its members in a row of numbers of their own, and how many call it."""

    name: str
    strategy: str
    members: int
    calls: int
    moods: Moods = PEOPLE
    waits: bool = False
    one_by_one: bool = False
    """Its callers come one after another: nobody is at the telephone when a turn comes. None is asked for a 1."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The organisation, its callers, and how fast these come."""

    lines: tuple[Line, ...]
    people: int
    calls_to_people: int
    calls_per_second: float
    moods: Moods = PEOPLE
    seed: int = 1

    @property
    def calls(self) -> int:
        return self.calls_to_people + sum(line.calls for line in self.lines)

    def person_did(self, number: int) -> str:
        return f"+44113496{number:04}"

    def line_did(self, line: int) -> str:
        return f"+441134969{line:03}"

    @property
    def dids(self) -> int:
        return self.people + len(self.lines)

    @property
    def receptions(self) -> list[str]:
        return [f"+44131496000{number}" for number in range(len(SITES) + 1)]

    @property
    def unasked(self) -> list[str]:
        """Numbers where an answer is enough."""
        lines = [self.members(n) for n, line in enumerate(self.lines) if line.one_by_one]
        return [*self.receptions, *(number for members in lines for number in members)]

    def numbers(self, person: int) -> list[str]:
        """Every second person has another number behind the first."""
        return [_mobile(person)] + ([_mobile(self.people + person // 2)] if person % 2 else [])

    def members(self, line: int) -> list[str]:
        first = 2 * self.people + sum(each.members for each in self.lines[:line])
        return [_mobile(first + place) for place in range(self.lines[line].members)]

    # ---- What is imported ----
    def files(self) -> dict[str, str]:
        people = ["key,name,site,default_number_1,default_number_2"]
        dids = ["did,owner,site,platform,kind,critical,team"]
        teams = ["name,site,strategy,members,ring_seconds,wait_seconds,max_waiting"]
        for n in range(self.people):
            numbers = ",".join(f"{number} {PERSON_SECONDS}s press1" for number in self.numbers(n))
            people.append(f"p{n},Person {n},{SITES[n % 2]},{numbers}" + ("" if n % 2 else ","))
            dids.append(f"{self.person_did(n)},p{n},{SITES[n % 2]},uc,voice,no,")
        for n, line in enumerate(self.lines):
            keys = [f"m{n}x{place}" for place in range(line.members)]
            site, ask = (STAFFED, "nopress") if line.one_by_one else (SITES[n % 2], "press1")
            for key, number in zip(keys, self.members(n), strict=True):
                people.append(f"{key},Member {key},{site},{number} {PERSON_SECONDS}s {ask},")
            wait = WAIT_SECONDS if line.waits else ""
            teams.append(f"{line.name},{site},{line.strategy},{' '.join(keys)},{TEAM_SECONDS},{wait},")
            dids.append(f"{self.line_did(n)},,{site},uc,voice,no,{line.name}")
        sites = ["name,fallback_number,announcement"]
        sites += [
            f"{site},{number},unavailable" for site, number in zip((*SITES, STAFFED), self.receptions, strict=True)
        ]
        tables = {"people": people, "dids": dids, "sites": sites, "teams": teams}
        return {part: "\n".join(rows) + "\n" for part, rows in tables.items()}

    async def pick_up(self, *networks: FarEnd) -> None:
        """Everybody's telephone is as chance has it, on each of these networks alike."""
        people = [number for n in range(self.people) for number in self.numbers(n)]
        for network in networks:
            await network.moody(people, replace(self.moods, seed=self.seed))
            await network.moody(self.receptions[:-1], replace(RECEPTIONS, seed=self.seed))
            for n, line in enumerate(self.lines):
                await network.moody(self.members(n), replace(line.moods, seed=self.seed))

    # ---- Who calls ----
    async def call_in(self, agent: CallerAgent, half_way: asyncio.Event) -> list[Brought]:
        """All calls, at an even pace, but for the lines that are called one by one; `half_way` is set after half."""
        random, callers = Random(self.seed), self._callers()
        whom: list[Line | None] = [None] * self.calls_to_people
        for line in self.lines:
            whom += [] if line.one_by_one else [line] * line.calls
        random.shuffle(whom)
        one_by_one = [
            asyncio.create_task(self._in_turn(agent, line, callers)) for line in self.lines if line.one_by_one
        ]
        loop, tasks = asyncio.get_running_loop(), list[asyncio.Task[Brought]]()
        began_at = loop.time()
        for place, called in enumerate(whom):
            await asyncio.sleep(max(0.0, began_at + place / self.calls_per_second - loop.time()))
            if place == len(whom) // 2:
                half_way.set()
            did = self.person_did(random.randrange(self.people)) if called is None else self._did_of(called)
            tasks.append(asyncio.create_task(_call(agent, called, did, next(callers))))
        in_turn = await asyncio.gather(*one_by_one)
        return [*await asyncio.gather(*tasks), *(call for calls in in_turn for call in calls)]

    async def _in_turn(self, agent: CallerAgent, line: Line, callers: Iterator[str]) -> list[Brought]:
        return [
            await _call(agent, line, self._did_of(line), next(callers), hold_seconds=0.0) for _ in range(line.calls)
        ]

    def _did_of(self, line: Line) -> str:
        return self.line_did(self.lines.index(line))

    def _callers(self) -> Iterator[str]:
        return iter([f"+441632{960000 + number:06}" for number in range(self.calls)])


async def _call(
    agent: CallerAgent, line: Line | None, did: str, caller: str, hold_seconds: float = HOLD_SECONDS
) -> Brought:
    result = await agent.call(did, from_=caller, hold_seconds=hold_seconds, give_up_seconds=PATIENCE_SECONDS)
    return Brought(line.name if line is not None else "", caller, result)


def _mobile(number: int) -> str:
    """One of the thousand private numbers that every run is searched for."""
    assert number < 1000
    return f"+447700900{number:03}"
