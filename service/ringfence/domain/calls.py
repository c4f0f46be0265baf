"""What became of one inbound call, as the dialplan tells it at the call's end (see docs/reference/events.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AnsweredBy(StrEnum):
    """Who took the call. A private number is never part of a record: the plan's step says which one it was."""

    PLATFORM = "platform"
    PERSON = "person"
    SITE = "site"
    ANNOUNCEMENT = "announcement"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One journal row. `step` is 0 for the platform and n for the plan's n-th step; durations are in milliseconds."""

    call_id: str
    ended_at: datetime
    did: str
    trunk: str
    scope: str
    caller: str
    decision: str
    path: str
    reason: str
    step: int
    answered_by: AnsweredBy
    result: str
    platform_status: int | None
    duration_ms: int
    ringing_after_ms: int | None
