"""Runs each probe on its schedule and hands its answer to the one writer.

An observation taken while our own event loop was late is discarded: our stall is not their outage.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ringfence.app.ports import Clock, Probe
from ringfence.domain.health import Observation
from ringfence.domain.moment import Moment
from ringfence.domain.schedule import Cadence, next_delay_seconds

log = logging.getLogger(__name__)

LATE_SECONDS = 0.1
TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One probe and how often it runs."""

    probe: Probe
    cadence: Cadence


class LoopLateness:
    """Measures how late this event loop runs, so that a stall can be told from an outage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_late_at: Moment | None = None
        self._expected: Moment | None = None

    async def run(self) -> None:
        while True:
            self._expected = self._clock.now().plus(TICK_SECONDS)
            await self._clock.sleep(TICK_SECONDS)
            self._check()

    def late_since(self, moment: Moment) -> bool:
        """Whether the loop was more than 100 ms late at any time since `moment`, or is at this very moment."""
        self._check()
        return self._last_late_at is not None and self._last_late_at.monotonic >= moment.monotonic

    def _check(self) -> None:
        # A probe's timer may fire before our own tick after a stall, so the question itself looks, too.
        now = self._clock.now()
        if self._expected is not None and now.since(self._expected) > LATE_SECONDS:
            self._last_late_at = now


class Monitor:
    """All probes, each in a task of its own."""

    def __init__(
        self,
        scheduled: list[Scheduled],
        clock: Clock,
        lateness: LoopLateness,
        emit: Callable[[Observation], None],
        undecided: Callable[[Probe], bool],
        random: Random,
    ) -> None:
        self._scheduled = scheduled
        self._clock = clock
        self._lateness = lateness
        self._emit = emit
        self._undecided = undecided
        self._random = random
        self._hurry = asyncio.Event()
        self._discarded: dict[Probe, int] = {}
        self.late_count = 0

    def hurry(self) -> None:
        """Something became undecided: whoever waits out a calm interval asks again now if that could help."""
        self._hurry.set()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for entry in self._scheduled:
                group.create_task(self._watch(entry), name=f"probe {entry.probe.target} {entry.probe.kind}")

    async def _watch(self, entry: Scheduled) -> None:
        # The first round is spread over one interval, so that a restart is no burst.
        await self._clock.sleep(entry.cadence.interval_seconds * self._random.random())
        while True:
            await self.probe_once(entry)
            await self._pause(entry)

    async def _pause(self, entry: Scheduled) -> None:
        undecided = self._undecided(entry.probe)
        hurry, delay = self._hurry, next_delay_seconds(entry.cadence, undecided, self._random.random())
        if undecided:
            await self._clock.sleep(delay)
            return
        nap = asyncio.ensure_future(self._clock.sleep(delay))
        call = asyncio.ensure_future(hurry.wait())
        try:
            await asyncio.wait({nap, call}, return_when=asyncio.FIRST_COMPLETED)
            if call.done() and not self._undecided(entry.probe):
                await nap
        finally:
            nap.cancel()
            call.cancel()

    async def probe_once(self, entry: Scheduled) -> None:
        """One question, and its answer handed on unless it is a miss we may have caused ourselves."""
        probe, began = entry.probe, self._clock.now()
        passed, detail = await probe.probe(entry.cadence.timeout_seconds)
        # A pass is believed however late we were: an answer that arrived is an answer.
        # A stall costs each probe one miss at most. A loop that is late all the time must not make us blind for ever.
        spared = self._discarded.get(probe, 0)
        if passed is not True and spared < entry.cadence.fall and self._lateness.late_since(began):
            self._discarded[probe] = spared + 1
            self.late_count += 1
            return
        self._discarded.pop(probe, None)
        self._emit(Observation(probe.target, probe.kind, passed, self._clock.now(), detail))
