"""A discrete-event world around the real `Failover`: targets that answer or do not, a lossy network, a clock.

Nothing here decides anything; it asks like the monitor does (same cadence, same lateness rule) and hands the answers to
the same object that the daemon runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

from ringfence.app.failover import Failover, Hooks
from ringfence.app.judge import Judge, Watched
from ringfence.app.ledger import Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import CarrierCalled, OutageChange
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, OutagePolicy
from ringfence.domain.outcomes import CallOutcome, OutcomeClass, OutcomePolicy
from ringfence.domain.schedule import Cadence, next_delay_seconds
from ringfence.domain.verdict import WitnessPolicy
from tests.unit.moments import START

PLATFORM = TargetId(TargetRole.PLATFORM, "uc")
TRUNK_A = TargetId(TargetRole.TRUNK, "a")
TRUNK_B = TargetId(TargetRole.TRUNK, "b")
CONTROL = TargetId(TargetRole.CONTROL, "gateway")
DIDS = tuple(f"+4411349600{n:02}" for n in range(50))


class SimClock:
    """The world's time. Nobody sleeps in it: the heap moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Moment:
        return START.plus(self.seconds)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing in a simulation may sleep")


class RememberingStore:
    """Takes every commit."""

    def __init__(self) -> None:
        self.changes: list[OutageChange] = []

    async def commit(self, change: OutageChange) -> None:
        self.changes.append(change)


@dataclass
class Network:
    """What stands between us and the targets. Times are in seconds since the start."""

    loss: float = 0.0
    burst_every_seconds: float = 0.0
    burst_seconds: float = 0.0
    down: dict[TargetId, list[tuple[float, float]]] = field(default_factory=dict)
    cut_off: list[tuple[float, float]] = field(default_factory=list)

    def answers(self, target: TargetId, at: float, random: Random) -> bool:
        if any(start <= at < end for start, end in (*self.down.get(target, ()), *self.cut_off)):
            return False
        if self.burst_every_seconds and at % self.burst_every_seconds < self.burst_seconds:
            return False
        return random.random() >= self.loss


@dataclass(frozen=True)
class Qualify:
    """Asterisk's own OPTIONS: one miss flips it."""

    interval_seconds: float
    timeout_seconds: float


