"""Keeps count of the legs that the data plane did not let out, and says so: once an hour for each DID and reason."""

from __future__ import annotations

import logging
from typing import Final

from ringfence.app.ports import Clock, LegRefused
from ringfence.domain.refusals import HOUR_SECONDS, REFUSALS, RefusalCounts, RefusalTally

log = logging.getLogger(__name__)

MOST_TOLD: Final = 1000
"""DIDs and reasons told within the hour; beyond, a refusal is only counted."""


class RefusalWatch:
    """Told of each refusal by the event stream; its counts are shown by the status."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tally = RefusalTally()
        self._told_at: dict[tuple[str, str, str], float] = {}

    def note(self, refused: LegRefused) -> None:
        now = refused.at.monotonic
        self._tally.add(refused.what, now)
        key = (refused.what, refused.limit, refused.did)
        self._told_at = {told: at for told, at in self._told_at.items() if now - at < HOUR_SECONDS}
        if key in self._told_at or len(self._told_at) >= MOST_TOLD:
            return
        self._told_at[key] = now
        log.warning(
            "a diverted call was not let out %s; further ones within the hour are only counted",
            REFUSALS[refused.what],
            extra={"did": refused.did, "limit": refused.limit, "trunk": refused.trunk},
        )

    def counts(self) -> RefusalCounts:
        return self._tally.counts(self._clock.now().monotonic)
