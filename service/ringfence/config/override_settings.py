"""The settings of people's words."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class OverrideSettings(BaseModel):
    """[override]: what is asked of a person who forces the mode."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    second_person: list[Literal["everything", "platform", "site", "team"]] = Field(
        [], description="orders about these wait until a second person approves them; a release never does"
    )
    alone_after_seconds: int = Field(
        120, ge=10, le=3600, description="when whoever asked may carry it out alone, marked for review"
    )
    notice_before_minutes: int = Field(
        10, ge=0, le=1440, description="how long before an override ends people are told; 0: not at all"
    )
