"""The world of `world.py` with everything that may happen to a daemon in a year: it restarts, its database and its
Asterisk go away, its clock is set, people speak and their words end.

Judge, loop, ledger, mode publisher, recovery and memory are the daemon's own. What stands around them is fake and has
no chance of its own: all chance comes from the seed. Calm is skipped where nothing would change in it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from ringfence.app.failover import Failover, Hooks
from ringfence.app.judge import Judge, Watched
from ringfence.app.ledger import Ledger
from ringfence.app.memory import Memory
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.orders import AdoptStored
from ringfence.app.ports import AsteriskError, CarrierCalled, OutageChange
from ringfence.app.recovery import recover
from ringfence.domain.health import EvidenceKind, Observation, TargetId
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, OutagePolicy, ScopeState
from ringfence.domain.outcomes import CallOutcome, OutcomeClass, OutcomePolicy
from ringfence.domain.schedule import Cadence
from ringfence.domain.verdict import WitnessPolicy
from tests.fakes.astdb import FakeAstDb
from tests.fakes.stores import FakeMemoryStore, FakeOutageStore, FakeSpool
from tests.simulation.world import CONTROL, DIDS, PLATFORM, TRUNK_A, TRUNK_B, Qualify, World

SCOPE = "uc"
TARGETS = (PLATFORM, TRUNK_A, TRUNK_B, CONTROL)
TICK_SECONDS, VERIFY_SECONDS, SAVE_SECONDS = 0.25, 3.0, 10.0
SETTLED_TURNS = 4
POLICY = OutagePolicy(hold_down_seconds=60.0, max_hold_down_seconds=480.0, trial_one_in=2, trial_calls=3)
OUTCOMES = OutcomePolicy()


class WallClock:
    """The monotonic clock is the world's; the wall clock may be set. No sleep ends, unless `impatient`: then every
    deadline passes at once."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.seconds = 0.0
        self.stepped = timedelta()
        self.impatient = False

    def now(self) -> Moment:
        return Moment(self.began + timedelta(seconds=self.seconds) + self.stepped, 1_000.0 + self.seconds)

    async def sleep(self, seconds: float) -> None:
        if not self.impatient:
            await asyncio.get_running_loop().create_future()


class SlowStore(FakeOutageStore):
    """May be so slow that nothing comes of it before the deadline."""

    hangs = False

    async def commit(self, change: OutageChange) -> None:
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        await super().commit(change)

    @property
    def away(self) -> bool:
        return self.hangs or self.fault is not None


@dataclass
class LongNetwork:
    """What stands between us and the targets now."""

    silent: set[TargetId] = field(default_factory=set)
    slow: bool = False
    cut_off: bool = False
    loss: float = 0.0

    def answers(self, target: TargetId, at: float, random: Random) -> bool:
        return not self.cut_off and target not in self.silent and random.random() >= self.loss


