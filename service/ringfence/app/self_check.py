"""Whether a restart would help. The service's watchdog is fed only while it would not.

What is checked is ours alone: does the event loop turn in time, does the one writer of the mode take turns. Asterisk,
the database and the platform are no reasons: they are as they are after a restart, and what has been decided would have
to be found again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ringfence.app.ports import Clock
from ringfence.domain.moment import Moment

log = logging.getLogger(__name__)

# A mode that waits this long for its turn on the loop comes later than callers' patience.
LATE_SECONDS: Final = 5.0
# The writer looks at the clock four times a second, and a commit in its turn has a deadline. A writer that broke is
# begun anew after 15 seconds at most: this is a little longer, so that the supervisor goes first.
TURN_SECONDS: Final = 20.0


def self_check_fault(now: Moment, due: Moment, turned_at: Moment | None) -> str | None:
    """Why this process should not be trusted any more, None if it should. `due`: when this look was to happen.
    `turned_at`: when the writer's latest turn ended, None before its first one."""
    if (late := now.since(due)) > LATE_SECONDS:
        return f"the event loop was {late:.0f} s late"
    if turned_at is not None and (idle := now.since(turned_at)) > TURN_SECONDS:
        return f"the writer of the mode has not taken a turn for {idle:.0f} s"
    return None


class Feeder:
    """Feeds the watchdog from the event loop itself: a loop that is blocked feeds nothing."""

    def __init__(self, clock: Clock, feed: Callable[[], None], turned_at: Callable[[], Moment | None]) -> None:
        """`feed` must not block."""
        self._clock = clock
        self._feed = feed
        self._turned_at = turned_at
        self.fault: str | None = None

    async def run(self, interval_seconds: float) -> None:
        """Looks at this interval, which has to be well below the watchdog's own."""
        while True:
            due = self._clock.now().plus(interval_seconds)
            await self._clock.sleep(interval_seconds)
            self._look(due)

    def _look(self, due: Moment) -> None:
        fault, before = self_check_fault(self._clock.now(), due, self._turned_at()), self.fault
        self.fault = fault
        if fault is None:
            self._feed()
            if before is not None:
                log.warning("self-check passes again")
        elif before is None:
            tasks = sorted(task.get_name() for task in asyncio.all_tasks())
            log.error("self-check failed, the watchdog is not fed", extra={"reason": fault, "tasks": tasks})
