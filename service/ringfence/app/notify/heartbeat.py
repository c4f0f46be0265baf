"""A sign of life to a monitor outside, sent only while we do our work.

When it stops, that monitor raises the alarm: nobody here may be able to then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ringfence.app.notify.ports import ChannelError
from ringfence.app.ports import Clock

log = logging.getLogger(__name__)

FIRST_SECONDS: Final = 1.0  # until the first: a start is no outage yet


class Monitor(Protocol):
    """Somebody outside who expects to hear from us. `channels.monitor` is one."""

    async def beat(self, state: Mapping[str, object]) -> None:
        """Raises ChannelError."""
        ...


class Heartbeat:
    """`run` in the daemon's task group. `state` gives what is said, None while the node is not ready: then nothing is
    sent."""

    def __init__(
        self, monitor: Monitor, state: Callable[[], Mapping[str, object] | None], clock: Clock, every_seconds: float
    ) -> None:
        self._monitor = monitor
        self._state = state
        self._clock = clock
        self._every_seconds = every_seconds
        self._well = True
        self.sent = 0

    async def run(self) -> None:
        await self._clock.sleep(FIRST_SECONDS)
        while True:
            await self.beat()
            await self._clock.sleep(self._every_seconds)

    async def beat(self) -> None:
        """One, if we are ready."""
        state = self._state()
        if state is None:
            self._edge(False, "the node is not ready")
            return
        try:
            await self._monitor.beat(state)
        except ChannelError as error:
            self._edge(False, str(error))
            return
        self.sent += 1
        self._edge(True, "")

    def _edge(self, well: bool, reason: str) -> None:
        if well == self._well:
            return
        self._well = well
        if well:
            log.info("the heartbeat is sent again")
        else:
            log.warning("the heartbeat is not sent", extra={"reason": reason})
