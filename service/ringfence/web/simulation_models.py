"""A simulated call as JSON. Private numbers, and the caller's, are masked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.simulation_values import PlatformDoes, What, Why


class AssumedPlatform(StrEnum):
    """What the platform is assumed to do."""

    UP = "up"
    DOWN = "down"
    REFUSING = "refusing"
    UNDELIVERABLE = "undeliverable"
    BUSY = "busy"
    DECLINED = "declined"
    UNANSWERED = "unanswered"

    @property
    def does(self) -> PlatformDoes:
        return _DOES.get(self) or PlatformDoes(self.value)


_DOES = {
    AssumedPlatform.UP: PlatformDoes.ANSWERS,
    AssumedPlatform.DOWN: PlatformDoes.SILENT,
    AssumedPlatform.REFUSING: PlatformDoes.FAILURE,
}


class HappeningOut(BaseModel):
    """One point of the call."""

    at_seconds: float = Field(description="since the call came in")
    seconds: float = Field(description="how long it lasts")
    what: What
    step: int = Field(description="0: the platform, or before the plan's first step")
    targets: list[str] = Field(description="masked where they are private numbers")
    result: str
    why: Why | None = Field(description="why it is passed over")
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
    caller: str = Field(description="masked; `withheld` where none is given. It does not change where a call goes")
    trunk: str
    at: datetime
    scope: str
    happenings: list[HappeningOut]
    ending: EndingOut
    not_simulated: list[str] = Field(description="what depends on other calls, in words")
