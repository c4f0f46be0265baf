"""Asterisk's own opinion of the qualified endpoints, read anew on every connect and at an interval.

Between two readings ARI tells changes by event; a change that fell into a gap of the event stream is found here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ringfence.app.ports import AsteriskError, Clock
from ringfence.asterisk.events import observation
from ringfence.domain.health import EvidenceKind, Observation, TargetId
from ringfence.domain.moment import Moment

INTERVAL_SECONDS: Final = 5.0
SOONER_SECONDS: Final = 1.0
"""While no event tells of a change, or nothing can be told."""
CLOCK_STEP_SECONDS: Final = 2.0


class EndpointStates(Protocol):
    """`AriClient`. May raise AsteriskError."""

    async def endpoint_state(self, name: str) -> str | None: ...


class ContactStatusReader:
    """Reads the state of each qualified endpoint (name -> the target it speaks for) and emits it as an observation."""

    def __init__(
        self,
        ari: EndpointStates,
        endpoints: Mapping[str, TargetId],
        clock: Clock,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._ari = ari
        self._endpoints = endpoints
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._wanted = asyncio.Event()
        self._heard = True
        self._before: Moment | None = None
        self._behind_until = 0.0

    def heard(self, up: bool) -> None:
        """The event stream is there, or not: read everything now."""
        self._heard = up
        self._wanted.set()

    async def run(self, emit: Callable[[Observation], None]) -> None:
        """Reads until cancelled. While Asterisk does not answer that says nothing of a target."""
        while True:
            self._wanted.clear()
            try:
                await self.read_all(emit)
                told = self._heard and self._clock.now().monotonic >= self._behind_until
            except AsteriskError as error:  # the link tells its own edge
                told = False
                self._cannot_tell(emit, f"Asterisk cannot be asked: {error.message}")
            try:
                async with asyncio.timeout(self._interval_seconds if told else SOONER_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def read_all(self, emit: Callable[[Observation], None]) -> None:
        """Once over all of them. May raise AsteriskError."""
        if self._is_behind():
            self._cannot_tell(emit, "Asterisk's clock was put back, and it asks nobody until it is there again")
            return
        for name, target in self._endpoints.items():
            state = await self._ari.endpoint_state(name)
            now = self._clock.now()
            if state is None:
                words = "Asterisk has no endpoint of this name"
                emit(Observation(target, EvidenceKind.CONTACT_STATUS, None, now, words))
            else:
                emit(observation(target, state, now))

    def _cannot_tell(self, emit: Callable[[Observation], None], words: str) -> None:
        for target in self._endpoints.values():
            emit(Observation(target, EvidenceKind.CONTACT_STATUS, None, self._clock.now(), words))

    def _is_behind(self) -> bool:
        """Asterisk plans its questions by the wall clock: put back by an hour, it asks nobody for an hour, and goes on
        saying what was so before. Put forward it asks at once."""
        before, now = self._before, self._clock.now()
        self._before = now
        if before is not None:
            step = (now.wall - before.wall).total_seconds() - now.since(before)
            if step <= -CLOCK_STEP_SECONDS:
                self._behind_until = max(self._behind_until, now.monotonic) - step
            elif step >= CLOCK_STEP_SECONDS:
                self._behind_until -= step
        return now.monotonic < self._behind_until
