"""Times and durations as people read them, in the zone of the organisation. Digits only: they need no translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from ringfence.web.pages.texts import N_

_UNITS = (
    (86_400 * 2, 86_400, N_("%(number)s days")),
    (3_600 * 2, 3_600, N_("%(number)s h")),
    (60 * 2, 60, N_("%(number)s min")),
    (0, 1, N_("%(number)s s")),
)


def filters(zone: ZoneInfo) -> Mapping[str, Callable[..., Any]]:
    """For templates: `moment`, `clock`, `duration`, `past`."""

    def moment(at: datetime | date | None) -> Markup:
        """Day and time of day, and the zone's name."""
        return _time(at, zone, "%Y-%m-%d %H:%M %Z")

    def clock(at: datetime | None) -> Markup:
        """Time of day to the second, and the zone's name."""
        return _time(at, zone, "%H:%M:%S %Z")

    @pass_context
    def past(context: Context, at: datetime) -> str:
        """How long ago, as of the page's own time."""
        return duration_words(context, (context["at"] - at).total_seconds())

    return {"moment": moment, "clock": clock, "duration": pass_context(duration_words), "past": past}


def duration_words(context: Context, seconds: float) -> str:
    """In the largest unit of which there are two."""
    whole = max(0, round(seconds))
    size, text = next((size, text) for least, size, text in _UNITS if whole >= least)
    return str(context["texts"].gettext(text) % {"number": whole // size})


def _time(at: datetime | date | None, zone: ZoneInfo, form: str) -> Markup:
    if at is None:
        return Markup("")
    if not isinstance(at, datetime):
        return Markup('<time datetime="{0}">{0}</time>').format(at.isoformat())
    local = at.astimezone(zone)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), local.strftime(form))
