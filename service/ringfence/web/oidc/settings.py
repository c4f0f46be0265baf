"""[[sign_in]]: the OpenID Connect providers that people may sign in with. No other issuer is ever believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from yarl import URL

from ringfence.domain.access import Role
from ringfence.domain.web_address import why_not_address

ClaimPath = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class SignInSettings(BaseModel):
    """[[sign_in]]: an OpenID Connect provider that people sign in with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,30}$", description="its name in addresses: small letters, digits, underscore"
    )
    label: str = Field("", max_length=60, description="what its button says; empty: the name")
    issuer: str = Field(
        description="its address, letter by letter as it calls itself; https://, and http only to this machine itself"
    )
    client_id: str = Field(
        min_length=1,
        max_length=255,
        description="what it calls us; the client secret is no setting, see Secrets",
    )
    scopes: list[Scope] = Field(["openid", "profile", "email"], description="what is asked for; `openid` has to be in")
    roles_claim: ClaimPath = Field(
        "roles", description="where the roles are in the ID token, with dots: `realm_access.roles`"
    )
    role_map: dict[str, Role] = Field(
        min_length=1,
        description="value of that claim = one of our roles: staff, viewer, helpdesk, admin, auditor; nobody without "
        "one comes in",
    )
    person_claim: ClaimPath = Field(
        "preferred_username",
        description="where the key is by which the directory knows a person; best one that people cannot change, "
        "as employee_number",
    )
    name_claim: ClaimPath = Field("name", description="where the name is that pages and the history show")
    ca_file: Path | None = Field(None, description="PEM file with the CA of its certificate; else the system's")
    answer_seconds: float = Field(5, ge=0.1, le=30, description="how long it may take for one answer")

    @property
    def title(self) -> str:
        """For people."""
        return self.label or self.name

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (fault := why_not_issuer(self.issuer)) is not None:
            raise ValueError(f"issuer: {fault}")
        if "openid" not in self.scopes:
            raise ValueError('scopes: has to hold "openid", else the provider sends no ID token')
        return self


def why_not_issuer(text: str) -> str | None:
    """None: it may be one."""
    fault = why_not_address(text, "codes and tokens")
    return "has a query; write https://host, and a path if it has one" if fault is None and URL(text).query else fault
