"""Something people are to be told of, whatever the channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How loud. `critical` passes through quiet hours."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NoticeKind(StrEnum):
    """What happened; routes choose by it."""

    MODE = "mode"
    OVERRIDE = "override"
    OVERRIDE_ENDS = "override_ends"
    INCIDENT = "incident"
    ALARM = "alarm"
    HR = "hr"
    ACCESS = "access"
    STAFF = "staff"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """`key` is the same for the same event, however often it is told: it reaches nobody twice. `scope` is a platform,
    empty where it is about none. `title` is one line; `text` says what is so, since when, and what to do; no private
    and no caller's number in either."""

    key: str
    kind: NoticeKind
    severity: Severity
    at: datetime
    title: str
    text: str
    scope: str = ""
