"""Asterisk's own opinion of the qualified endpoints, read anew on every connect and at an interval.

Between two readings ARI tells changes by event; a change that fell into a gap of the event stream is found here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from ringfence.app.ports import AsteriskError, Clock
from ringfence.asterisk.ari import AriClient
from ringfence.asterisk.events import observation
from ringfence.domain.health import EvidenceKind, Observation, TargetId

INTERVAL_SECONDS: Final = 5.0


class ContactStatusReader:
    """Reads the state of each qualified endpoint (name -> the target it speaks for) and emits it as an observation."""

    def __init__(
        self,
        ari: AriClient,
        endpoints: Mapping[str, TargetId],
        clock: Clock,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._ari = ari
        self._endpoints = endpoints
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._wanted = asyncio.Event()

    def read_soon(self) -> None:
        """The event stream is back: read everything now."""
        self._wanted.set()

    async def run(self, emit: Callable[[Observation], None]) -> None:
        """Reads until cancelled. While Asterisk does not answer nothing is emitted: that says nothing of a target."""
        while True:
            self._wanted.clear()
            try:
                await self.read_all(emit)
            except AsteriskError:
                pass  # the link tells its own edge
            try:
                async with asyncio.timeout(self._interval_seconds):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def read_all(self, emit: Callable[[Observation], None]) -> None:
        """Once over all of them. May raise AsteriskError."""
        for name, target in self._endpoints.items():
            state = await self._ari.endpoint_state(name)
            now = self._clock.now()
            if state is None:
                words = "Asterisk has no endpoint of this name"
                emit(Observation(target, EvidenceKind.CONTACT_STATUS, None, now, words))
            else:
                emit(observation(target, state, now))
