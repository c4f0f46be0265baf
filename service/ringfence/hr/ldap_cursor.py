"""How far a directory has been read, and whether it has to be read whole again. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_TIME: Final = re.compile(r"(\d{14})(?:[.,]\d+)?Z")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_NUMBERED: Final = frozenset({"usnchanged"})


@dataclass(frozen=True, slots=True)
class LdapCursor:
    """`fingerprint` is that of the settings and `server` the name of the server it was read from: a number of changes
    means nothing on another. `changed` is the highest value seen. `known`: who was found, kept only where somebody
    who has moved away is looked for."""

    fingerprint: str
    server: str
    changed: str
    swept_at: datetime
    known: frozenset[str] = frozenset()

    def text(self) -> str:
        return json.dumps(
            {
                "fingerprint": self.fingerprint,
                "server": self.server,
                "changed": self.changed,
                "swept_at": self.swept_at.isoformat(),
                "known": sorted(self.known),
            }
        )


def parse_cursor(text: str) -> LdapCursor | None:
    """None for what cannot be used, the empty text of a first reading among it: then everything is read."""
    try:
        found = json.loads(text)
        swept_at = datetime.fromisoformat(found["swept_at"])
        known = frozenset(str(id_) for id_ in found["known"])
        cursor = LdapCursor(str(found["fingerprint"]), str(found["server"]), str(found["changed"]), swept_at, known)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return cursor if swept_at.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is known of the server before a search. `highest` is Active Directory's number of its last change."""

    name: str = ""
    highest: str = ""


def changes_since(
    cursor: LdapCursor | None,
    fingerprint: str,
    server: ServerState,
    attribute: str,
    overlap: timedelta,
    sweep_every: timedelta,
    now: datetime,
) -> str | None:
    """The lowest value of the attribute to search from; None: everything has to be read."""
    if cursor is None or cursor.fingerprint != fingerprint or cursor.server != server.name:
        return None
    if not timedelta(0) <= now - cursor.swept_at < sweep_every:
        return None
    if not is_numbered(attribute):
        return _earlier(cursor.changed, overlap)
    if not _NUMBER.fullmatch(cursor.changed):
        return None
    # A server restored from a backup counts from further back: what it numbers again would be missed.
    restored = _NUMBER.fullmatch(server.highest) is not None and int(server.highest) < int(cursor.changed)
    return None if restored else cursor.changed


def is_numbered(attribute: str) -> bool:
    """Whether the attribute counts changes; otherwise it is a time."""
    return attribute.lower() in _NUMBERED


def highest(attribute: str, seen: Iterable[str]) -> str:
    """The last of the values; empty where none can be compared."""
    if is_numbered(attribute):
        return max((text for text in seen if _NUMBER.fullmatch(text)), key=int, default="")
    return max((text for text in seen if _TIME.fullmatch(text)), key=lambda text: text[:14], default="")


def _earlier(text: str, overlap: timedelta) -> str | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) - overlap
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y%m%d%H%M%S.0Z")  # Active Directory takes no time without the fraction
