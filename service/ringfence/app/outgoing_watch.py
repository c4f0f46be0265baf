"""Counts the calls of the site's own phones, logs those that failed or were an emergency, and tells people of these."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from ringfence.app.notify.ports import Tells
from ringfence.app.ports import Clock
from ringfence.domain.notice import Notice
from ringfence.domain.outgoing import OutgoingCall, emergency_notice

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
MOST_UNTOLD: Final = 100
BEGUN: Final = "begun"


class OutgoingWatch:
    """`note` is called by the event stream and never waits; `run` tells."""

    def __init__(self, teller: Callable[[], Tells], clock: Clock) -> None:
        self._teller = teller
        self._clock = clock
        self._untold: deque[Notice] = deque(maxlen=MOST_UNTOLD)
        self._ended: Counter[tuple[str, bool, str]] = Counter()

    @property
    def ended(self) -> Mapping[tuple[str, bool, str], int]:
        """How many calls, by site, whether it was an emergency, and result; since the daemon's start."""
        return self._ended

    def note(self, call: OutgoingCall) -> None:
        fields = {"site": call.site, "result": call.result, "egress": call.egress, "status": call.status}
        if call.emergency and call.result == BEGUN:
            log.warning("an emergency number is being called", extra=fields)
            self._untold.append(emergency_notice(call))
            return
        self._ended[call.site, call.emergency, call.result] += 1
        if call.emergency:
            log.warning("an emergency call has ended", extra=fields | {"preempted": call.preempted})
        elif call.result in ("failure", "full"):
            log.warning("an outgoing call found no way out", extra=fields)

    async def run(self) -> None:
        """Tells, for ever."""
        while True:
            while self._untold:
                await self._teller().tell(self._untold.popleft())
            await self._clock.sleep(LOOK_SECONDS)
