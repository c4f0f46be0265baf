"""When the next probe of a target is due: pure, so that the simulation and the daemon keep the same time."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.domain.health import RiseFall


@dataclass(frozen=True, slots=True)
class Cadence:
    """How one target is probed. Seconds; `jitter_share` 0 to 0.5 stretches or shrinks the calm interval only."""

    interval_seconds: float
    timeout_seconds: float
    fast_interval_seconds: float
    rise: int
    fall: int
    jitter_share: float = 0.1

    @property
    def limits(self) -> RiseFall:
        return RiseFall(self.rise, self.fall)

    @property
    def worst_case_detection_seconds(self) -> float:
        """Longest time from a target's death to `fall` misses in a row.

        The death comes just after a good answer: one whole interval, stretched by the jitter, until the next probe
        goes out, its timeout, and then `fall - 1` fast re-checks, each with its own timeout.
        """
        calm = self.interval_seconds * (1 + self.jitter_share) + self.timeout_seconds
        return calm + (self.fall - 1) * (self.fast_interval_seconds + self.timeout_seconds)


def next_delay_seconds(cadence: Cadence, undecided: bool, random_share: float) -> float:
    """Seconds from one answer to the next probe. `random_share` is 0 to 1 from the caller's generator.

    Undecided targets are asked again fast: a lost packet is cleared up, and an outage confirmed, within moments.
    """
    if undecided:
        return cadence.fast_interval_seconds
    return cadence.interval_seconds * (1 + cadence.jitter_share * (2 * random_share - 1))


# The two profiles. `lan`: the platform is in the same building, 10 ms away, and a second of silence means something.
# `wan`: across the internet 20 % loss and gaps of 2 s happen on an ordinary day; ten misses in a row, which span at
# least 10 s, do not (0.2 ** 10 is one in ten million).
LAN = Cadence(interval_seconds=0.5, timeout_seconds=0.3, fast_interval_seconds=0.05, rise=3, fall=5)
WAN = Cadence(interval_seconds=2.0, timeout_seconds=1.0, fast_interval_seconds=0.25, rise=5, fall=10)

PROFILES: dict[str, Cadence] = {"lan": LAN, "wan": WAN}

# A registrar works for each answer: it is left in peace while all is well, and asked as fast as the rest while not.
REGISTER_PROFILES: dict[str, Cadence] = {
    "lan": Cadence(interval_seconds=10.0, timeout_seconds=1.0, fast_interval_seconds=0.25, rise=3, fall=5),
    "wan": Cadence(interval_seconds=30.0, timeout_seconds=3.0, fast_interval_seconds=0.5, rise=5, fall=10),
}
# TCP and HTTP degrade and decide nothing, so nothing is won by hurrying.
WEAK_PROFILES: dict[str, Cadence] = {
    "lan": Cadence(interval_seconds=5.0, timeout_seconds=2.0, fast_interval_seconds=5.0, rise=2, fall=3),
    "wan": Cadence(interval_seconds=15.0, timeout_seconds=5.0, fast_interval_seconds=15.0, rise=2, fall=3),
}
WEAK_LIMITS = WEAK_PROFILES["lan"].limits
# What the probes that speak TLS have seen: nobody is asked.
CERTIFICATES = Cadence(interval_seconds=5.0, timeout_seconds=1.0, fast_interval_seconds=5.0, rise=1, fall=1)
