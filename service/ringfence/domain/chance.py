"""How unlikely it is that chance alone did it: the tails by which what is unusual is told from bad luck."""

from __future__ import annotations

from math import exp, lgamma, log
from typing import Final

STRENGTH: Final = 1000
"""A usual share is believed as if it had been seen in so many calls at most: days differ more than calls do."""


def tail(bad: int, of: int, share: float, base: int) -> float:
    """The chance that `bad` or more of `of` calls are bad, when `share` (0 to 1) of `base` calls was: the tail of the
    beta-binomial distribution. With an endless base it is the binomial one."""
    assert 0 <= bad <= of and 0 <= share <= 1 and base > 0
    strength = min(base, STRENGTH)
    a, b = share * strength + 0.5, (1 - share) * strength + 0.5
    whole = _log_beta(a, b)
    total = sum(exp(_log_choose(of, hits) + _log_beta(a + hits, b + of - hits) - whole) for hits in range(bad, of + 1))
    return min(1.0, total)


def silence_needed(calls_per_year: float, false_alarms_per_year: float) -> float:
    """So many calls have to be missing without a single one coming. Every call begins a gap, a gap with `x` expected
    calls in it is chance with probability e^-x, and chance is tried once a call."""
    return max(3.0, log(calls_per_year / false_alarms_per_year))


def _log_choose(of: int, hits: int) -> float:
    return lgamma(of + 1) - lgamma(hits + 1) - lgamma(of - hits + 1)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
