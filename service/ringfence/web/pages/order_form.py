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
from ringfence.app.override_desk import OverrideDesk
from ringfence.domain.directory import Directory
from ringfence.domain.numbers import Did, NumberError, parse_did
from ringfence.domain.override import OverrideKind, OverrideTarget
from ringfence.web.order_targets import read_end
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
_BETWEEN: Final = re.compile(r"\.\.+|–|\bto\b|\bbis\b|\s-\s")
"""The ends of a range. What stands on either side is looked at once: with a pattern of all three, forty thousand spaces
take a time with the square of their number."""
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

    def end(self, zone: ZoneInfo) -> tuple[datetime | None, timedelta | None]:
        """The end as a moment or as a duration; both None: when somebody releases it. Raises OrderRefused."""
        if not self.until:
            return read_end(None, None if self.length == FOREVER else self.length)
        try:
            at = datetime.fromisoformat(self.until)
        except ValueError as error:
            raise OrderRefused("until", "is not a time", "Write it as 2030-01-31T18:00.") from error
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)), None

    def target(self, desk: OverrideDesk, default_country: str) -> OverrideTarget:
        """Raises OrderRefused, and NotOurs for a range without a DID of ours."""
        if self.dids:
            target = desk.list_of(list(_dids(self.dids, desk, default_country)))
            try:
                desk.check_target(target)
            except NotOurs as error:
                # Not repeated: it may be somebody's private number.
                raise OrderRefused("dids", "something in it is no DID of ours", "Check the digits.") from error
            return target
        if self.what == EVERYTHING:
            return OverrideTarget()
        level, _, name = self.what.partition(":")
        if level not in ("scope", "site", "team") or not name:
            raise OrderRefused("what", "it is not said what this is about", "Choose from the list, or write DIDs.")
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


def _dids(text: str, desk: OverrideDesk, default_country: str) -> Iterator[str]:
    for part in _PARTS.split(text):
        written = part.strip()
        if not written:
            continue
        if (between := _BETWEEN.search(written, 1)) is None:
            yield read_did(written, default_country)
        else:
            first = read_did(written[: between.start()], default_country)
            last = read_did(written[between.end() :], default_country)
            yield from desk.range_of(first, last).listed


def read_did(text: str, default_country: str) -> Did:
    """A DID as people write it. Raises OrderRefused, which does not repeat it: it may be somebody's private number."""
    try:
        return parse_did(text, default_country)
    except NumberError as error:
        raise OrderRefused("dids", "something in it is no DID", "Write them as 0113 496 0100.") from error
