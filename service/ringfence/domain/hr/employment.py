"""When an employment begins and ends, as moments. Days are those of the person's site; moments are in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ringfence.domain.directory import Directory
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import RosterPolicy

# A year inside the calendar's edges, so that every time zone has these moments.
_LONG_AGO: Final = datetime(2, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)

Zones = Callable[[str | None], str]
"""From a site's name, or None, to an IANA time zone."""


def zones_of(base: Directory, policy: RosterPolicy) -> Zones:
    """The time zones of a directory's sites; the policy's for a site that names none or is not known."""
    named = {site.name: site.time_zone for site in base.sites.values() if site.time_zone}

    def zone_of(site: str | None) -> str:
        return policy.zone if site is None else named.get(site, policy.zone)

    return zone_of


@lru_cache(maxsize=10_000)
def midnight(day: date, zone: str) -> datetime:
    """The moment a local day begins."""
    try:
        return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:  # the calendar's first and last day, which some systems write for "ever"
        return _LONG_AGO if day.year == date.min.year else _NEVER


def begins_at(record: HrRecord, zone: str) -> datetime | None:
    """None: it has begun, as far as this record knows."""
    return None if record.starts is None else midnight(record.starts, zone)


def ends_at(record: HrRecord, inactive_since: datetime | None, zone: str) -> datetime | None:
    """The earliest end that the record states; None: no end. The last working day counts to its last second."""
    end = record.ends_at
    if end is None and record.ends is not None:
        end = day_after(record.ends, zone)
    if record.active is False and inactive_since is not None and (end is None or inactive_since < end):
        return inactive_since
    return end


def employed_at(record: HrRecord, inactive_since: datetime | None, zone: str, at: datetime) -> bool:
    """Whether this one record says that the person is employed at that moment."""
    begins, ends = begins_at(record, zone), ends_at(record, inactive_since, zone)
    return (begins is None or begins <= at) and (ends is None or at < ends)


def is_over(record: HrRecord, inactive_since: datetime | None, zone: str, at: datetime) -> bool:
    """Whether the employment has ended by then; not so one that is still to begin."""
    ends = ends_at(record, inactive_since, zone)
    return ends is not None and ends <= at


def day_after(day: date | None, zone: str) -> datetime | None:
    """The moment a local day is over; None: never."""
    # A day beyond the calendar's end is how some systems write "for ever".
    if day is None or day == date.max:
        return None
    return midnight(day + timedelta(days=1), zone)
