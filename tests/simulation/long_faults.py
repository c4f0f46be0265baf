"""What happens in the long simulation, drawn at random: faults with a beginning and an end, people's words, clocks."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from random import Random

from ringfence.app.orders import OrderFailback, ReleaseOverride, SetOverride
from ringfence.app.ports import AsteriskUnavailable, StoreUnavailable
from ringfence.domain.outage import Mode
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from tests.simulation.fault_names import WEIGHTS
from tests.simulation.long_rules import ASTDB_SECONDS, Rules
from tests.simulation.long_world import SCOPE, LongWorld
from tests.simulation.world import CONTROL, PLATFORM, TRUNK_A, TRUNK_B

Act = Callable[[], Awaitable[None]]
LENGTHS_SECONDS = (2.0, 8.0, 30.0, 30.0, 120.0, 600.0, 3_600.0)
TARGETS_OF = {
    "scope": OverrideTarget(scope=SCOPE),
    "everything": OverrideTarget(),
    "did": OverrideTarget(did="+441134960001"),
}


class Faults:
    """A calendar of what will happen. `next_at` is when something does."""

    def __init__(self, random: Random, world: LongWorld, rules: Rules, mean_gap_seconds: float) -> None:
        self._random, self._world, self._rules, self._gap = random, world, rules, mean_gap_seconds
        self._calendar: list[tuple[float, int, Act]] = []
        self._number, self._words = count(), count(1)
        self.happened: Counter[str] = Counter()
        self._kinds: dict[str, Callable[[float], Awaitable[bool | None]]] = {
            "platform dead": self._platform_dead,
            "platform refusing": self._refusing,
            "platform flapping": self._flapping,
            "platform slow": self._slow,
            "packets lost": self._loss,
            "a trunk dead": self._trunk_dead,
            "all carriers dead": self._carriers_dead,
            "node cut off": self._cut_off,
            "daemon stopped and continued": self._stopped,
            "daemon restarted": self._restarted,
            "daemon restarted with lost memory": self._restarted_forgetting,
            "daemon off for a while": self._off,
            "database gone": self._database_gone,
            "database slow": self._database_slow,
            "daemon restarted without its database": self._restarted_without_database,
            "Asterisk restarted": self._asterisk_restarted,
            "AstDB changed behind our back": self._astdb_changed,
            "an override": self._override,
            "an override ended by a person": self._release,
            "a failback ordered": self._failback,
            "clock stepped forward": self._clock_forward,
            "clock stepped back": self._clock_back,
        }
        assert self._kinds.keys() == WEIGHTS.keys()
        self.later(self._until_next(), self._something)

    @property
    def next_at(self) -> float:
        return self._calendar[0][0]

    def later(self, seconds: float, act: Act) -> None:
        at = self._world.clock.seconds + seconds
        heapq.heappush(self._calendar, (at, next(self._number), act))

    async def happen(self) -> None:
        """What is due now."""
        at, _, act = heapq.heappop(self._calendar)
        self._world.clock.seconds = max(self._world.clock.seconds, at)
        await act()

    async def end_everything(self) -> None:
        """No fault is left; nothing new begins."""
        self._calendar.clear()
        world = self._world
        world.network.silent.clear()
        world.network.cut_off = world.network.slow = world.refusing = world.outages.hangs = False
        world.network.loss, world.outages.fault, world.astdb.fault, world.clock.impatient = 0.0, None, None, False
        world.traffic_until = 0.0
        if not world.alive:
            await self._boot()

    def _until_next(self) -> float:
        # Now and then in the middle of the last one.
        return self._random.expovariate(1 / self._gap) if self._random.random() < 0.8 else self._random.random() * 60

    async def _something(self) -> None:
        self.later(self._until_next(), self._something)
        name = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        length = self._random.choice(LENGTHS_SECONDS) * (0.5 + self._random.random())
        if self._random.random() < 0.5:
            self._world.traffic_until = self._world.clock.seconds + min(length, 60.0) + 20.0
        if await self._kinds[name](length) is False:
            return  # there was nobody to say anything to
        self.happened[name] += 1
        self._rules.note(f"{name}, {length:.1f} s")

    async def _platform_dead(self, seconds: float) -> None:
        self._world.network.silent.add(PLATFORM)
        self.later(seconds, self._platform_back)

    async def _platform_back(self) -> None:
        self._world.network.silent.discard(PLATFORM)
        self._rules.note("the platform answers")
        if self._random.random() < 0.2:
            self.later(self._random.uniform(5, 60), self._impatient)

    async def _impatient(self) -> None:
        self.happened["a failback ordered"] += bool(await self._failback(0))

    async def _refusing(self, seconds: float) -> None:
        self._world.refusing = True
        self._world.traffic_until = self._world.clock.seconds + seconds + 30.0

        async def end() -> None:
            self._world.refusing = False

        self.later(min(seconds, 300.0), end)

    async def _flapping(self, seconds: float) -> None:
        each, left = self._random.uniform(1.0, 20.0), int(self._random.uniform(2, 8))

        async def turn(down: bool, left: int) -> None:
            (self._world.network.silent.add if down else self._world.network.silent.discard)(PLATFORM)
            if left > 0 or down:
                self.later(each, lambda: turn(not down, left - 1))

        await turn(True, left)

    async def _slow(self, seconds: float) -> None:
        self._world.network.slow = True

        async def end() -> None:
            self._world.network.slow = False

        self.later(min(seconds, 120.0), end)

    async def _loss(self, seconds: float) -> None:
        # What a LAN and a WAN may lose without anybody being called dead.
        self._world.network.loss = 0.02 if self._world.cadence.interval_seconds < 1 else 0.1

        async def end() -> None:
            self._world.network.loss = 0.0

        self.later(min(seconds, 120.0), end)

    async def _trunk_dead(self, seconds: float) -> None:
        await self._dead([self._random.choice((TRUNK_A, TRUNK_B, CONTROL))], seconds)

    async def _carriers_dead(self, seconds: float) -> None:
        await self._dead([TRUNK_A, TRUNK_B, *([CONTROL] if self._random.random() < 0.5 else [])], seconds)

    async def _dead(self, targets: list[object], seconds: float) -> None:
        self._world.network.silent.update(targets)  # type: ignore[arg-type]

        async def end() -> None:
            self._world.network.silent.difference_update(targets)  # type: ignore[arg-type]

        self.later(seconds, end)

    async def _cut_off(self, seconds: float) -> None:
        self._world.network.cut_off = True

        async def end() -> None:
            self._world.network.cut_off = False
            self._rules.note("the node is connected again")

        self.later(seconds, end)

    async def _stopped(self, seconds: float) -> bool:
        if self._world.alive:
            self._world.stop(min(seconds, 60.0))
            self._rules.truth.held_back_until = self._world.clock.seconds + min(seconds, 60.0)
        return self._world.alive

    async def _restarted(self, seconds: float) -> None:
        self._world.die()
        self.later(1.0 + self._random.random(), self._boot)

    async def _restarted_forgetting(self, seconds: float) -> None:
        self._world.memories.passed.clear()
        await self._restarted(seconds)

    async def _off(self, seconds: float) -> None:
        self._world.die()
        self.later(seconds, self._boot)

    async def _boot(self) -> None:
        if self._world.alive:
            return
        if not self._world.can_boot:
            self.later(5.0, self._boot)
            return
        await self._world.boot()
        self._rules.booted()
        self._rules.note("the daemon is up")

    async def _database_gone(self, seconds: float) -> None:
        self._world.outages.fault = self._world.memories.fault = StoreUnavailable("The database is away.")

        async def end() -> None:
            self._world.outages.fault = self._world.memories.fault = None

        self.later(seconds, end)

    async def _database_slow(self, seconds: float) -> None:
        self._world.outages.hangs = self._world.clock.impatient = True

        async def end() -> None:
            self._world.outages.hangs = self._world.clock.impatient = False

        self.later(min(seconds, 300.0), end)

    async def _restarted_without_database(self, seconds: float) -> None:
        await self._database_gone(seconds + 10.0)
        await self._restarted(seconds)

    async def _asterisk_restarted(self, seconds: float) -> None:
        world = self._world
        world.astdb.fault = AsteriskUnavailable("Asterisk is away.")

        async def end() -> None:
            world.astdb.fault = None
            if world.alive:
                world.publisher.again()
                await world.settle()

        self.later(min(seconds, 60.0), end)

    async def _astdb_changed(self, seconds: float) -> None:
        self._world.astdb.rows.clear()
        runs_at = max([self._world.clock.seconds, *(end for _, end in self._world.stopped)])
        self._rules.truth.astdb_doubtful_until = runs_at + ASTDB_SECONDS

    async def _override(self, seconds: float) -> bool:
        world = self._world
        if not world.alive or not world.words_read:
            return False
        name = self._random.choice(("scope", "scope", "everything", "did"))
        kinds = (OverrideKind.DR, OverrideKind.NORMAL, *(() if name == "did" else (OverrideKind.FREEZE,)))
        kind, now = self._random.choice(kinds), world.clock.now().wall
        until = now + timedelta(seconds=round(seconds) + 5)
        word = Override(TARGETS_OF[name], kind, "ada", "a drill", now, until, id=f"w{next(self._words)}")
        await world.failover.take(SetOverride(word))
        await world.settle()
        self._rules.truth.words[name] = word
        self._rules.note(f"ada: {name} {kind} until {until:%Y-%m-%d %H:%M:%S}")
        return True

    async def _release(self, seconds: float) -> bool:
        words = self._rules.truth.words
        if not self._world.alive or not words or not self._world.words_read:
            return False
        name = self._random.choice(sorted(words))
        await self._world.failover.take(ReleaseOverride(TARGETS_OF[name], "bob", "enough"))
        await self._world.settle()
        words.pop(name, None)
        self._rules.note(f"bob releases {name}")
        return True

    async def _failback(self, seconds: float) -> bool:
        """By somebody who looks at the page: only where there is something to go back from."""
        if not self._world.alive or self._world.mode not in (Mode.HOLD_DOWN, Mode.TRIAL):
            return False
        await self._world.failover.take(OrderFailback(SCOPE, "ada", "it is well again"))
        await self._world.settle()
        return True

    async def _clock_forward(self, seconds: float) -> None:
        await self._step(self._random.uniform(1, 7_200))

    async def _clock_back(self, seconds: float) -> None:
        await self._step(-self._random.uniform(1, 7_200))

    async def _step(self, seconds: float) -> None:
        self._world.clock.stepped += timedelta(seconds=round(seconds))
        self._rules.truth.stepped_at = self._world.clock.seconds
        self._rules.truth.astdb_doubtful_until = self._world.clock.seconds + 1.0
