"""Times as people write and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ringfence.web.durations import parse_duration

UNTIL_FORM = "18:00, 2030-01-31 18:00 (this machine's time) or 2030-01-31T18:00:00+00:00"


def until_text(text: str, now: datetime) -> str:
    """An end with its time zone, as the API wants it. `now` is aware and in this machine's zone; `18:00` is the next
    one. Raises ValueError with a sentence for people."""
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        hour, minute = (int(part) for part in text.split(":"))
        if hour > 23 or minute > 59:
            raise ValueError(f"{text} is no time of day; write {UNTIL_FORM}")
        end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (end if end > now else end + timedelta(days=1)).isoformat()
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write {UNTIL_FORM}") from None
    # The person sits at this machine, so a time without a zone is this machine's.
    return (end if end.tzinfo is not None else end.astimezone()).isoformat()


def check_duration(text: str) -> str:
    """Raises ValueError with a sentence for people."""
    try:
        parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{text!r} {error}") from None
    return text


def local(text: str | None) -> str:
    """An API time in this machine's zone, to the second."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(text: str, now: str) -> str:
    """`3 min ago`, between two API times."""
    seconds = max(0, int((datetime.fromisoformat(now) - datetime.fromisoformat(text)).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
