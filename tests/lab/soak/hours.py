"""What each hour of a soak holds: how many calls, which fault, who comes and goes. Drawn from a seed; no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

HOURS_A_DAY = 24
FIRST_HOUR_OF_DAY = 6
CALLS_A_DID_A_DAY = 2.0
"""Of a site's DIDs as they are: many are hardly ever called, a switchboard all the time."""
LEAST_CALLS = 40
"""In the small hours: as many as a trial of the platform needs."""
DAY = (1, 1, 1, 1, 1, 2, 4, 8, 16, 20, 18, 16, 14, 16, 18, 16, 14, 10, 6, 4, 3, 2, 2, 1)
"""Shares of a day's calls by the hour of the day."""
REFUSING_CALLS = 150
"""So many at least in an hour in which the platform's refusals are to be noticed by its calls."""


class Trouble(StrEnum):
    """What befalls one hour. The values are the words of the page."""

    QUIET = "nothing"
    FROZEN = "platform silent"
    KILLED = "platform killed"
    REFUSING = "platform refusing every call"
    SLOW = "platform slow to ring"
    RELOADED = "Asterisk reloaded"
    LOCKED = "the daemon's database locked"
    FLAPPING = "egress trunk up and down"
    DIVERTED = "DR by a person's word, its first trunk dead"
    RESTARTED = "Asterisk killed and started"


IN_TURN = tuple(trouble for trouble in Trouble if trouble is not Trouble.RESTARTED)
RESTART_HOURS = (2, 24)
"""Counted from the begin of each two days: once before anything is measured, and once in the middle, so that a whole
day of one Asterisk is left to be looked at."""


@dataclass(frozen=True, slots=True)
class Hour:
    """`number` counts from 0, `of_day` is the clock's."""

    number: int
    of_day: int
    calls: int
    trouble: Trouble


def hours(count: int, dids: int, seed: int) -> Iterator[Hour]:
    """So many, each trouble once before any comes again; the refusals wait for a day's calls."""
    random = Random(seed)
    left: list[Trouble] = []
    for number in range(count):
        of_day = (FIRST_HOUR_OF_DAY + number) % HOURS_A_DAY
        calls = max(LEAST_CALLS, round(dids * CALLS_A_DID_A_DAY * DAY[of_day] / sum(DAY)))
        if number % (2 * HOURS_A_DAY) in RESTART_HOURS:
            yield Hour(number, of_day, calls, Trouble.RESTARTED)
            continue
        if not [one for one in left if one is not Trouble.REFUSING]:
            left += random.sample(IN_TURN, len(IN_TURN))
        trouble = next(one for one in left if calls >= REFUSING_CALLS or one is not Trouble.REFUSING)
        left.remove(trouble)
        yield Hour(number, of_day, calls, trouble)


def most_calls(dids: int) -> int:
    """In the busiest hour."""
    return max(hour.calls for hour in hours(HOURS_A_DAY, dids, 1))
