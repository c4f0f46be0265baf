"""What a line does to the packets on it: the values that travel from a test to the relay's own process."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Weather:
    """Both ways alike. Shares are 0 to 1."""

    loss_share: float = 0.0
    burst_seconds: float = 0.0
    """Everything is lost for so long..."""
    burst_every_seconds: float = 0.0
    """...in each of these."""
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Added by lot, up to this: packets overtake one another."""
    duplicate_share: float = 0.0
    cut: bool = False
    seed: int = 1

    def delays(self, at_seconds: float, lot: Random) -> list[float]:
        """When to pass one packet on, in seconds from now: not at all, once, or twice. `at_seconds`: since it began."""
        if self.cut or lot.random() < self.loss_share:
            return []
        if self.burst_every_seconds and at_seconds % self.burst_every_seconds < self.burst_seconds:
            return []
        copies = 2 if lot.random() < self.duplicate_share else 1
        return [(self.delay_ms + lot.random() * self.jitter_ms) / 1000 for _ in range(copies)]


CALM = Weather()
