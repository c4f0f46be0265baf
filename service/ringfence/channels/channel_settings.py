"""What every [[notify]] has in common: whom it tells what, and when. Each channel adds its own in its own file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ringfence.domain.notice import NoticeKind, Severity
from ringfence.domain.notice_routes import Route
from ringfence.domain.ring_hours import DAY_MINUTES, EVERY_DAY, RingHoursError, parse_ring_hours

RouteName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


def _hours(text: str) -> str:
    if text:
        try:
            hours = parse_ring_hours(text, "UTC")
        except RingHoursError as error:
            raise ValueError(f"{error}; empty for none") from error
        if hours.begins == 0 and hours.ends == DAY_MINUTES and hours.days == EVERY_DAY:
            raise ValueError("these are all hours: nothing but what is critical would ever go; set severities instead")
    return text


def _zone(text: str) -> str:
    if text:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{text[:64]!r} is not an IANA time zone such as Europe/London") from None
    return text


class ChannelSettings(BaseModel):
    """[[notify]]: one way of telling people, called a route."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RouteName = Field(description="its name, under which it is tested: small letters, digits, underscore")
    events: list[NoticeKind] = Field([], description="what it is told of; empty: everything but `incident`")
    severities: list[Severity] = Field([], description="how loud; empty: everything. The end of an alarm is `info`")
    scopes: list[str] = Field([], description="platforms it is told of; empty: all. What is about none goes to all")
    quiet_hours: Annotated[str, AfterValidator(_hours)] = Field(
        "", description="when only what is critical passes, as `22:00-07:00` or `sat-sun 00:00-24:00`; the rest waits"
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "", description="IANA time zone of the quiet hours; default hr.time_zone"
    )
    escalate_to: str = Field("", description="route that is told too when nobody acknowledges what is critical")
    escalate_after_minutes: float = Field(15, ge=1, le=1_440, description="so long somebody has to acknowledge it")
    escalations_only: bool = Field(False, description="whether it is told only what escalates to it")

    @model_validator(mode="after")
    def _route_works(self) -> Self:
        if self.escalations_only and (self.events or self.severities or self.scopes):
            raise ValueError("escalations_only: it takes whatever escalates; leave events, severities and scopes out")
        return self

    def route(self, default_zone: str) -> Route:
        """As the outbox needs it. `default_zone` (IANA) is that of quiet hours that name none."""
        quiet = parse_ring_hours(self.quiet_hours, self.time_zone or default_zone) if self.quiet_hours else None
        return Route(
            name=self.name,
            kinds=frozenset(self.events),
            severities=frozenset(self.severities),
            scopes=frozenset(self.scopes),
            quiet=quiet,
            escalate_to=self.escalate_to,
            escalate_after=timedelta(minutes=self.escalate_after_minutes),
            escalations_only=self.escalations_only,
        )


CaFile = Annotated[
    Path | None, Field(description="PEM file with the CA of the server's certificate; else the system's")
]


def words_of(at: datetime) -> str:
    """A moment as every channel writes it: RFC 3339 in UTC."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
