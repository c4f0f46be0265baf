"""[[notify]] as one union over the channels' types, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ringfence.channels.apprise_settings import AppriseSettings
from ringfence.channels.email_settings import EmailSettings
from ringfence.channels.webhook_settings import WebhookSettings
from ringfence.domain.notice_routes import escalation_faults
from ringfence.domain.web_address import why_not_address

AnyChannel = WebhookSettings | EmailSettings | AppriseSettings
NotifySettings = Annotated[AnyChannel, Field(discriminator="type")]
"""One `[[notify]]`; `type` says which settings it has."""

KINDS: Final = ("webhook", "email", "apprise")


class StaffMessageSettings(BaseModel):
    """[staff_messages]: mails to the staff whose calls are going elsewhere, and when they come back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(False, description="whether staff are told")
    by: str = Field("", description="name of the [[notify]] of type email whose server sends them")
    only_scopes: list[str] = Field([], description="platforms whose staff are told; empty: all")
    wait_seconds: float = Field(300, ge=0, le=86_400, description="a change that is over sooner is told to nobody")
    per_second: float = Field(10, ge=0.1, le=100, description="mails a second at most")


class HeartbeatSettings(BaseModel):
    """[heartbeat]: a sign of life to a monitor outside, which raises the alarm when it stops."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field("", description="https:// address of the monitor; empty: none")
    every_seconds: float = Field(60, ge=5, le=3_600, description="how often, while the node is ready")
    method: str = Field("POST", pattern=r"^(GET|POST|HEAD)$", description="GET, HEAD, or POST with the state as JSON")

    @field_validator("url")
    @classmethod
    def _address(cls, text: str) -> str:
        if not text:
            return text
        if (fault := why_not_address(text, "what is wrong here")) is not None:
            raise ValueError(fault)
        return text


def notify_faults(routes: Sequence[AnyChannel], staff: StaffMessageSettings, platforms: Collection[str]) -> list[str]:
    """What is wrong between the routes and the rest of the configuration, in sentences with the fix."""
    names = [route.name for route in routes]
    faults = [
        f"notify name {name!r} is used twice; give each its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += escalation_faults({route.name: route.escalate_to for route in routes})
    known = ", ".join(sorted(platforms))
    for route in routes:
        faults += [
            f"notify {route.name!r} names platform {scope!r}, known: {known}"
            for scope in route.scopes
            if scope not in platforms
        ]
        if isinstance(route, EmailSettings) and not route.to and staff.by != route.name:
            faults.append(f"notify {route.name!r} has nobody in `to`; name somebody")
    if staff.enabled and not any(isinstance(route, EmailSettings) and route.name == staff.by for route in routes):
        mails = ", ".join(route.name for route in routes if isinstance(route, EmailSettings)) or "none"
        faults.append(f"staff_messages.by is {staff.by!r}, which is no [[notify]] of type email; known: {mails}")
    faults += [
        f"staff_messages.only_scopes names platform {scope!r}, known: {known}"
        for scope in staff.only_scopes
        if scope not in platforms
    ]
    return faults


def secret_name(route: AnyChannel) -> str:
    """Under which its key, password or addresses are looked for."""
    return f"notify_{route.name}_secret"
