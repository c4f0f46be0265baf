"""After wrong passwords nobody may try for a while: per account, so that many addresses do not help, and per address,
so that many accounts do not."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from ringfence.domain.moment import Moment

WRONG_BEFORE_LOCKED: Final = 5
FIRST_LOCK_SECONDS: Final = 15 * 60.0
MAX_LOCK_SECONDS: Final = 24 * 3600.0
FORGOTTEN_AFTER_SECONDS: Final = 24 * 3600.0
MAX_KNOWN: Final = 10_000


@dataclass(slots=True)
class _Count:
    wrong: int
    locks: int
    last: float
    locked_until: float = 0.0


class Lockout:
    """Times are the monotonic clock's. Keeps the 10,000 whose last wrong password is newest."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def seconds_left(self, key: str, now: Moment) -> float:
        """How long this one may not try; 0: it may."""
        count = self._counts.get(key)
        return 0.0 if count is None else max(0.0, count.locked_until - now.monotonic)

    def wrong(self, key: str, now: Moment) -> float:
        """Counts a wrong password. Seconds for which it is locked by this one, 0: not."""
        count = self._counts.pop(key, None)
        if count is None or now.monotonic - max(count.last, count.locked_until) >= FORGOTTEN_AFTER_SECONDS:
            count = _Count(0, 0, now.monotonic)
        self._counts[key] = count
        if len(self._counts) > MAX_KNOWN:
            self._counts.popitem(last=False)
        count.wrong, count.last = count.wrong + 1, now.monotonic
        if count.wrong < WRONG_BEFORE_LOCKED:
            return 0.0
        seconds = min(FIRST_LOCK_SECONDS * (1 << min(count.locks, 16)), MAX_LOCK_SECONDS)
        count.wrong, count.locks, count.locked_until = 0, count.locks + 1, now.monotonic + seconds
        return seconds

    def forget(self) -> None:
        """Undoes every lock."""
        self._counts.clear()

    def right(self, key: str) -> None:
        """Forgets what was wrong before."""
        self._counts.pop(key, None)
