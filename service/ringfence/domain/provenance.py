"""What is known of one person, from whom and since when: all of it side by side, for `ringfence person show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ringfence.domain.directory import Consent, Directory, PersonKey
from ringfence.domain.hr_record import NumberUse
from ringfence.domain.numbers import Did
from ringfence.domain.roster import NumberFacts, Roster, RosterPolicy


class Standing(StrEnum):
    """Where a person stands now."""

    EMPLOYED = "employed"
    NOT_STARTED = "not started"
    LEFT = "left"
    AWAY = "away"
    UNKNOWN = "unknown to HR"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one origin says of one field. `value` is for people: words, numbers masked. `origin` is a source's name,
    `import`, `person` or `helpdesk`; `who` the person behind the last two. `held`: said, and not accepted."""

    value: str
    origin: str
    at: datetime | None = None
    who: str = ""
    in_force: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class NumberView:
    """One default number, masked. `hours` are words, empty for any time. `rings`: it would in an outage now; `why_not`
    is a sentence, empty when it does. `stated`: what was entered by hand of this number, None when nothing was.
    `e164` is the number in clear, for whoever enters something of it: never shown."""

    masked: str
    use: NumberUse
    ring_seconds: int
    hours: str
    consent: Consent
    consent_on: date | None
    confirmed_on: date | None
    purpose: str
    rings: bool
    why_not: str
    stated: NumberFacts | None = None
    e164: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DidView:
    """A DID the person holds. `hold` is a sentence on why nobody's numbers ring for it, empty when they do."""

    did: Did
    since: datetime | None
    hold: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """All of it. `since` and `until` are those of the employment, where they are known."""

    key: PersonKey
    name: str
    standing: Standing
    since: datetime | None
    until: datetime | None
    fields: Mapping[str, tuple[Claim, ...]]
    dids: tuple[DidView, ...]
    numbers: tuple[NumberView, ...]


def person_view(
    base: Directory, roster: Roster, policy: RosterPolicy, key: PersonKey, now: datetime
) -> PersonView | None:
    """None: nobody knows this key."""
    return None
