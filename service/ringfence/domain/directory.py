"""What we route by: people with their default numbers, DIDs with their owners, sites with their fallbacks.

A `Directory` is immutable; a change makes a new one. The store loads it, the CSV import and later the roster
make new ones, `routing` compiles it. Everything is slotted and strings are shared: 100,000 DIDs have to fit
in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NewType, TypeVar
from zoneinfo import ZoneInfo

from ringfence.domain.numbers import Did, mask
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.team import Team

if TYPE_CHECKING:
    from ringfence.domain.did_range import DidRange

PersonKey = NewType("PersonKey", str)
"""What the organisation calls a person by: a staff number or a sign-in name; never a telephone number."""

MIN_RING_SECONDS: Final = 5
MAX_RING_SECONDS: Final = 120
DEFAULT_RING_SECONDS: Final = 20
MAX_DEFAULT_NUMBERS: Final = 5
MAX_NAME_LENGTH: Final = 80
DEFAULT_ANNOUNCEMENT: Final = "unavailable"
MAX_SPANS: Final = 4
MAX_HOLIDAYS: Final = 40
"""Of a site's opening hours: as many as its record holds."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_ANNOUNCEMENT = re.compile(r"[A-Za-z0-9_-]{1,32}(?:/[A-Za-z0-9_-]{1,32}){0,2}")
_FORMULA_STARTS: Final = "=+-@"


class LineKind(StrEnum):
    """What answers at the far end of a DID; decides whether and where it may be diverted (`line_kinds`)."""

    VOICE = "voice"
    FAX = "fax"
    ALARM = "alarm"
    LIFT = "lift"
    TELECARE = "telecare"
    DOOR = "door"
    SWITCHBOARD = "switchboard"
    SAFEGUARDING = "safeguarding"


class Consent(StrEnum):
    """A person's word on whether this number may ring in an outage."""

    NOT_STATED = "not_stated"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class NotRung(StrEnum):
    """Why a number that is known is not rung. `route_plan.Omission` has a sentence for each."""

    NOT_STARTED = "owner_not_started"
    LEFT = "owner_left"
    AWAY = "owner_away"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_MISSING = "consent_missing"
    QUARANTINE = "quarantine"
    CLAIMED_TWICE = "claimed_twice"


@dataclass(frozen=True, slots=True)
class DefaultNumber:
    """Where a person's calls go in DR mode; a private number. `ring_seconds` is 5 to 120. `hours` None: at any hour.
    `confirmed_on` is the day the person last confirmed it. `press_one`: whether who answers has to press 1; None: as
    the configuration says for this type of number."""

    e164: str
    ring_seconds: int = DEFAULT_RING_SECONDS
    hours: RingHours | None = None
    consent: Consent = Consent.NOT_STATED
    confirmed_on: date | None = None
    press_one: bool | None = None

    def __post_init__(self) -> None:
        assert MIN_RING_SECONDS <= self.ring_seconds <= MAX_RING_SECONDS, f"ring seconds {self.ring_seconds}"

    def __repr__(self) -> str:
        return f"DefaultNumber({self.words})"

    @property
    def words(self) -> str:
        """For people: masked."""
        press = "" if self.press_one is None else " press1" if self.press_one else " nopress"
        return f"{mask(self.e164)} {self.ring_seconds}s{press}"


