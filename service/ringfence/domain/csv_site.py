"""From one row of `sites.csv` to a site, and back: its opening hours among the rest."""

from __future__ import annotations

from datetime import date
from sys import intern
from typing import Final

from ringfence.domain.csv_fields import CsvRules, Notes, checked, public_number
from ringfence.domain.csv_text import Columns, Row
from ringfence.domain.directory import (
    DEFAULT_ANNOUNCEMENT,
    MAX_HOLIDAYS,
    MAX_SPANS,
    Site,
    why_not_announcement,
    why_not_name,
    why_not_zone,
)
from ringfence.domain.numbers import spaced
from ringfence.domain.ring_hours import RingHours, RingHoursError, parse_ring_hours
from ringfence.domain.step_text import why_not_mailbox

SITE_COLUMNS: Final = Columns(
    ("name", "fallback_number"),
    (
        "announcement",
        "time_zone",
        "opening",
        "holidays",
        "out_of_hours_number",
        "out_of_hours_announcement",
        "voicemail",
    ),
)


def read_site(row: Row, rules: CsvRules, notes: Notes) -> Site | None:
    before = notes.errors
    name = checked(row, "name", why_not_name, notes)
    fallback = public_number(row, "fallback_number", rules, notes)
    announcement = checked(row, "announcement", why_not_announcement, notes) if row.get("announcement") else ""
    zone = row.get("time_zone")
    if zone and (fault := why_not_zone(zone)) is not None:
        notes.error(row, "time_zone", zone[:80], fault)
        zone = ""
    opening = _opening(row, zone or rules.zone, notes)
    holidays = _holidays(row, notes)
    closed_number = public_number(row, "out_of_hours_number", rules, notes)
    closed = row.get("out_of_hours_announcement")
    if closed:
        checked(row, "out_of_hours_announcement", why_not_announcement, notes)
    voicemail = checked(row, "voicemail", why_not_mailbox, notes) if row.get("voicemail") else ""
    if notes.errors > before:
        return None
    for column in ("announcement", "out_of_hours_announcement"):
        _warn_if_never_told(row, column, rules, notes)
    if not opening and (holidays or closed_number is not None or closed):
        notes.warning(
            row, "opening", "", "is empty: the site is always open, so its holidays and what follows count not"
        )
    return Site(
        name=intern(name),
        fallback_number=fallback,
        announcement=intern(announcement or DEFAULT_ANNOUNCEMENT),
        time_zone=intern(zone) if zone else None,
        opening=opening,
        holidays=holidays,
        out_of_hours_number=closed_number,
        out_of_hours_announcement=intern(closed),
        voicemail=intern(voicemail),
    )


def _warn_if_never_told(row: Row, column: str, rules: CsvRules, notes: Notes) -> None:
    """Callers hear the configuration's first announcement then, which an administrator should not learn from them."""
    name = row.get(column)
    if not name or not rules.announcements or name in rules.announcements:
        return
    known = ", ".join(sorted(rules.announcements))
    notes.warning(
        row, column, name, f"is no announcement of the configuration: callers would hear another one; known are {known}"
    )


def render_site(site: Site) -> list[str]:
    """The columns of `SITE_COLUMNS`."""
    return [
        site.name,
        spaced(site.fallback_number) if site.fallback_number else "",
        site.announcement,
        site.time_zone or "",
        "; ".join(hours.words for hours in site.opening),
        " ".join(day.isoformat() for day in site.holidays),
        spaced(site.out_of_hours_number) if site.out_of_hours_number else "",
        site.out_of_hours_announcement,
        site.voicemail,
    ]


def _opening(row: Row, zone: str, notes: Notes) -> tuple[RingHours, ...]:
    written = row.get("opening")
    spans = []
    for part in written.split(";") if written else ():
        try:
            spans.append(parse_ring_hours(part, zone))
        except RingHoursError as error:
            notes.error(row, "opening", "", str(error))
    if len(spans) > MAX_SPANS:
        notes.error(row, "opening", written[:80], f"has {len(spans)} spans, at most {MAX_SPANS}; put some together")
    return tuple(spans)


def _holidays(row: Row, notes: Notes) -> tuple[date, ...]:
    days = set()
    for part in row.get("holidays").split():
        try:
            if len(part) != len("2026-12-25"):  # Python reads 20261225 and 2026-W52-5 too
                raise ValueError
            days.add(date.fromisoformat(part))
        except ValueError:
            notes.error(row, "holidays", part[:80], "is no day; write days as 2026-12-25, with spaces between them")
    if len(days) > MAX_HOLIDAYS:
        message = f"holds {len(days)} days, at most {MAX_HOLIDAYS}; leave those away that are over"
        notes.error(row, "holidays", "", message)
    return tuple(sorted(days))
