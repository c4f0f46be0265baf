"""Hours of the long simulation: chapters of a hundred hours, each from a seed of its own, alike in every run."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from zoneinfo import ZoneInfo

from ringfence.domain.outage import Mode
from ringfence.domain.schedule import LAN, WAN
from ringfence.domain.verdict import WitnessPolicy
from tests.simulation import endless
from tests.simulation.fault_names import PEOPLE, SUMMER, TIMES
from tests.simulation.long_faults import Faults
from tests.simulation.long_rules import Broken, Rules
from tests.simulation.long_world import POLICY, SCOPE, LongWorld
from tests.simulation.roster_history import History
from tests.simulation.roster_world import ZONES
from tests.simulation.world import Qualify

BEGAN = datetime(2026, 3, 27, 9, tzinfo=UTC)
"""Summer time begins in the first chapter."""
CHAPTER_HOURS = 100
MEAN_GAP_SECONDS = 3_600.0
STAFF = 20
ROSTER_HOURS = 8
LONGEST_SKIP_SECONDS = 6 * 3600.0
SHORTEST_SKIP_SECONDS = 5.0
QUIET_SECONDS = 1_200.0
"""After the last fault, until everything has to be NORMAL and stored."""


@dataclass(slots=True)
class Chapter:
    """What became of one. `broken` names the rule that did not hold, with the moment."""

    seed: str
    hours: float
    lines: list[str]
    faults: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    events: int = 0
    broken: str = ""

    @property
    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode()).hexdigest()


def play(seed: int, number: int, hours: float = CHAPTER_HOURS, witness_policy: WitnessPolicy | None = None) -> Chapter:
    """One chapter. Another `witness_policy` than the daemon's own breaks what the rules ask for."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # of thousands of outages nobody reads in the log
    try:
        return _Story(f"{seed}/{number}", number, hours, witness_policy or WitnessPolicy()).told()
    finally:
        logging.disable(before)


class _Story:
    def __init__(self, seed: str, number: int, hours: float, witness_policy: WitnessPolicy) -> None:
        self._random = Random(seed)
        began = BEGAN + timedelta(hours=number * CHAPTER_HOURS)
        lan = number % 2 == 0
        qualify = Qualify(1.0, 0.5) if lan else Qualify(5.0, 3.0)
        self._world = LongWorld(self._random, LAN if lan else WAN, qualify, began, witness_policy)
        self._rules = Rules(self._world)
        self._world.called, self._world.recalled = self._rules.called, self._rules.recalled
        self._faults = Faults(self._random, self._world, self._rules, MEAN_GAP_SECONDS)
        self._history = History(self._random.randrange(1 << 30), STAFF, began=began)
        self._end = hours * 3600.0
        self._lead = self._world.cadence.interval_seconds * 4 + qualify.interval_seconds * 2
        self._awake_until = 0.0  # whatever has just begun may not have been noticed yet
        self.chapter = Chapter(seed, hours, self._rules.lines)

    def told(self) -> Chapter:
        """The whole of it, or as far as the first rule that is broken."""
        try:
            endless.run(self._tell())
        except AssertionError as fault:
            self.chapter.broken = f"{self._world.clock.seconds:.3f} s: {fault}"
            self._rules.note(f"BROKEN {fault}")
        self.chapter.faults = self._faults.happened
        self.chapter.transitions = self._rules.transitions
        return self.chapter

    async def _tell(self) -> None:
        world = self._world
        await world.boot()
        self._rules.booted()
        self._history.load()
        self._people_later()
        while world.clock.seconds < self._end:
            await self._on(self._faults.next_at)
            await self._faults.happen()
            self._awake_until = world.clock.seconds + self._lead * 3
            if world.alive:
                self._rules.look()
        await self._faults.end_everything()
        self._awake_until = world.clock.seconds + self._lead * 3
        await self._on(world.clock.seconds + QUIET_SECONDS + 3_700.0 * 2)
        self._rules.end()
        if world.mode is not Mode.NORMAL:
            raise Broken(f"everything has been well for long, and the mode is {world.mode}")

    async def _on(self, until: float) -> None:
        """Plays everything up to that second; calm is skipped."""
        world, lead = self._world, self._lead
        while world.alive and world.next_at <= until:
            await world.step()
            self.chapter.events += 1
            self._rules.look()
            room = min(until, self._timer()) - world.clock.seconds - lead * (1 + self._random.random())
            room = min(room, LONGEST_SKIP_SECONDS)
            if room > SHORTEST_SKIP_SECONDS and world.clock.seconds > self._awake_until and world.would_rest(room):
                world.skip(room)
        world.clock.seconds = max(world.clock.seconds, until)

    def _timer(self) -> float:
        """The next moment at which time alone changes something."""
        world, now = self._world, self._world.clock.now()
        state = world.failover.states[SCOPE]
        ends = [(word.until - now.wall).total_seconds() for word in world.failover.overrides.values() if word.until]
        if state.mode is Mode.HOLD_DOWN:
            ends.append(state.hold_down_seconds(POLICY) - now.since(state.since))
        return world.clock.seconds + min((max(end, 0.0) for end in ends), default=float("inf"))

    def _people_later(self) -> None:
        """Joiners, movers, leavers, and the moments at which time alone makes somebody leave."""
        moment, history = self._world.clock.began + timedelta(seconds=self._world.clock.seconds), self._history
        wait = self._random.uniform(0.2, 2) * ROSTER_HOURS * 3600.0
        if history.next_change_at is not None:
            wait = min(wait, max(0.0, (history.next_change_at - moment).total_seconds()))
        self._faults.later(wait, self._people)

    async def _people(self) -> None:
        """By the clock that nobody sets: of two times for one moment the roster's own rules are shown elsewhere."""
        history, before = self._history, self._history.now
        history.now = self._world.clock.began + timedelta(seconds=self._world.clock.seconds)
        due = history.next_change_at is not None and history.next_change_at <= history.now
        self._faults.happened[TIMES] += due
        self._faults.happened[SUMMER] += _offsets(before) != _offsets(history.now)
        if due:
            history.look()
        else:
            history.something()
            self._faults.happened[PEOPLE] += 1
        if self._random.random() < 0.1:
            history.restart()
        ringing = sum(len(numbers) for numbers in history.rung.values())
        self._rules.note(f"people: {len(history.oracle.out)} have left, {ringing} numbers ring")
        self._people_later()


def _offsets(moment: datetime) -> tuple[object, ...]:
    return tuple(moment.astimezone(ZoneInfo(zone)).utcoffset() for zone in ZONES.values())
