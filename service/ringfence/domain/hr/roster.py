"""The roster: what every source says, what of it is acted on, what people entered, and who held which DID when.

Each record is kept twice: as it was `said` last and as it is `accepted`. Whatever makes nobody's telephone ring that
did not ring before (a leaving date, `active` false, withdrawn consent) is accepted as soon as it is said; the rest when
the guard lets it (`guard`), or a person (`decision`). What differs is what is held. `derivation` makes
the directory that is routed by from the accepted records, the entries and the imported directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from ringfence.domain.directory import Consent, PersonKey
from ringfence.domain.hr.record import HrNumber, HrRecord, RecordId
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import RingHours

T = TypeVar("T")

IMPORTED: Final = "import"
"""The name of the imported directory in a precedence: the last one unless it is named."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """One record. `accepted` None: nothing of it has been accepted yet. `rejected`: what a person refused, not asked
    again until something else is said. `absent_since`: a complete batch came without it. `inactive_since`: when
    `active` False was first said."""

    said: HrRecord
    accepted: HrRecord | None
    said_at: datetime
    rejected: HrRecord | None = None
    absent_since: datetime | None = None
    absence_rejected: bool = False
    inactive_since: datetime | None = None

    @property
    def key(self) -> PersonKey:
        """Whose record it is, as accepted; as said while nothing is."""
        return (self.accepted or self.said).key


class Origin(StrEnum):
    """Which person entered something by hand."""

    PERSON = "person"
    HELPDESK = "helpdesk"


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """What a person entered: never overwritten by a feed."""

    value: T
    origin: Origin
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Away:
    """A long absence. `since` and `until` are days in the site's time zone, both included; `until` None: until further
    notice."""

    since: date
    until: date | None
    deputy: PersonKey | None


@dataclass(frozen=True, slots=True)
class Today:
    """Where somebody is for the time being: this number rings before their others, at any hour, until that moment."""

    number: HrNumber
    until: datetime


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What is known of one default number besides that it is one. `consent_on` is the day consent was given or
    withdrawn; `confirmed_on` the day the person last proved or confirmed that it reaches them. `press_one`: whether who
    answers has to press 1; None: as the import says, or the kind of number."""

    consent: Consent = Consent.NOT_STATED
    consent_on: date | None = None
    purpose: str = ""
    hours: RingHours | None = None
    confirmed_on: date | None = None
    press_one: bool | None = None


@dataclass(frozen=True, slots=True)
class PersonEntries:
    """Everything entered by hand for one person. `facts` is by number (E.164) and holds for a number whoever stated
    it."""

    numbers: Stated[tuple[HrNumber, ...]] | None = None
    dids: Stated[tuple[Did, ...]] | None = None
    left_at: Stated[datetime] | None = None
    away: Stated[Away] | None = None
    on_call_until: Stated[datetime] | None = None
    today: Stated[Today] | None = None
    facts: Mapping[str, Stated[NumberFacts]] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        return self != PersonEntries()


@dataclass(frozen=True, slots=True)
class Tenure:
    """One ownership epoch: a person's tenure of one DID. `until` None: it lasts."""

    did: Did
    person: PersonKey
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What outlives a restart about one source. `loaded` False: its first load has not been approved. `cursor` is the
    source's own bookmark. `fault`: why the last attempt failed, empty when it did not."""

    name: str
    loaded: bool = False
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    fault: str = ""
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class RosterChange:
    """What one step changes, stored in one transaction. A value of None removes the row."""

    records: Mapping[RecordId, RecordState | None] = field(default_factory=lambda: MappingProxyType({}))
    entries: Mapping[PersonKey, PersonEntries | None] = field(default_factory=lambda: MappingProxyType({}))
    tenures: Mapping[Did, tuple[Tenure, ...]] = field(default_factory=lambda: MappingProxyType({}))
    releases: Mapping[Did, datetime | None] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, SourceState] = field(default_factory=lambda: MappingProxyType({}))
    aliases: Mapping[PersonKey, PersonKey | None] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        return any((self.records, self.entries, self.tenures, self.releases, self.sources, self.aliases))


@dataclass(slots=True)
class Roster:
    """All of it. One writer holds it and changes it with `apply`, after the change is stored; whoever computes in a
    thread gets a `copy`. `releases`: until when no quarantine counts, per DID (quarantines of tenures that ended before
    that moment are lifted). `aliases`: an old person key -> the key that replaced it."""

    records: dict[RecordId, RecordState] = field(default_factory=dict)
    entries: dict[PersonKey, PersonEntries] = field(default_factory=dict)
    tenures: dict[Did, tuple[Tenure, ...]] = field(default_factory=dict)
    releases: dict[Did, datetime] = field(default_factory=dict)
    sources: dict[str, SourceState] = field(default_factory=dict)
    aliases: dict[PersonKey, PersonKey] = field(default_factory=dict)

    def apply(self, change: RosterChange) -> None:
        _merge(self.records, change.records)
        _merge(self.entries, change.entries)
        _merge(self.releases, change.releases)
        _merge(self.aliases, change.aliases)
        self.sources.update(change.sources)
        for did, tenures in change.tenures.items():
            if tenures:
                self.tenures[did] = tenures
            else:
                self.tenures.pop(did, None)

    def copy(self) -> Roster:
        """Shallow: every value in it is immutable."""
        return Roster(
            dict(self.records),
            dict(self.entries),
            dict(self.tenures),
            dict(self.releases),
            dict(self.sources),
            dict(self.aliases),
        )

    def key_of(self, key: PersonKey) -> PersonKey:
        """The key that this one has been replaced by; itself when it has not."""
        return last_key(key, self.aliases) if key in self.aliases else key

    def of_source(self, source: str) -> Iterator[tuple[RecordId, RecordState]]:
        return ((id_, state) for id_, state in self.records.items() if id_.source == source)


@dataclass(frozen=True, slots=True)
class RosterPolicy:
    """The configuration's part. `sources` are in order of precedence; `precedence` gives another order for a single
    field (names of `HrRecord`). `zone` is the time zone of sites that name none. `private_hours` hold for a private
    number that a feed or a person stated without hours of its own, not for an imported one."""

    sources: tuple[str, ...] = ()
    precedence: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    zone: str = "Europe/London"
    quarantine: timedelta = timedelta(days=30)
    retention: timedelta = timedelta(days=30)
    require_consent: bool = False
    private_hours: RingHours | None = None
    guard_percent: float = 5.0
    guard_rows: int = 20
    guard_window: timedelta = timedelta(hours=12)


def last_key(key: PersonKey, aliases: Mapping[PersonKey, PersonKey]) -> PersonKey:
    """The key at the end of the aliases that begin with this one."""
    seen = {key}
    while (following := aliases.get(key)) is not None and following not in seen:
        key = following
        seen.add(key)
    return key


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _merge(into: dict[_Key, _Value], changes: Mapping[_Key, _Value | None]) -> None:
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
