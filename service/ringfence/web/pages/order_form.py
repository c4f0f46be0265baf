"""The form of the big decision: what a person filled in, and what it means. Kept apart from its pages because the start
page, a DID's page and the preview all hold it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.domain.directory import Directory
from ringfence.domain.numbers import Did, NumberError, parse_did
from ringfence.domain.override import MAX_LISTED_DIDS, OverrideKind, OverrideTarget
from ringfence.web.durations import parse_duration
from ringfence.web.pages.same_directory import SameDirectory
from ringfence.web.pages.texts import N_

EVERYTHING: Final = "everything"
FOREVER: Final = "released"

LENGTHS: Final[Mapping[str, str]] = {
    "15m": N_("15 minutes"),
    "1h": N_("one hour"),
    "4h": N_("four hours"),
    "12h": N_("twelve hours"),
    "1d": N_("one day"),
    "7d": N_("seven days"),
    FOREVER: N_("until somebody releases it"),
}
"""How long a decision may hold, as the form offers it."""

_PARTS: Final = re.compile(r"[,;\n]+")
_RANGE: Final = re.compile(r"(?P<first>.+?)\s*(?:\.\.+|–|\bto\b|\bbis\b|\s-\s)\s*(?P<last>.+)")
_MAX_TEXT: Final = 40_000


@dataclass(frozen=True, slots=True)
class OrderForm:
    """As filled in: nothing of it has been looked at. `what` is `everything`, or `scope:`, `site:` or `team:` and a
    name; `dids`, where something stands in it, is meant instead. `until`, where something stands in it, is meant
    instead of `length`: local time as browsers send it."""

    what: str = ""
    dids: str = ""
    mode: str = OverrideKind.DR.value
    length: str = "1h"
    until: str = ""
    reason: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> OrderForm:
        """Longer texts than a form can hold are cut: what is left will not be understood."""
        return cls(**{name: fields[name].strip()[:_MAX_TEXT] for name in cls.__slots__ if name in fields})

    @property
    def kind(self) -> OverrideKind:
        """Raises OrderRefused."""
        try:
            return OverrideKind(self.mode)
        except ValueError as error:
            raise OrderRefused("mode", "is none of dr, normal and freeze", "Choose one of the three.") from error

    def end(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the word ends; None: when somebody releases it. Raises OrderRefused."""
        if self.until:
            try:
                at = datetime.fromisoformat(self.until)
            except ValueError as error:
                raise OrderRefused("until", "is not a time", "Write it as 2030-01-31T18:00.") from error
            return at if at.tzinfo is not None else at.replace(tzinfo=zone)
        if self.length == FOREVER:
            return None
        try:
            length = parse_duration(self.length)
        except (ValueError, OverflowError) as error:
            raise OrderRefused("for", "is not a duration", "Choose one of the list.") from error
        return now + min(length, timedelta(days=366))

    def target(self, directory: Directory | None, default_country: str) -> OverrideTarget:
        """Raises OrderRefused, and NotOurs for a DID, site or team that is not in the directory."""
        if self.dids:
            return OverrideTarget.of_dids(_dids(self.dids, directory, default_country))
        if self.what == EVERYTHING:
            return OverrideTarget()
        level, _, name = self.what.partition(":")
        if level not in ("scope", "site", "team") or not name:
            raise OrderRefused("what", "it is not said what this is about", "Choose from the list, or write DIDs.")
        known = choices_of(directory)
        if (level == "site" and name not in known.sites) or (level == "team" and name not in known.teams):
            raise NotOurs(f"There is no {level} of that name in the directory.", "Choose from the list.", level)
        if level == "scope":
            return OverrideTarget(scope=name)
        return OverrideTarget(site=name) if level == "site" else OverrideTarget(team=name)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers besides everything and the platforms."""

    sites: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


def choices_of(directory: Directory | None) -> Choices:
    """Of this directory; worked out once for each."""
    return Choices() if directory is None else _choices(SameDirectory(directory))


@lru_cache(maxsize=1)
def _choices(same: SameDirectory) -> Choices:
    directory = same.directory
    teams = {person.team for person in directory.people.values() if person.team}
    return Choices(tuple(sorted(directory.sites)), tuple(sorted(teams)))


def _dids(text: str, directory: Directory | None, default_country: str) -> list[Did]:
    found: list[Did] = []
    for part in _PARTS.split(text):
        if part.strip():
            found += _part(part.strip(), directory, default_country)
        if len(found) > MAX_LISTED_DIDS:
            raise OrderRefused("dids", f"these are more than {MAX_LISTED_DIDS} DIDs", "Choose a team or a site.")
    if not found:
        raise OrderRefused("dids", "there is no DID in it", "Write DIDs with commas between, or a range.")
    return found


def _part(text: str, directory: Directory | None, default_country: str) -> Iterator[Did]:
    ends = _RANGE.fullmatch(text)
    if ends is None:
        yield read_did(text, default_country)
        return
    first, last = read_did(ends["first"], default_country), read_did(ends["last"], default_country)
    if len(first) != len(last) or first > last:
        raise OrderRefused("dids", "the range does not go from a lower to a higher number", "Check its ends.")
    inside = [] if directory is None else [did for did in directory.assignments if _within(did, first, last)]
    if not inside:
        raise OrderRefused("dids", "none of our DIDs is in the range", "Check its ends.")
    yield from inside


def _within(did: Did, first: Did, last: Did) -> bool:
    return len(did) == len(first) and first <= did <= last


def read_did(text: str, default_country: str) -> Did:
    """A DID as people write it. Raises OrderRefused, which does not repeat it: it may be somebody's private number."""
    try:
        return parse_did(text, default_country)
    except NumberError as error:
        raise OrderRefused(
            "dids", "something in it is no DID", "Write it as +441134960100 or 0113 496 0100."
        ) from error