class LongWorld(World):
    """`World` with a daemon that can be begun anew. While it is not `alive`, nobody decides."""

    def __init__(
        self, random: Random, cadence: Cadence, qualify: Qualify, began: datetime, witness_policy: WitnessPolicy
    ) -> None:
        self.random, self.cadence, self.qualify, self._witness_policy = random, cadence, qualify, witness_policy
        self.network = LongNetwork()  # type: ignore[assignment]
        self.clock = WallClock(began)  # type: ignore[assignment]
        self.outages, self.spool, self.memories, self.astdb = SlowStore(), FakeSpool(), FakeMemoryStore(), FakeAstDb()
        self.memories.delivered = dict.fromkeys(DIDS, began)
        self.refusing = False
        self.traffic_until = 0.0
        self.called: Callable[[str, str, OutcomeClass | None], None] = lambda did, caller, outcome: None
        self.recalled: Callable[[ScopeState], None] = lambda state: None
        self.stopped = []
        self.alive, self.words_read = False, True
        self.booted_at = self._saved_at = self._verified_at = 0.0
        self._heap, self._due, self._order = [], {}, count()

    async def boot(self) -> None:
        """A new process: what it knows is what is stored, and what Asterisk holds."""
        kinds, limits = (EvidenceKind.CONTACT_STATUS, EvidenceKind.SIP_OPTIONS), self.cadence.limits
        watched = [Watched(target, kinds, limits) for target in (PLATFORM, TRUNK_A, TRUNK_B)]
        watched.append(Watched(CONTROL, (EvidenceKind.SIP_OPTIONS,), limits))
        self.judge = Judge(watched, {SCOPE: OUTCOMES}, self._witness_policy, lambda did: did in DIDS)
        self.ledger = Ledger(self.outages, self.spool, self.clock)
        self.publisher = ModePublisher(self.astdb, self.clock)
        hooks = Hooks(lambda *_: None, lambda _: None, lambda: None, self._hurry)
        self.failover = Failover({SCOPE: POLICY}, self.judge, self.ledger, self.publisher, self.clock, hooks)
        self.memory = Memory(self.memories, self.judge, self.clock, {target: str(target) for target in TARGETS})
        await self.ledger.recover()
        found = await recover(self.outages, self.astdb, [SCOPE], self.clock, self.ledger.waiting())
        self.words_read = found.read
        await self.memory.recall()
        self.failover.restore(found.states, found.overrides)
        self.alive, self.booted_at = True, self.clock.seconds
        self.failover._publish(SCOPE, self.clock.now())  # what `run` begins with
        self._begin_asking(watched)
        await self.settle()

    def _begin_asking(self, watched: list[Watched]) -> None:
        self._heap, self._due = [], {}
        now, random = self.clock.seconds, self.random
        for watch in watched:
            self._probe_at(watch.target, now + random.random() * self.cadence.interval_seconds)
            if EvidenceKind.CONTACT_STATUS in watch.kinds:
                self.at(now + random.random() * self.qualify.interval_seconds, lambda t=watch.target: self._qualify(t))
        self.at(now + TICK_SECONDS, self._tick)
        self.at(now + random.random(), self._traffic)

    @property
    def can_boot(self) -> bool:
        """Whether the database or Asterisk tells what is in force; until then a start waits."""
        return self.astdb.fault is None or (self.outages.fault is None and SCOPE in self.outages.states)

    def die(self) -> None:
        """Everything that is only in memory is gone."""
        self.alive = False
        self._heap, self.stopped = [], []

    def stop(self, seconds: float) -> None:
        """The process is stopped, and continued: what would have happened meanwhile is done then."""
        end = self.clock.seconds + seconds
        self.stopped = [(self.clock.seconds, end)]
        self._heap = [(max(at, end), number, action) for at, number, action in sorted(self._heap, key=_in_order)]

    async def settle(self) -> None:
        """What was set in motion is done: the spool, the publisher's puts."""
        for _ in range(SETTLED_TURNS):
            await asyncio.sleep(0)
        await self._put()

    async def step(self) -> None:
        """Plays the next event."""
        due, _, action = heapq.heappop(self._heap)
        self.clock.seconds = max(self.clock.seconds, due)
        before = self.ledger.unstored, len(self.outages.changes)
        for item in _items(action()):
            if item is None:
                await self._keep_up()
            await self.failover.take(item)
        if before != (self.ledger.unstored, len(self.outages.changes)):
            await self.settle()
        elif self.publisher._dirty:
            await self._put()

    @property
    def next_at(self) -> float:
        return self._heap[0][0] if self._heap else float("inf")

    def skip(self, seconds: float) -> None:
        """Everything that comes again and again comes so much later."""
        self.clock.seconds += seconds
        self._heap = [(at + seconds, number, action) for at, number, action in self._heap]
        for target, due in self._due.items():
            if due != float("inf"):
                self._probe_at(target, due + seconds)  # the one that was due then knows that it no longer is
        self.stopped = []

    def would_rest(self, seconds: float) -> bool:
        """Whether nothing changes for so long unless something happens: nobody is undecided, nothing waits, and every
        verdict is the same then."""
        if self.publisher._dirty or self.ledger.unstored or not self.words_read or self.failover._queue.qsize():
            return False
        if self.clock.seconds < self.traffic_until or self.mode is Mode.TRIAL:
            return False
        now, then = self.clock.now(), self.clock.now().plus(seconds)
        for target in TARGETS:
            first, later = self.judge.verdict(target, now), self.judge.verdict(target, then)
            if self.judge.undecided(target) or (first.state, first.reason) != (later.state, later.reason):
                return False
        went_on = max([self.booted_at, *(end for _, end in self.stopped)])  # and nobody may have been asked since
        return self.clock.seconds - went_on > self.qualify.interval_seconds + self.cadence.interval_seconds * 2

    def published(self) -> list[str]:
        """What a call sees: the fields of the mode key."""
        return self.astdb.rows.get(f"mode/{SCOPE}", "").split("|")

    async def _keep_up(self) -> None:
        """What runs beside the loop, at its ticks."""
        seconds = self.clock.seconds
        if self.ledger.unstored and not self.outages.away:
            await self.ledger._drain()
        if not self.words_read and self.outages.fault is None:
            self.words_read = True
            words, states = await self.outages.load_overrides(), await self.outages.load_states(self.clock.now())
            before = self.failover.states[SCOPE]
            await self.failover.take(AdoptStored(tuple(words), states=states))
            if self.failover.states[SCOPE] is not before:
                self.recalled(self.failover.states[SCOPE])
        if seconds - self._saved_at >= SAVE_SECONDS and await self.memory.recall():
            self._saved_at = seconds
            await self.memory._save()
        if seconds - self._verified_at >= VERIFY_SECONDS:
            self._verified_at = seconds
            self.publisher._wake.clear()  # nothing is left to be put
            await self.publisher._verify()

    async def _put(self) -> None:
        try:
            while self.publisher._dirty:
                await self.publisher._put(next(iter(self.publisher._dirty)))
        except AsteriskError:
            return  # asked again with the next event

    def _traffic(self) -> object:
        """An inbound call, if there is traffic; in a trial there always is."""
        self.at(self.clock.seconds + 0.1 + self.random.random() * 0.9, self._traffic)
        if self.clock.seconds >= self.traffic_until and self.mode is not Mode.TRIAL:
            return ()
        if self.network.cut_off or self.astdb.fault is not None or {TRUNK_A, TRUNK_B} <= self.network.silent:
            return ()
        did, caller = self.random.choice(DIDS), f"+4420794600{self.random.randrange(100):02}"
        found: list[object] = [CarrierCalled(self.clock.now())]
        decision = self.published()[1:2]
        if decision in (["normal"], ["pinned"]) or (decision == ["trial"] and self.random.random() < 0.5):
            outcome, status = self._platform_says()
            self.called(did, caller, outcome)
            found.append(CallOutcome(SCOPE, did, caller, outcome, status, self.clock.now()))
        return found

    def _platform_says(self) -> tuple[OutcomeClass, int | None]:
        if PLATFORM in self.network.silent:
            return OutcomeClass.FAILURE, None
        if self.refusing:
            return (OutcomeClass.UNDELIVERABLE, 480) if self.random.random() < 0.5 else (OutcomeClass.FAILURE, 503)
        return OutcomeClass.PUT_THROUGH, None

    def _ask(self, target: TargetId, second: float) -> object:
        if self._due.get(target) != second:
            return ()  # another, earlier probe took this one's place
        begun = self.clock.seconds
        passed = self.network.answers(target, begun, self.random)
        self._due[target] = float("inf")
        quick = self.cadence.timeout_seconds * 0.8 if self.network.slow else 0.005
        self.at(
            begun + (quick if passed else self.cadence.timeout_seconds), lambda: self._answer(target, begun, passed)
        )
        return ()

    def _qualify(self, target: TargetId) -> object:
        begun, qualify = self.clock.seconds, self.qualify
        self.at(begun + qualify.interval_seconds, lambda: self._qualify(target))
        if self.astdb.fault is not None:
            return ()  # Asterisk is away, and asks nobody
        passed = self.network.answers(target, begun, self.random)
        self.at(begun + (0.005 if passed else qualify.timeout_seconds), lambda: self._qualified(target, passed))
        return ()

    def _qualified(self, target: TargetId, passed: bool) -> object:
        return Observation(target, EvidenceKind.CONTACT_STATUS, passed, self.clock.now(), "simulated")


def _items(found: object) -> list[object]:
    if isinstance(found, list):
        return found
    return [] if found == () else [found]


def _in_order(event: tuple[float, int, Callable[[], object]]) -> tuple[float, int]:
    return event[:2]
