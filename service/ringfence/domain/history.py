"""One line of history: a stored mode change, or a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """`scope` is a platform's name, `everything`, or what an override is about, as `did:+441134960100`."""

    at: datetime
    scope: str
    before: str
    after: str
    reason: str
    evidence: tuple[str, ...]
    who: str
    why: str
