"""Legs outward that the data plane did not let out: counted for good, and by the hour. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

REFUSALS: Final = {
    "refused": "to a number that may not be dialled",
    "capped": "by a limit on calls or minutes",
    "full": "because all channels were taken",
    "looped": "because the call had come back to us",
}
"""What a refusal may be, and why it was."""

HOUR_SECONDS: Final = 3600
SLOT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class RefusalCounts:
    """How many there were since the daemon's start, and in the last hour; by what they were."""

    in_all: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    last_hour: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class RefusalTally:
    """Counts by the minute, so that an hour of any number of refusals takes sixty counters."""

    def __init__(self) -> None:
        self._in_all: Counter[str] = Counter()
        self._slots: dict[int, Counter[str]] = {}

    def add(self, what: str, at_seconds: float) -> None:
        """`at_seconds`: monotonic, and never before an earlier one's minute."""
        self._in_all[what] += 1
        self._slots.setdefault(int(at_seconds // SLOT_SECONDS), Counter())[what] += 1
        self._forget(at_seconds)

    def counts(self, at_seconds: float) -> RefusalCounts:
        self._forget(at_seconds)
        return RefusalCounts(dict(self._in_all), dict(sum(self._slots.values(), Counter())))

    def _forget(self, at_seconds: float) -> None:
        oldest = int((at_seconds - HOUR_SECONDS) // SLOT_SECONDS)
        for slot in [slot for slot in self._slots if slot <= oldest]:
            del self._slots[slot]
