"""Settings of the SCIM service, and its token."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from ringfence.app.hr.ports import SourceError
from ringfence.hr.secret_file import secret_line
from ringfence.hr.source_settings import SourceSettings

MIN_TOKEN_CHARACTERS: Final = 32


class ScimSettings(SourceSettings):
    """[[hr_source]] type "scim": an identity provider (Entra ID, Okta) that pushes users to us."""

    type: Literal["scim"]
    token_file: Path = Field(description="file with its bearer token, at least 32 characters; readable by us alone")
    public_url: str = Field(
        "",
        pattern=r"^(https://[^\s/?#]+/[^\s?#]*[^\s/?#])?$",
        description="address at which the provider reaches it, as https://hr.example.org/scim/v2; told in answers",
    )
    on_call_group: str = Field("", description="displayName of the group whose members are on call; empty: none")
    every_minutes: float = Field(60, ge=0.1, le=10_080, description="without a meaning here: the provider pushes")
    late_after_hours: float = Field(26, ge=0.1, le=8_784, description="nothing heard for this long: it is late")
    preset: str = Field("scim", description="mapping to begin with: the name of a preset (`ringfence hr presets`)")

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if "id" in self.fields:
            raise ValueError("fields: `id` is always SCIM's own; map `key` instead")
        if self.on_call_group and "on_call" in self.fields:
            raise ValueError("on_call_group: `fields` says already who is on call; leave one of them out")
        return self


def read_token(settings: ScimSettings) -> str:
    """Raises SourceError, which never quotes the token."""
    what = f"hr_source {settings.name!r}: token_file"
    token = secret_line(settings.token_file, what).strip()
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or " " in token:
        raise SourceError(
            f"{what}: the token has fewer than {MIN_TOKEN_CHARACTERS} characters, or some that a header cannot carry.",
            f"Make one: `openssl rand -hex 32 > {settings.token_file}`.",
        )
    return token
