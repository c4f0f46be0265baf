"""Incidents as JSON. Callers are masked; private numbers are in none of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ringfence.domain.incident import MAX_NOTE_CHARACTERS, EntryKind, GapReason
from ringfence.domain.missed_calls import CallBackState

MAX_CALL_ID_CHARACTERS: Final = 200

_TEXT: Final = {"minLength": 1, "maxLength": MAX_NOTE_CHARACTERS, "pattern": r"^[^\x00-\x09\x0b-\x1f\x7f]*$"}
_MAYBE: Final = {"maxLength": MAX_NOTE_CHARACTERS, "pattern": r"^[^\x00-\x09\x0b-\x1f\x7f]*$"}


class IncidentOut(BaseModel):
    """One outage of one scope."""

    id: int
    scope: str
    opened_at: datetime
    closed_at: datetime | None = Field(description="null while it lasts")
    reason: str
    sentence: str
    opened_late: bool = Field(description="it began before `opened_at`, when the database did not know of it")
    relapses: int = Field(description="how often it went on from the hold-down or the trial")


class IncidentsOut(BaseModel):
    """Newest first. `next` is the `before` of the next page; null: there is none."""

    incidents: list[IncidentOut]
    next: int | None


class EntryOut(BaseModel):
    """One line of the timeline."""

    at: datetime
    kind: EntryKind
    words: str
    about: str = Field(description="what an override is about, else empty")
    who: str
    detail: list[str]


class GapOut(BaseModel):
    """A time in which nobody heard how calls ended."""

    began: datetime
    ended: datetime | None = Field(description="null while it lasts")
    reason: GapReason
    covered: bool | None = Field(description="whether Asterisk's own records have completed it; null: not tried yet")
    words: str


class StatusCountOut(BaseModel):
    """Failed legs to the platform with one SIP status, in one portion of time."""

    began: datetime
    status: int
    calls: int


class DidCallsOut(BaseModel):
    """The calls to one DID, by who took them."""

    did: str
    calls: int
    answered_by: dict[str, int]


class IncidentCallsOut(BaseModel):
    """What became of the calls that came in. `kept` is false where some are older than call records are kept."""

    since: datetime
    until: datetime
    kept: bool
    calls: int
    failed: int = Field(description="calls that the platform let down")
    first_failed_at: datetime | None
    last_failed_at: datetime | None
    seconds_to_verdict: float | None = Field(description="from the first failed call; null: none failed before it")
    plan_tried: int = Field(description="calls whose plan was gone through")
    plan_in_vain: int = Field(description="of these, calls for which nobody in the plan could be reached")
    answered_by: dict[str, int]
    results: dict[str, int]
    portion_seconds: int = Field(description="how much time one row of `statuses` covers")
    statuses: list[StatusCountOut]
    dids_called: int
    dids: list[DidCallsOut] = Field(description="those with the most calls, at most 200; the evidence has all")


class IncidentDetailOut(BaseModel):
    """All that is known of one incident."""

    incident: IncidentOut
    timeline: list[EntryOut]
    calls: IncidentCallsOut
    missed: dict[str, int] = Field(description="lines of the call-back list by state, and `reached_later`")
    unheard: list[GapOut]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoteOrder(_Order):
    """What the others should know."""

    text: Annotated[
        str,
        Field(
            description="plain text; telephone numbers in it are masked before it is kept",
            json_schema_extra=_TEXT,
            examples=["vendor's ticket 4711: their session border controller is being restarted"],
        ),
    ]


class NoteOut(BaseModel):
    """As it was kept."""

    id: int
    at: datetime
    who: str
    text: str


class CallBackOut(BaseModel):
    """What an agent said last."""

    state: CallBackState
    words: str
    who: str
    at: datetime
    note: str


class MissedOut(BaseModel):
    """One caller's missed calls to one DID."""

    call: str = Field(description="the newest call's id; it names this line")
    caller: str = Field(description="masked; or `withheld`, or `no longer kept`")
    withheld: bool
    did: str
    calls: int
    announced: int = Field(description="how many of them heard the announcement")
    first_at: datetime
    last_at: datetime
    last_result: str
    reached_later_at: datetime | None = Field(description="when the caller got through to this DID after all")
    state: CallBackState
    words: str
    waits: bool = Field(description="whether somebody still has to call back")
    call_back: CallBackOut | None


class MissedListOut(BaseModel):
    """Whoever has waited longest comes first. `next` is the `offset` of the next page; null: there is none."""

    incident: IncidentOut
    counts: dict[str, int]
    missed: list[MissedOut]
    next: int | None
    left_out: int = Field(description="missed calls beyond what can be listed")
    unheard: list[GapOut] = Field(description="times of which calls may be missing here, unless they are covered")


class CallBackOrder(_Order):
    """How far calling back is."""

    state: CallBackState
    note: Annotated[str, Field(description="numbers in it are masked", json_schema_extra=_MAYBE)] = ""
    take_over: StrictBool = Field(False, description="whoever else has it: it is yours now")
