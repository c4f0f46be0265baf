"""Whether Asterisk has our dialplan at all: without it everything of ours is well, and no call comes to us."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from ringfence.app.ports import AsteriskError, Clock

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
"""Nobody tells us of a reload, so it is asked for again and again."""
SURE_SECONDS: Final = 5.0
"""An Asterisk that starts lets us in before it has read its dialplan: what is missing is looked for twice."""
RETRY_SECONDS: Final = 1.0


class LoadedDialplan(Protocol):
    """The dialplan in Asterisk. May raise AsteriskError."""

    async def is_there(self) -> bool | None:
        """None: Asterisk cannot say."""
        ...


class DialplanWatch:
    """`run` in the daemon's task group. While nobody can say, nothing is said to be missing."""

    def __init__(self, dialplan: LoadedDialplan, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is told each edge and must not block."""
        self._dialplan = dialplan
        self._clock = clock
        self._changed = changed
        self._not_seen = 0
        self.missing = False

    def forget(self) -> None:
        """Asterisk went away, and comes back with who knows what."""
        self._not_seen = 0
        if self.missing:
            self.missing = False
            self._changed()

    async def run(self) -> None:
        while True:
            try:
                self._take(await self._dialplan.is_there())
            except AsteriskError:
                # The connection reports its own edge.
                self.forget()
                await self._clock.sleep(RETRY_SECONDS)
                continue
            await self._clock.sleep(SURE_SECONDS if self._not_seen == 1 else LOOK_SECONDS)

    def _take(self, there: bool | None) -> None:
        if there is None:
            self.forget()
            return
        self._not_seen = 0 if there else self._not_seen + 1
        missing = self._not_seen > 1
        if missing == self.missing:
            return
        self.missing = missing
        if missing:
            log.error("asterisk runs without our dialplan, no call comes to us")
        else:
            log.info("asterisk has our dialplan again")
        self._changed()
