"""Days and moments as HR systems write them: read strictly, never guessed.

A day with two readings is read in the order the mapping states, and in no other. Systems that have no empty date write
one far in the future: everything from the year 2900 on means "no end".
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final

FIRST_YEAR: Final = 1950
LAST_YEAR: Final = 2100
NEVER_FROM_YEAR: Final = 2900  # 2999-12-31, Oracle's 4712-12-31, 9999-12-31

# Active Directory counts 100 ns from 1601; these two mean that an account never expires.
_FILETIME_NEVER: Final = frozenset({"0", "9223372036854775807"})
_FILETIME_START: Final = datetime(1601, 1, 1, tzinfo=UTC)
_EXCEL_START: Final = date(1899, 12, 30)  # with Excel's own leap day of 1900 counted in
_EXCEL_1904_START: Final = date(1904, 1, 1)

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_NAMED: Final = re.compile(r"(\d{1,2})[- /]([A-Za-z]{3,9})[- /,]+(\d{4})")
_OFFSET: Final = r"(?:Z|UTC|[+-]\d{2}:?\d{2})"
_TIME: Final = re.compile(
    rf"(?P<day>.{{6,20}}?)(?:T| +)(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,]\d{{1,9}})?)?"
    rf" ?(?P<offset>{_OFFSET})?"
)
_DAY_WITH_OFFSET: Final = re.compile(rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}}){_OFFSET}")
_LDAP_TIME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?Z")
_FILETIME: Final = re.compile(r"\d{17,18}")
_WHOLE_DAY: Final = frozenset({(0, 0, 0), (23, 59, 0), (23, 59, 59)})  # how databases write a day without a time
_SHOWABLE: Final = re.compile(r"\d{1,4}[-/.]\w{1,9}[-/.]\d{1,4}([T ].{0,20})?")


class DateError(ValueError):
    """A text that is no usable day or moment: what is wrong and how to mend it."""


class DateOrder(StrEnum):
    """How a day whose year comes last is read."""

    DMY = "dmy"
    MDY = "mdy"


@lru_cache(maxsize=10_000)
def read_day(text: str, order: DateOrder = DateOrder.DMY) -> date | None:
    """None: a day that means "no end". A time of day is taken only where it says a whole day. Raises DateError."""
    if (ldap := _LDAP_TIME.fullmatch(text)) is not None:
        return _checked(int(ldap[1]), int(ldap[2]), int(ldap[3]))
    if (whole := _DAY_WITH_OFFSET.fullmatch(text)) is not None:
        return _day(whole["day"], order)
    if (timed := _TIME.fullmatch(text)) is not None:
        if (int(timed["hour"]), int(timed["minute"]), int(timed["second"] or 0)) not in _WHOLE_DAY:
            raise DateError("holds a time of day; only a day belongs here (an exact end belongs to `ends_at`)")
        return _day(timed["day"], order)
    return _day(text, order)


@lru_cache(maxsize=10_000)
def read_moment(text: str, order: DateOrder = DateOrder.DMY, zone: tzinfo | None = None) -> datetime | None:
    """In UTC; None: a moment that means "never". `zone` is that of a text without an offset. Raises DateError."""
    if text in _FILETIME_NEVER:
        return None
    if _FILETIME.fullmatch(text) is not None:
        return _in_range(_FILETIME_START + timedelta(microseconds=int(text) // 10))
    if (ldap := _LDAP_TIME.fullmatch(text)) is not None:
        day = _checked(int(ldap[1]), int(ldap[2]), int(ldap[3]))
        return None if day is None else _moment(day, int(ldap[4]), int(ldap[5]), int(ldap[6] or 0), UTC)
    timed = _TIME.fullmatch(text)
    if timed is None:
        if _day(text, order) is None:
            return None
        raise DateError("has no time of day; map a column of days to `ends`, or write 2026-01-31T17:00:00+00:00")
    day = _day(timed["day"], order)
    if day is None:
        return None
    offset = _zone_of(timed["offset"]) if timed["offset"] else zone
    if offset is None:
        raise DateError("does not say its offset from UTC; write it as 2026-01-31T17:00:00+00:00")
    return _moment(day, int(timed["hour"]), int(timed["minute"]), int(timed["second"] or 0), offset)


def day_of_serial(serial: float, *, since_1904: bool = False) -> date:
    """The day that a spreadsheet's number means. Raises DateError."""
    if not 1 <= serial < 3_000_000:
        raise DateError("is a number that no spreadsheet means as a day; format the column as dates")
    try:
        return (_EXCEL_1904_START if since_1904 else _EXCEL_START) + timedelta(days=int(serial))
    except OverflowError:
        raise DateError("is a number that no spreadsheet means as a day; format the column as dates") from None


def is_showable(text: str) -> bool:
    """Whether it looks like a day, so that people may see it: anything else in a column of days may be a number that
    slipped into it."""
    return _SHOWABLE.fullmatch(text) is not None


def _day(text: str, order: DateOrder) -> date | None:
    if (found := _YEAR_FIRST.fullmatch(text)) is not None:
        return _checked(int(found[1]), int(found[3]), int(found[4]))
    if (found := _YEAR_LAST.fullmatch(text)) is not None:
        first, second = int(found[1]), int(found[3])
        day, month = (first, second) if order is DateOrder.DMY else (second, first)
        return _checked(int(found[4]), month, day, order)
    if (found := _NAMED.fullmatch(text)) is not None and found[2][:3].lower() in _MONTHS:
        return _checked(int(found[3]), _MONTHS.index(found[2][:3].lower()) + 1, int(found[1]))
    if text.isdigit():
        raise DateError("is a plain number; format the column as dates, as 2026-01-31, and export again")
    raise DateError("is no date that can be read without a guess; write it as 2026-01-31")


def _checked(year: int, month: int, day: int, order: DateOrder | None = None) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        hint = "; is `date_order` right?" if order is not None and month > 12 >= day else ""
        raise DateError(f"is no day of the calendar{hint or '; correct it, as 2026-01-31'}") from None
    if year >= NEVER_FROM_YEAR:
        return None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DateError(f"is outside the years {FIRST_YEAR} to {LAST_YEAR}; correct it")
    return found


def _moment(day: date, hour: int, minute: int, second: int, zone: tzinfo) -> datetime:
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except ValueError:
        raise DateError("is no time of day; correct it, as 2026-01-31T17:00:00+00:00") from None


def _zone_of(offset: str) -> tzinfo:
    if offset in ("Z", "UTC"):
        return UTC
    sign, hours, minutes = offset[0], int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        raise DateError("has an offset from UTC that no place has; correct it")
    written = datetime.fromisoformat(f"2000-01-01T00:00:00{sign}{hours:02d}:{minutes:02d}")
    assert written.tzinfo is not None
    return written.tzinfo


def _in_range(moment: datetime) -> datetime | None:
    if moment.year >= NEVER_FROM_YEAR:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise DateError(f"is outside the years {FIRST_YEAR} to {LAST_YEAR}; correct it")
    return moment
