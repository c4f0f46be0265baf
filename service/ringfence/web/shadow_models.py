"""The report of a time in shadow mode as JSON."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ringfence.domain.verdict import VerdictState


class SpanOut(BaseModel):
    """A time in shadow mode."""

    begins: datetime
    ends: datetime


class WouldBeOutageOut(BaseModel):
    """An outage as it would have been declared."""

    scope: str
    began: datetime
    ended: datetime | None = Field(description="null: it is still on")
    seconds: float
    reason: str
    sentence: str
    evidence: list[str]
    calls: int = Field(description="that would have been diverted by it")
    answered: int = Field(description="of these, answered by the platform all the same")
    failed: int = Field(description="of these, failed by the platform")
    perhaps_false: bool = Field(description="whether the platform answered meanwhile, at least as often as it failed")


class CountedOut(BaseModel):
    """How many calls of one kind; DIDs and trunks by name."""

    name: str
    calls: int


class HourOut(BaseModel):
    """Calls that would have been diverted in the hour that begins then."""

    at: datetime
    calls: int


class CallsSumOut(BaseModel):
    """The calls of the time, as far as they passed Ringfence in shadow mode."""

    calls: int
    not_judged: int = Field(description="more calls, that ended while the daemon did not run; counted nowhere else")
    failed: int = Field(description="failed, or not delivered, by the platform")
    diverted: int = Field(description="that would have gone to their plan")
    saved: int = Field(description="failed by the platform; live, a person, a team or a site would have been rung")
    slow: int = Field(description="that the platform rang later than `no_progress_seconds`")
    outward: int = Field(description="calls that would have gone out: what diverting costs")
    outward_talked: int = Field(description="of these, answered by the platform, so that their length is known")
    outward_minutes: int = Field(description="the length of those together, from the first ring, rounded up")
    by_trunk: list[CountedOut]
    by_step: list[CountedOut] = Field(description="diverted: who would have been rung first")
    by_reason: list[CountedOut] = Field(description="diverted: why, as in the events")
    by_hour: list[HourOut]
    to_announcement: list[CountedOut] = Field(description="DIDs whose calls would have heard an announcement; 50")
    not_in_directory: list[CountedOut] = Field(description="called numbers that are not in the directory; 50")
    not_read: list[CountedOut] = Field(description="by trunk: calls with a number that could not be read")


class VerdictTimeOut(BaseModel):
    """How long one verdict on a platform stood, within the times in shadow mode."""

    scope: str
    verdict: VerdictState
    seconds: float
    times: int


class CheckOut(BaseModel):
    """One thing to look at before going live."""

    ok: bool
    words: str
    fix: str


class ShadowOut(BaseModel):
    """What would have happened, live, in a time in shadow mode."""

    in_shadow: bool = Field(description="whether nothing is done to calls now")
    since: datetime
    until: datetime
    seconds: float = Field(description="of shadow mode within this time")
    spans: list[SpanOut]
    outages: list[WouldBeOutageOut]
    calls: CallsSumOut
    verdicts: list[VerdictTimeOut]
    checks: list[CheckOut] = Field(description="what to mend first comes first")
    ready: bool = Field(description="whether every check is well")
