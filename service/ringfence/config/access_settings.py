"""[access]: how long people stay signed in, and whether there are break-glass accounts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AccessSettings(BaseModel):
    """[access]: how long people stay signed in, and the break-glass accounts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session_hours: float = Field(12, ge=0.25, le=72, description="how long a sign-in lasts at most, hours")
    idle_minutes: float = Field(60, ge=5, le=1440, description="how long it lasts unused, minutes")
    break_glass: bool = Field(True, description="whether the two break-glass accounts that `init` made may sign in")
    break_glass_hours: float = Field(2, ge=0.25, le=12, description="how long such a sign-in lasts at most, hours")
    requests_per_second: float = Field(
        60, ge=1, le=1000, description="how often one caller may ask over HTTP; the local socket has no limit"
    )
    requests_burst: int = Field(200, ge=10, le=10_000, description="how many requests may come at once after a pause")
