"""One reading of both clocks, taken once at the edge and passed down.

Durations are measured on the monotonic clock, so that a stepped wall clock neither ends a hold-down nor starts an
outage; the wall clock is for people and for what outlives the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """`wall` is aware UTC; `monotonic` is in seconds, with an arbitrary zero, the same throughout one process."""

    wall: datetime
    monotonic: float

    def since(self, earlier: Moment) -> float:
        """Seconds from `earlier` to this moment, by the monotonic clock."""
        return self.monotonic - earlier.monotonic

    def plus(self, seconds: float) -> Moment:
        """The moment that many seconds later."""
        return Moment(self.wall + timedelta(seconds=seconds), self.monotonic + seconds)

    def at_wall(self, wall: datetime) -> Moment:
        """A stored wall-clock time placed on this process's monotonic scale.

        A time in the future (the wall clock was stepped back while we were off) counts as now: a hold-down may last
        longer than configured after a restart, never shorter than its remaining time.
        """
        age_seconds = max(0.0, (self.wall - wall).total_seconds())
        return Moment(wall, self.monotonic - age_seconds)
