"""What every source's settings have in common. Each source adds its own in its own file; `config` joins them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class SourceSettings(BaseModel):
    """[[hr_source]]: one HR source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SourceName = Field(description="its name in plans, history and precedence: small letters, digits, underscore")
    every_minutes: float = Field(60, ge=0.1, le=10_080, description="how often it is read")
    late_after_hours: float = Field(26, ge=0.1, le=8_784, description="age of its last good run from which it is late")
    preset: str = Field("", description="mapping to begin with: the name of a preset (`ringfence hr presets`)")
    fields: dict[str, str | list[str]] = Field(
        {}, description="field of a record = column or columns of the source; comes on top of the preset"
    )
