"""How much is telephoned: finished calls laid over clock hours (UTC), and what it would take to divert them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from ringfence.domain.calls import AnsweredBy

HOUR: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=1)
"""A call that the journal has for longer was forgotten, or its begin is wrong; it counts for so long."""

_NOT_TALKED: Final = (AnsweredBy.NOBODY, AnsweredBy.ANNOUNCEMENT)


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """What of a journal row counts here. `duration_ms` is from the INVITE to the end, and all of it takes a channel."""

    ended_at: datetime
    scope: str
    duration_ms: int
    ringing_after_ms: int | None
    answered_by: AnsweredBy
    answered_after_ms: int | None = None

    @property
    def talked_seconds(self) -> float:
        """At most, where the journal knows when it began to ring and not when somebody answered."""
        if self.answered_by in _NOT_TALKED:
            return 0.0
        began = self.answered_after_ms if self.answered_after_ms is not None else self.ringing_after_ms
        return max(0, self.duration_ms - (began or 0)) / 1000


@dataclass(slots=True)
class Sum:
    """Of an hour, a day, or all. `held_seconds`: a channel was taken, also while it rang."""

    calls: int = 0
    talked: int = 0
    held_seconds: float = 0.0
    talked_seconds: float = 0.0

    @property
    def mean_seconds(self) -> float:
        """How long a call takes a channel."""
        return self.held_seconds / self.calls if self.calls else 0.0


@dataclass(slots=True)
class Traffic:
    """Of one platform, or of all together. In `hours` each call counts in every hour it lasted in; elsewhere, and as a
    call, where it ended."""

    total: Sum = field(default_factory=Sum)
    hours: dict[datetime, Sum] = field(default_factory=lambda: defaultdict(Sum))
    days: dict[datetime, Sum] = field(default_factory=lambda: defaultdict(Sum))

    def add(self, call: FinishedCall) -> None:
        held = min(timedelta(milliseconds=max(0, call.duration_ms)), LONGEST)
        end = call.ended_at.astimezone(UTC)
        day = end.replace(hour=0, minute=0, second=0, microsecond=0)
        for place in (self.total, self.hours[_hour_of(end)], self.days[day]):
            place.calls += 1
            place.talked += call.talked_seconds > 0
            place.talked_seconds += call.talked_seconds
        for place in (self.total, self.days[day]):
            place.held_seconds += held.total_seconds()
        for hour, seconds in _shares(end - held, end):
            self.hours[hour].held_seconds += seconds

    def busiest_hour(self) -> tuple[datetime, Sum] | None:
        """By erlangs; of equals the first. None: there was no call."""
        return max(sorted(self.hours.items()), key=lambda item: item[1].held_seconds) if self.hours else None

    def busiest_day(self) -> tuple[datetime, Sum] | None:
        """By minutes talked, which is what is paid for."""
        return max(sorted(self.days.items()), key=lambda item: item[1].talked_seconds) if self.days else None


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a diverted call costs, in whatever currency, for each answered minute and for each answered call."""

    per_minute: float
    per_call: float

    def cost(self, of: Sum) -> float:
        return of.talked_seconds / 60 * self.per_minute + of.talked * self.per_call


def erlangs_of(hour: Sum) -> float:
    """Channels taken on average during one hour."""
    return hour.held_seconds / HOUR.total_seconds()


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _shares(begin: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    while begin < end:
        hour = _hour_of(begin)
        until = min(hour + HOUR, end)
        yield hour, (until - begin).total_seconds()
        begin = until
