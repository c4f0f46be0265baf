"""What is usual: counts of calls by clock hour, and what the same hour of the last weeks lets expect.

An hour is its number since 1970 in UTC. Which hours are alike is a matter of the clock on the wall, so that a change to
summer time moves no expectation. docs/explanation/usual-calls.md says why each rule is as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

HOUR_SECONDS: Final = 3600
HOURS_A_WEEK: Final = 7 * 24
WHOLE_SHARE: Final = 0.75
"""An hour of which less was heard is no model for another."""
MIN_BASE: Final = 30
"""Calls in all those hours together, below which no share is known."""
YEAR_SECONDS: Final = 365.25 * 86_400
MIN_CALLS_PER_YEAR: Final = 10_000.0


class Trait(StrEnum):
    """What may be unusual about one call, each of them bad news only when there is more of it than usual."""

    UNANSWERED = "unanswered"
    SHORT = "short"
    AT_ONCE = "at_once"
    ALIKE = "alike"


@dataclass(slots=True)
class HourCounts:
    """What was counted in one hour of one platform or trunk; of a trunk `calls` alone. `offered` to the platform, which
    answered `answered` of them: `at_once`, without having rung; `short`, soon over; `alike`, as long as the last."""

    heard_seconds: int = 0
    calls: int = 0
    offered: int = 0
    answered: int = 0
    at_once: int = 0
    short: int = 0
    alike: int = 0

    def add(self, other: HourCounts) -> None:
        self.heard_seconds += other.heard_seconds
        self.calls += other.calls
        self.offered += other.offered
        self.answered += other.answered
        self.at_once += other.at_once
        self.short += other.short
        self.alike += other.alike

    def bad(self, trait: Trait) -> int:
        if trait is Trait.UNANSWERED:
            return max(0, self.offered - self.answered)
        # What ends in the next hour was answered in this one.
        return min(int(getattr(self, trait)), self.answered)

    def of(self, trait: Trait) -> int:
        """How many calls could have had that trait."""
        return self.offered if trait is Trait.UNANSWERED else self.answered


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where the numbers are: the zone of their hours, and the days on which they are known to be closed."""

    zone: ZoneInfo
    closed: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class UsualPolicy:
    """`weeks` are looked back at, and with fewer than `min_weeks` nothing is said. `false_alarms_per_year` is of one
    platform or trunk. Calls that speak against a platform come from at least `min_dids` DIDs. An answered call below
    `short_seconds` is a short one. Hours before `learn_from` are no model."""

    weeks: int = 8
    min_weeks: int = 3
    false_alarms_per_year: float = 0.25
    min_dids: int = 5
    short_seconds: float = 10.0
    learn_from: date | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """`usual` 0 to 1, of `base` calls in all; `tolerated` is the worst that still counts as a usual day's doing."""

    usual: float
    tolerated: float
    base: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one hour. `calls_per_hour` is at least usual, 0 where that is not known; `shares` has what is known."""

    calls_per_hour: float
    shares: Mapping[Trait, Share]


History = Mapping[int, HourCounts]


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // HOUR_SECONDS


def local(hour: int, calendar: Calendar) -> datetime:
    """What the clock on the wall says when this hour begins."""
    return datetime.fromtimestamp(hour * HOUR_SECONDS, calendar.zone)


def expectation(history: History, hour: int, calendar: Calendar, policy: UsualPolicy) -> Expectation:
    """What this hour should be like. A day may begin and end in the middle of an hour, so the hours on both sides count
    as well: the fewest calls of the three, the worst share of the three."""
    around = [list(_models(history, other, calendar, policy)) for other in (hour - 1, hour, hour + 1)]
    if calendar.closed and local(hour, calendar).date() in calendar.closed:
        return Expectation(0.0, {})
    rate = min(_low_rate(models, policy) for models in around)
    shares = {trait: share for trait in Trait if (share := _share(around, trait, policy)) is not None}
    return Expectation(rate, shares)


def worse(share: float) -> float:
    """The worst of a usual day: twice as many, or half of the good ones gone, whichever is less. A share of a whole
    hour can be twice as large in one of its halves."""
    return min(2 * share, (1 + share) / 2)


def calls_per_year(history: History) -> float:
    """About how many come in: so often chance is tried."""
    heard = sum(counts.heard_seconds for counts in history.values())
    calls = sum(counts.calls for counts in history.values())
    return max(MIN_CALLS_PER_YEAR, calls * YEAR_SECONDS / heard) if heard else MIN_CALLS_PER_YEAR


def weeks_known(history: History, this: int, policy: UsualPolicy) -> int:
    """Of how many of the weeks looked back at from this hour something is known, rounded."""
    weeks = {(this - hour + HOURS_A_WEEK // 2) // HOURS_A_WEEK for hour in history}
    return len([week for week in weeks if 1 <= week <= policy.weeks])


def _models(history: History, hour: int, calendar: Calendar, policy: UsualPolicy) -> Iterator[HourCounts]:
    begins = local(hour, calendar)
    for week in range(1, policy.weeks + 1):
        model = begins - timedelta(weeks=week)  # by the clock on the wall
        if model.date() in calendar.closed or (policy.learn_from is not None and model.date() < policy.learn_from):
            continue
        counts = history.get(hour_of(model))
        if counts is not None and counts.heard_seconds >= WHOLE_SHARE * HOUR_SECONDS:
            yield counts


def _low_rate(models: list[HourCounts], policy: UsualPolicy) -> float:
    """The lower quartile: one day off in eight weeks, or one very busy day, changes nothing."""
    if len(models) < policy.min_weeks:
        return 0.0
    rates = sorted(counts.calls * HOUR_SECONDS / counts.heard_seconds for counts in models)
    return rates[(len(rates) - 1) // 4]


def _share(around: list[list[HourCounts]], trait: Trait, policy: UsualPolicy) -> Share | None:
    """All calls of those weeks together: few an hour, as at most sites, have no median worth the name."""
    of = sum(counts.of(trait) for counts in around[1])
    if of < MIN_BASE or sum(counts.of(trait) > 0 for counts in around[1]) < policy.min_weeks:
        return None
    shares = []
    for models in around:
        base = sum(counts.of(trait) for counts in models)
        if base:
            shares.append(sum(counts.bad(trait) for counts in models) / base)
    usual = sum(counts.bad(trait) for counts in around[1]) / of
    return Share(usual, worse(max(shares)), of)