class World:
    """One node, one platform, two trunks, one control target."""

    def __init__(
        self,
        seed: int,
        cadence: Cadence,
        qualify: Qualify,
        network: Network,
        policy: OutagePolicy | None = None,
        hosts: dict[TargetId, str] | None = None,
    ) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.cadence, self.qualify, self.network = cadence, qualify, network
        self.clock = SimClock()
        self.store = RememberingStore()
        self.stopped: list[tuple[float, float]] = []
        kinds = (EvidenceKind.CONTACT_STATUS, EvidenceKind.SIP_OPTIONS)
        watched = [Watched(t, kinds, cadence.limits) for t in (PLATFORM, TRUNK_A, TRUNK_B)]
        watched[1] = Watched(TRUNK_A, (*kinds, EvidenceKind.CALL_OUTCOMES), cadence.limits)
        watched.append(Watched(CONTROL, (EvidenceKind.SIP_OPTIONS,), cadence.limits))
        delivered = dict.fromkeys(DIDS, START.wall)
        self.judge = Judge(
            watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda did: did in DIDS, None, delivered, hosts
        )
        self.failover = Failover(
            {"uc": policy or OutagePolicy()},
            self.judge,
            Ledger(self.store, _NoSpool(), self.clock),  # type: ignore[arg-type]
            ModePublisher(_NoAstDb(), self.clock),  # type: ignore[arg-type]
            self.clock,
            Hooks(lambda *_: None, lambda _: None, lambda: None, self._hurry),
        )
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._due: dict[TargetId, float] = {}
        for watch in watched:
            self._probe_at(watch.target, self.random.random() * cadence.interval_seconds)
            if EvidenceKind.CONTACT_STATUS in watch.kinds:
                self.at(self.random.random() * qualify.interval_seconds, partial(self._qualify, watch.target))
        self.at(0.25, self._tick)

    @property
    def mode(self) -> Mode:
        return self.failover.states["uc"].mode

    @property
    def failovers(self) -> int:
        return sum(1 for c in self.store.changes if c.transition and c.transition.after is Mode.FAILED_OVER)

    def failed_over_at(self) -> float:
        """Seconds from the start to the first failover."""
        first = next(c.transition for c in self.store.changes if c.transition)
        return first.at.since(START)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (seconds, next(self._order), action))

    def calls(self, seconds: Iterable[float], outcome: OutcomeClass, status: int | None = None) -> None:
        """One call each at these times, to our DIDs in turn, from different callers."""
        for number, second in enumerate(seconds):
            did, caller = DIDS[number % len(DIDS)], f"+44207946{number % 10_000:04}"
            self.call(second, did, caller, outcome, status)

    def call(self, second: float, did: str, caller: str, outcome: OutcomeClass, status: int | None) -> None:
        self.at(second, lambda: CallOutcome("uc", did, caller, outcome, status, self.clock.now()))

    async def run(self, until: float) -> None:
        """Plays everything up to that second."""
        while self._heap and self._heap[0][0] <= until:
            due, _, action = heapq.heappop(self._heap)
            self.clock.seconds = max(self.clock.seconds, due)
            item = action()
            if isinstance(item, (Observation, CallOutcome, CarrierCalled)) or item is None:
                await self.failover.take(item)
        self.clock.seconds = until

    def _tick(self) -> None:
        self.at(self.clock.seconds + 0.25, self._tick)

    def _hurry(self) -> None:
        """As Monitor.hurry: whoever waits out a calm interval and is undecided now asks again at once."""
        for target, due in self._due.items():
            if due > self.clock.seconds + self.cadence.fast_interval_seconds and self.judge.undecided(target):
                self._probe_at(target, self.clock.seconds)

    def _probe_at(self, target: TargetId, second: float) -> None:
        self._due[target] = second
        self.at(second, lambda: self._ask(target, second))

    def _ask(self, target: TargetId, second: float) -> object:
        if self._due[target] != second:
            return ()  # another, earlier probe took this one's place
        begun = self.clock.seconds
        passed = self.network.answers(target, begun, self.random)
        self._due[target] = float("inf")
        self.at(
            begun + (0.005 if passed else self.cadence.timeout_seconds), lambda: self._answer(target, begun, passed)
        )
        return ()

    def _answer(self, target: TargetId, begun: float, passed: bool) -> object:
        # The monitor's lateness rule: a miss is dropped if we were stopped at any time since the question.
        late = any(start < self.clock.seconds and end > begun for start, end in self.stopped)
        if late and self.clock.seconds < max(end for _, end in self.stopped):
            resumed = max(end for start, end in self.stopped if start < self.clock.seconds)
            self.at(resumed, lambda: self._answer(target, begun, passed))
            return ()
        observation = Observation(target, EvidenceKind.SIP_OPTIONS, passed, self.clock.now(), "simulated")
        self.at(self.clock.seconds, lambda: self._next(target))
        return () if late and not passed else observation

    def _next(self, target: TargetId) -> object:
        delay = next_delay_seconds(self.cadence, self.judge.undecided(target), self.random.random())
        self._probe_at(target, self.clock.seconds + delay)
        return ()

    def _qualify(self, target: TargetId) -> object:
        begun = self.clock.seconds
        passed = self.network.answers(target, begun, self.random)
        wait = 0.005 if passed else self.qualify.timeout_seconds
        self.at(begun + self.qualify.interval_seconds, lambda: self._qualify(target))
        self.at(
            begun + wait,
            lambda: Observation(target, EvidenceKind.CONTACT_STATUS, passed, self.clock.now(), "simulated"),
        )
        return ()


class _NoSpool:
    async def append(self, change: OutageChange) -> None:
        raise AssertionError("the store always answers here")


class _NoAstDb:
    pass
