"""A simulated call as JSON. Private numbers, and the caller's, are masked."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.simulation_values import Shows, What, Why


class HappeningOut(BaseModel):
    """One point of the call."""

    at_seconds: float = Field(description="since the call came in")
    seconds: float = Field(description="how long it lasts")
    what: What
    step: int = Field(description="0: the platform, or before the plan's first step")
    targets: list[str] = Field(description="masked where they are private numbers")
    result: str
    why: Why | None = Field(description="why it is passed over")
    shows: Shows | None = Field(description="whose number the telephone that rings shows")
    asked: bool = Field(description="whether whoever answers is asked to press 1")
    language: str = Field(description="of an announcement or a greeting, as Asterisk names it")
    sentence: str
    heard: str = Field(description="what the caller hears meanwhile; empty: no time passes")


class EndingOut(BaseModel):
    """As the call's event would tell it (docs/reference/events.md)."""

    at_seconds: float
    answered_by: AnsweredBy
    result: str
    decision: str
    path: str
    reason: str
    step: int
    sentence: str


class SimulationOut(BaseModel):
    """What a caller would experience, by the records that are published and the dialplan's rules."""

    did: str
    caller: str = Field(
        description="masked; `withheld` where none is given. It changes whom the telephones show, not where a call goes"
    )
    trunk: str
    at: datetime
    scope: str
    shadow: bool = Field(description="shadow mode: this is what would be, live; nothing is done to calls")
    happenings: list[HappeningOut]
    ending: EndingOut
    not_simulated: list[str] = Field(description="what depends on other calls, in words")
