"""The hours in which a number may ring, in a time zone of its own: `07:00-22:00`, `mon-fri 08:00-18:00`.

The dialplan asks at the moment of the call (`docs/reference/astdb.md`), so that hours hold with the daemon dead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

DAY_MINUTES: Final = 24 * 60
EVERY_DAY: Final = frozenset(range(1, 8))

_NAMES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TEXT: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?(?P<begins>[0-2]\d:[0-5]\d)-(?P<ends>[0-2]\d:[0-5]\d)"
)


class RingHoursError(ValueError):
    """A text that names no hours. Says how hours are written."""


@dataclass(frozen=True, slots=True)
class RingHours:
    """`begins` and `ends` are minutes after local midnight, 0 to 1439 and 1 to 1440. Where `ends` is not after `begins`
    the hours reach into the next day, and `days` (ISO weekdays, Monday is 1) names the day on which they begin."""

    begins: int
    ends: int
    zone: str
    days: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        assert 0 <= self.begins < DAY_MINUTES
        assert 0 < self.ends <= DAY_MINUTES
        assert self.begins != self.ends
        assert self.days and self.days <= EVERY_DAY

    @property
    def words(self) -> str:
        """As `parse_ring_hours` reads it, without the zone."""
        days = "" if self.days == EVERY_DAY else f"{_days_words(self.days)} "
        return f"{days}{_clock(self.begins)}-{_clock(self.ends)}"

    def open_at(self, at: datetime) -> bool:
        """Whether the number may ring at this moment (aware, any zone)."""
        local = at.astimezone(ZoneInfo(self.zone))
        minute, day = local.hour * 60 + local.minute, local.isoweekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= minute < self.ends
        yesterday = (day - 2) % 7 + 1
        return (day in self.days and minute >= self.begins) or (yesterday in self.days and minute < self.ends)


def parse_ring_hours(text: str, zone: str) -> RingHours:
    """`07:00-22:00` for every day, `mon-fri 08:00-18:00` or `sat 09:00-12:00` for some. Raises RingHoursError."""
    found = _TEXT.fullmatch(text.strip().lower())
    if found is None:
        raise RingHoursError(f"{text[:40]!r} names no hours; write 07:00-22:00 or mon-fri 08:00-18:00")
    begins, ends = _minutes(found["begins"]), _minutes(found["ends"])
    if begins >= DAY_MINUTES or ends > DAY_MINUTES or begins == ends:
        raise RingHoursError(f"{text[:40]!r} names no hours: from 00:00 to 24:00, and not of no length")
    return RingHours(begins, ends or DAY_MINUTES, zone, _days(found["first"], found["last"], text))


def _days(first: str | None, last: str | None, text: str) -> frozenset[int]:
    if first is None:
        return EVERY_DAY
    if first not in _NAMES or (last or first) not in _NAMES:
        raise RingHoursError(f"{text[:40]!r} names no days; days are {', '.join(_NAMES)}")
    begin, end = _NAMES.index(first), _NAMES.index(last or first)
    return frozenset((begin + step) % 7 + 1 for step in range((end - begin) % 7 + 1))


def _days_words(days: frozenset[int]) -> str:
    # Days are one run, perhaps across Sunday: it begins with the day whose day before is not in it.
    first = next(day for day in sorted(days) if (day - 2) % 7 + 1 not in days)
    last = (first + len(days) - 2) % 7 + 1
    return _NAMES[first - 1] if len(days) == 1 else f"{_NAMES[first - 1]}-{_NAMES[last - 1]}"


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
