"""How often one caller may ask: a bucket each, that fills steadily and lets a burst through.

Our own: the library for it counts by the wall clock, starts a thread to forget what is over, keeps as many callers as
come, and knows windows instead of bursts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_CALLERS: Final = 10_000


class Rates:
    """Keeps the 10,000 callers who asked last. A burst that was not used is full again: forgetting does no harm but to
    whoever needs 10,000 names to ask more often."""

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        """`burst` is how many may come at once after a pause; `monotonic` is a clock in seconds."""
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, key: str) -> float:
        """Counts one request. 0: it may pass; else how long to wait, and it was not counted."""
        now = self._monotonic()
        left, at = self._buckets.pop(key, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_second)
        passes = left >= 1
        self._buckets[key] = (left - 1 if passes else left, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) / self._per_second
