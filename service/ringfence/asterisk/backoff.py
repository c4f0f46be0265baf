"""How long a connection to Asterisk waits before it tries again.

The first retry is quick, for most losses are a reload or a restart; the cap is low, because Asterisk is on this very
machine and a table must be true again soon after it has booted. A refused login is another matter: trying it again
soon only fills Asterisk's security log, so it is tried rarely, in case somebody has mended it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class BackOff:
    """`first_seconds` and `cap_seconds` 0.01 to 60; `refused_seconds` 1 to 3600 after a refused login;
    `replaced_seconds` 1 to 3600 after somebody else took our ARI application: two nodes that take it from each other
    at once would both be deaf."""

    first_seconds: float = 0.1
    cap_seconds: float = 0.5
    refused_seconds: float = 60.0
    replaced_seconds: float = 15.0

    def delay_seconds(self, failures: int, random: Random) -> float:
        """Before try number `failures` + 1: doubled each time up to the cap, less up to a quarter of jitter."""
        doubled = self.first_seconds * 2.0 ** min(max(failures - 1, 0), 16)
        return min(doubled, self.cap_seconds) * (1.0 - random.random() / 4.0)