@dataclass(frozen=True, slots=True)
class Person:
    """An employee. `default_numbers` are tried in order, at most five; `withheld` are those that are known and not
    rung, and why. `deputy`: whose default numbers ring instead of this person's now. `team` is what HR calls the
    department; empty: not stated. `extension`: 2 to 10 digits, by which a range of DIDs may know its owners; empty:
    none."""

    key: PersonKey
    name: str
    site: str
    default_numbers: tuple[DefaultNumber, ...] = ()
    withheld: tuple[tuple[DefaultNumber, NotRung], ...] = ()
    deputy: PersonKey | None = None
    team: str = ""
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A place with somebody who answers for it, perhaps, and an announcement for when nobody does. `time_zone` is an
    IANA name; None: the configuration's. `opening`: when its team lines are served, at most 4 spans, none: always;
    `holidays`, at most 40, are days on which it is closed. Closed, `out_of_hours_number` is rung, if there is one, then
    comes `out_of_hours_announcement` (empty: `announcement`). `voicemail` is a mailbox, `number@context`; empty:
    none."""

    name: str
    fallback_number: str | None = None
    announcement: str = DEFAULT_ANNOUNCEMENT
    time_zone: str | None = None
    opening: tuple[RingHours, ...] = ()
    holidays: tuple[date, ...] = ()
    out_of_hours_number: str | None = None
    out_of_hours_announcement: str = ""
    voicemail: str = ""


@dataclass(frozen=True, slots=True)
class DidAssignment:
    """One DID of ours. No owner: it is vacant. `scope` is the platform that normally takes its calls. `hold`: nobody's
    default numbers ring for this DID now, and why; until `hold_until` where that is known. `team`: the team line it is;
    empty: none. `divert_number` is rung first in DR mode, whatever the line kind; not a private number."""

    did: Did
    owner: PersonKey | None
    site: str
    scope: str
    kind: LineKind = LineKind.VOICE
    critical: bool = False
    hold: NotRung | None = None
    hold_until: datetime | None = None
    team: str = ""
    divert_number: str | None = None


class DirectoryError(ValueError):
    """A directory that contradicts itself. `faults` are sentences, all of them (at most 100)."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Directory:
    """The whole of it. Build one with `did_range.directory_of` or `Directory.of`, which prove that every reference
    leads somewhere. The directory in force (`derivation`) is built without: a person's site is what HR calls it there,
    and may be none of ours. `assignments` has every DID, `ranges` and `rows` are how they are written."""

    people: Mapping[PersonKey, Person] = field(default_factory=lambda: MappingProxyType({}))
    assignments: Mapping[Did, DidAssignment] = field(default_factory=lambda: MappingProxyType({}))
    sites: Mapping[str, Site] = field(default_factory=lambda: MappingProxyType({}))
    teams: Mapping[str, Team] = field(default_factory=lambda: MappingProxyType({}))
    ranges: Mapping[str, DidRange] = field(default_factory=lambda: MappingProxyType({}))
    written: Mapping[Did, DidAssignment] | None = None

    @classmethod
    def of(
        cls,
        people: Iterable[Person] = (),
        assignments: Iterable[DidAssignment] = (),
        sites: Iterable[Site] = (),
        teams: Iterable[Team] = (),
    ) -> Directory:
        """Raises DirectoryError when a key comes twice or a reference leads nowhere."""
        faults: list[str] = []
        directory = cls(
            people=_keyed(((person.key, person) for person in people), "person", faults),
            assignments=_keyed(((item.did, item) for item in assignments), "DID", faults),
            sites=_keyed(((site.name, site) for site in sites), "site", faults),
            teams=_keyed(((team.name, team) for team in teams), "team", faults),
        )
        faults.extend(directory._dangling())
        if faults:
            raise DirectoryError(tuple(faults[:100]))
        return directory

    def __repr__(self) -> str:
        return f"Directory({len(self.people)} people, {len(self.assignments)} DIDs, {len(self.sites)} sites)"

    def person(self, key: str) -> Person | None:
        return self.people.get(PersonKey(key))

    def assignment(self, did: str) -> DidAssignment | None:
        return self.assignments.get(Did(did))

    @property
    def rows(self) -> Mapping[Did, DidAssignment]:
        """The DIDs that are no part of a range, or differ from theirs."""
        return self.assignments if self.written is None else self.written

    def site(self, name: str) -> Site | None:
        return self.sites.get(name)

    def scopes(self) -> frozenset[str]:
        """Every platform that some DID belongs to."""
        return frozenset(item.scope for item in self.assignments.values())

    def _dangling(self) -> Iterator[str]:
        for person in self.people.values():
            if person.site not in self.sites:
                yield f"person {person.key} is at site {person.site!r}, which does not exist"
            if person.deputy is not None and person.deputy not in self.people:
                yield f"person {person.key} has the deputy {person.deputy!r}, who does not exist"
        for item in self.assignments.values():
            if item.owner is not None and item.owner not in self.people:
                yield f"DID {item.did} belongs to {item.owner!r}, who does not exist"
            if item.site not in self.sites:
                yield f"DID {item.did} is at site {item.site!r}, which does not exist"
            if item.team and item.team not in self.teams:
                yield f"DID {item.did} is a line of team {item.team!r}, which does not exist"
        for team in self.teams.values():
            if team.site not in self.sites:
                yield f"team {team.name} is at site {team.site!r}, which does not exist"
            for member in team.members:
                if member not in self.people:
                    yield f"team {team.name} has the member {member!r}, who does not exist"


def why_not_key(text: str) -> str | None:
    """Why a text cannot be a person's key; None when it can."""
    return (
        None
        if _KEY.fullmatch(text)
        else "must be 1 to 64 letters, digits, '.', '_', '@' or '-', a letter or digit first"
    )


def why_not_name(text: str) -> str | None:
    """Why a text cannot be the name of a person or site; None when it can.

    A name that begins like a formula would be run by the spreadsheet our export is opened in.
    """
    if not text:
        return "is empty; write a name"
    if len(text) > MAX_NAME_LENGTH:
        return f"is longer than {MAX_NAME_LENGTH} characters; shorten it"
    if not text.isprintable():
        return "holds a control character or line break; remove it"
    if text != text.strip():
        return "begins or ends with a space; remove it"
    if text[0] in _FORMULA_STARTS:
        return f"begins with {text[0]!r}, which a spreadsheet would run as a formula; begin it with a letter"
    return None


def why_not_scope(text: str) -> str | None:
    """Why a text cannot be a platform's name; None when it can. It is part of AstDB keys and records."""
    return None if _SCOPE.fullmatch(text) else "must be 1 to 32 letters, digits, '_' or '-', a letter or digit first"


def why_not_announcement(text: str) -> str | None:
    """Why a text cannot name an announcement; None when it can. Never a path out of the sounds directory."""
    if _ANNOUNCEMENT.fullmatch(text):
        return None
    return "must be letters, digits, '_' and '-', at most two folders before it, no file ending"


def why_not_zone(text: str) -> str | None:
    """Why a text cannot name a time zone; None when it can."""
    try:
        ZoneInfo(text)
    except (ValueError, KeyError, OSError):  # a folder of zones, as `Europe`, is an OSError
        return "is no time zone; write one as Europe/London"
    return None


_Key = TypeVar("_Key", bound=str)
_Value = TypeVar("_Value")


def _keyed(pairs: Iterable[tuple[_Key, _Value]], what: str, faults: list[str]) -> Mapping[_Key, _Value]:
    found: dict[_Key, _Value] = {}
    for key, value in pairs:
        if key in found:
            faults.append(f"{what} {key} comes twice")
        found[key] = value
    return MappingProxyType(found)
