"""[usual]: what becomes of calls, held against the same weekday's same hour."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ringfence.config.words import Table
from ringfence.domain.usual import UsualPolicy


def _day(text: str) -> str:
    if text:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:32]!r} is no day such as 2030-01-31") from None
    return text


Day = Annotated[str, AfterValidator(_day)]


class UsualSettings(Table):
    """[usual]: calls held against what is usual at this hour; what is not degrades a platform, and moves nothing."""

    enabled: bool = Field(True, description="whether it is watched at all; it is counted in any case")
    weeks: int = Field(8, ge=4, le=26, description="how many weeks back the same hour is looked at")
    min_weeks: int = Field(3, ge=2, le=8, description="with fewer weeks of history nothing is said")
    false_alarms_per_year: float = Field(
        0.25,
        ge=0.01,
        le=1000,
        description="false alarms to bear for each platform and each inbound trunk; fewer: later",
    )
    min_dids: int = Field(
        5,
        ge=1,
        le=1000,
        description="different DIDs among the calls that speak against a platform; 1 for a one-number site",
    )
    short_call_seconds: float = Field(10.0, ge=1, le=60, description="an answered call that is over sooner is short")
    learn_from: Day = Field(
        "", description="forget what was before this day (`2030-01-31`), after a change that makes other calls usual"
    )

    @model_validator(mode="after")
    def _enough_weeks(self) -> UsualSettings:
        if self.min_weeks > self.weeks:
            raise ValueError("min_weeks is more than weeks; look back further, or be content with less")
        return self

    @property
    def policy(self) -> UsualPolicy:
        return UsualPolicy(
            self.weeks,
            self.min_weeks,
            self.false_alarms_per_year,
            self.min_dids,
            self.short_call_seconds,
            date.fromisoformat(self.learn_from) if self.learn_from else None,
        )
