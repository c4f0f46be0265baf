"""What every source's settings have in common. Each source adds its own in its own file; `config` joins them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ringfence.domain.hr.field_mapping import FieldMapping, MappingError, mapping_of

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
    date_order: Literal["dmy", "mdy"] = Field(
        "dmy",
        description="how 03/04/2026 is read: day first or month first; a day that begins with its year needs none",
    )
    status_words: dict[str, bool] = Field(
        {}, description="words of the `active` column, beside the usual ones: true for employed, false for not"
    )

    @model_validator(mode="after")
    def _mapping_works(self) -> Self:
        try:
            self.mapping("GB")
        except MappingError as error:
            raise ValueError(f"fields: {error}") from None
        return self

    def mapping(self, default_country: str) -> FieldMapping:
        """What the preset and the fields come to. Raises MappingError."""
        return mapping_of(
            self.preset, self.fields, default_country, date_order=self.date_order, words=self.status_words
        )
