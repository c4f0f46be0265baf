"""People, where each fact about them comes from, and what is entered by hand, as JSON. Numbers are masked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ringfence.domain.asked_word import AskedWord
from ringfence.domain.directory import (
    DEFAULT_RING_SECONDS,
    MAX_DEFAULT_NUMBERS,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    Consent,
)
from ringfence.domain.hr.provenance import Standing
from ringfence.domain.hr.record import NumberUse
from ringfence.web.order_models import MAX_DID_CHARACTERS, DidText, Why
from ringfence.web.paging import Next

MAX_DIDS: Final = 50
MAX_PURPOSE_CHARACTERS: Final = 80
MAX_KEY_CHARACTERS: Final = 64

PersonText = Annotated[
    str, Field(description="a person's key", json_schema_extra={"maxLength": MAX_KEY_CHARACTERS}, examples=["a.archer"])
]
MomentText = Annotated[
    str,
    Field(
        description="a moment with its time zone",
        json_schema_extra={"format": "date-time"},
        examples=["2030-01-31T18:00:00+00:00"],
    ),
]


class ClaimOut(BaseModel):
    """What one origin says of one field."""

    value: str
    origin: str = Field(description="a source's name, `import`, `person` or `helpdesk`")
    who: str = Field(description="the person behind `person` and `helpdesk`")
    at: datetime | None = Field(description="when it was said")
    in_force: bool = Field(description="this is what counts")
    held: bool = Field(description="said, and held until a person decides")


class NumberOut(BaseModel):
    """One default number. `position` names it in orders: numbers stand in no address."""

    position: int
    number: str = Field(description="masked")
    use: NumberUse
    ring_seconds: int
    hours: str = Field(description="those in which it may ring; empty: at any time")
    consent: Consent
    consent_on: date | None
    confirmed_on: date | None
    purpose: str
    press_one: bool | None = Field(
        description="whether who answers has to press 1, by hand or by the import; null: as its kind of number says"
    )
    rings: bool = Field(description="whether it would ring in an outage now")
    why_not: str


class PersonDidOut(BaseModel):
    """A DID the person holds."""

    did: str
    since: datetime | None
    hold: str = Field(description="why nobody's numbers ring for it now; empty: they do")


class PersonOut(BaseModel):
    """All that is known of one person, from whom and since when."""

    key: str
    name: str
    standing: Standing
    since: datetime | None
    until: datetime | None
    fields: dict[str, list[ClaimOut]] = Field(description="every origin's word, also those that do not count")
    dids: list[PersonDidOut]
    numbers: list[NumberOut]
    today_until: datetime | None = Field(description="the first number is where the person is until then")


class PeopleOut(BaseModel):
    """Those who were found."""

    people: list[PersonOut]


class NoteOut(BaseModel):
    """One decision, entry or erasure."""

    at: datetime
    who: str
    reason: str
    what: str
    person: str


class NotesOut(BaseModel):
    """Newest first."""

    history: list[NoteOut]
    next: Next


class EntryDone(BaseModel):
    """The person as they are after it."""

    person: PersonOut
    warnings: list[str] = Field(description="what was taken and may yet be a mistake")


class Forgotten(BaseModel):
    """Whose private numbers have been erased."""

    key: str


class DidReleased(BaseModel):
    """`released` is false when the DID was in no quarantine; nothing has changed then."""

    released: bool


class EntryOrder(BaseModel):
    """Something entered by hand: no feed overwrites it."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


class NumberIn(BaseModel):
    """One default number, in clear."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[
        str,
        Field(
            description="E.164, or as dialled in the default country",
            json_schema_extra={"maxLength": MAX_DID_CHARACTERS},
            examples=["+447700900123"],
        ),
    ]
    use: NumberUse = NumberUse.PRIVATE
    ring_seconds: Annotated[int, Field(strict=True, ge=MIN_RING_SECONDS, le=MAX_RING_SECONDS)] = DEFAULT_RING_SECONDS


class NumbersOrder(EntryOrder):
    """All default numbers, in the order in which they ring; none: this person has none."""

    numbers: Annotated[list[NumberIn], Field(max_length=MAX_DEFAULT_NUMBERS)]


class DidsOrder(EntryOrder):
    """All DIDs the person owns; none: they own none."""

    dids: Annotated[list[DidText], Field(max_length=MAX_DIDS)]


class FactsOrder(EntryOrder):
    """What is known of one default number, named by exactly one of `position` and `number`. What is not given stays as
    it is."""

    position: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = Field(None, description="as `GET` shows it")
    number: str | None = Field(
        None, description="the number itself", json_schema_extra={"maxLength": MAX_DID_CHARACTERS}
    )
    consent: Consent | None = None
    consent_on: date | None = Field(None, description="the day of it; not given with a new consent: today")
    purpose: str | None = Field(
        None, description="what it may be used for", json_schema_extra={"maxLength": MAX_PURPOSE_CHARACTERS}
    )
    hours: str | None = Field(
        None,
        description="those in which it may ring: 07:00-22:00 or mon-fri 08:00-18:00; empty: those of the configuration",
        json_schema_extra={"maxLength": 32},
        examples=["07:00-22:00"],
    )
    confirmed_on: date | None = Field(None, description="the day on which the person confirmed that it reaches them")
    press_one: AskedWord | None = Field(
        None, description="whether who answers has to press 1; `as_configured`: as the import or its kind says"
    )


class AwayOrder(EntryOrder):
    """A long absence: days in the site's time zone, both included."""

    from_: date = Field(alias="from")
    until: date | None = Field(None, description="null: until further notice")
    deputy: PersonText | None = Field(None, description="whose default numbers ring meanwhile")


class OnCallOrder(EntryOrder):
    """Private numbers may ring at any hour until then."""

    until: MomentText


class TodayOrder(EntryOrder, NumberIn):
    """Where the person is for the time being: this number rings before the others, at any hour."""

    until: MomentText


class LeavingOrder(EntryOrder):
    """At most one of the two; neither: at once."""

    at: MomentText | None = None
    last_day: date | None = Field(None, description="the last working day, in the site's time zone")
