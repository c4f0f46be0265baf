"""When a backup is due, and how old the newest may be: the daemon's schedule. Pure; `keeper` runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class BackupTimes:
    """Every day at these times of the zone. Older than `max_age` is told to people."""

    at: tuple[time, ...]
    zone: str
    max_age: timedelta


def last_due(times: BackupTimes, now: datetime) -> datetime:
    """The newest moment at which one should have been begun; not after `now`."""
    moments = _moments(times, now, range(-1, 1))
    return max(moment for moment in moments if moment <= now)


def next_due(times: BackupTimes, now: datetime) -> datetime:
    moments = _moments(times, now, range(2))
    return min(moment for moment in moments if moment > now)


def is_due(times: BackupTimes, newest: datetime | None, now: datetime) -> bool:
    """Also after a night in which the machine was off: then at once."""
    return newest is None or newest < last_due(times, now)


def is_late(times: BackupTimes, newest: datetime | None, now: datetime) -> bool:
    """There is none, or it is older than it may be."""
    return newest is None or now - newest > times.max_age


def _moments(times: BackupTimes, now: datetime, days: Sequence[int]) -> list[datetime]:
    zone = ZoneInfo(times.zone)
    today = now.astimezone(zone).date()
    # A time that the clocks skip is an hour later, one that they repeat is the first of the two.
    found = [
        datetime.combine(today + timedelta(days=day), at, zone).astimezone(now.tzinfo)
        for day in (*days, days[-1] + 1)
        for at in times.at
    ]
    return sorted(found)
