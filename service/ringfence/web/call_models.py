"""Explanations, calls and history as JSON. Private numbers, and callers', are masked."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.directory import LineKind
from ringfence.domain.outage import Decision
from ringfence.domain.records import Forced
from ringfence.domain.route_plan import Omission, StepReason
from ringfence.web.paging import Next
from ringfence.web.status_models import OverrideOut


class StepOut(BaseModel):
    """One step of a plan. `target` is masked when it is a private number, and the name of a team or, where it is asked
    whether the site is open, of the site; in a record as Asterisk holds it, their keys in it."""

    kind: str = Field(description="person, site, team, opening, voicemail or announcement")
    target: str
    ring_seconds: int
    hours: str | None = Field(description="when it may be rung, in its own time zone; null: at any time")
    press_one: bool = Field(description="whether who answers has to press 1 before the caller is put through")
    reason: StepReason | None = Field(description="null: a record as Asterisk holds it has no reasons")
    sentence: str


class LeftOutOut(BaseModel):
    """What is not in the plan, and why."""

    target: str
    omission: Omission
    sentence: str


class PlanOut(BaseModel):
    """As compiled from the directory."""

    scope: str
    kind: LineKind
    critical: bool
    plan: list[StepOut]
    undeliverable: list[StepOut] = Field(description="where calls go when the platform will not reach the person")
    left_out: list[LeftOutOut]


class HeldOut(BaseModel):
    """The record as read back from Asterisk."""

    scope: str
    kind: LineKind
    critical: bool
    forced: Forced
    plan: list[StepOut]
    undeliverable: list[StepOut]


class ExplanationOut(BaseModel):
    """Why a call to this DID would go where it goes."""

    did: str
    decision: Decision | None = Field(
        description="what is done with a call to it now; null: not ours, or its platform is not configured"
    )
    decision_words: str
    shadow: bool = Field(description="shadow mode: the decision is shown, and nothing is done to calls")
    handed_over: dict[str, str] = Field(
        description="trunk -> context of the site's own dialplan in which its calls go on while they go to the platform"
    )
    held: HeldOut | None = Field(description="what the dialplan would read now")
    held_words: str
    equal: bool | None = Field(description="whether it equals the table; null: Asterisk could not be asked")
    directory: PlanOut | None = Field(description="what the directory makes of it; null: not ours")
    override: OverrideOut | None = Field(description="the word that decides for it and not for its whole platform")
    words: list[OverrideOut] = Field(description="every word about it: first the one that counts, then those it beats")
    words_sentence: str = Field(description="which of them counts, in words; empty: there is none")


class WouldOut(BaseModel):
    """What would have become of a call that nothing was done to, had whoever was rung first answered."""

    diverted: bool = Field(description="whether its plan would have taken it")
    path: str
    reason: str = Field(description="as in the events; `platform-slow`: it rang later than `no_progress_seconds`")
    answered_by: AnsweredBy = Field(description="who would have been rung first")
    step: int


class CallOut(BaseModel):
    """One finished call. `step` is 0 for the platform and n for the plan's n-th step."""

    call_id: str
    ended_at: datetime
    did: str
    trunk: str
    scope: str
    caller: str = Field(description="masked; or `withheld`, or `no longer kept`")
    decision: str
    path: str
    reason: str
    step: int
    answered_by: AnsweredBy
    result: str
    platform_status: int | None
    duration_ms: int
    ringing_after_ms: int | None
    would: WouldOut | None = Field(description="in shadow mode: what would have become of it, live; else null")


class CallsOut(BaseModel):
    """Newest first."""

    calls: list[CallOut]
    next: Next


class HistoryRowOut(BaseModel):
    """One mode change or one person's word."""

    at: datetime
    scope: str = Field(description="a platform's name, `did:<E.164>` or `everything`")
    before: str
    after: str
    reason: str
    sentence: str
    evidence: list[str]
    shadow: bool = Field(description="of a mode: it was decided in shadow mode, and nothing was done to calls")
    who: str
    why: str


class HistoryOut(BaseModel):
    """Newest first."""

    history: list[HistoryRowOut]
    next: Next
