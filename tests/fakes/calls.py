"""A call as the journal has it; a test says what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ringfence.domain.calls import AnsweredBy, CallRecord


def a_call(**said: Any) -> CallRecord:
    """The platform answered it, unless something else is said."""
    usual: dict[str, Any] = {
        "call_id": "node-1.1",
        "ended_at": datetime(2030, 1, 15, 12, tzinfo=UTC),
        "did": "+441134960123",
        "trunk": "carrier",
        "scope": "uc",
        "caller": "",
        "decision": "normal",
        "path": "platform",
        "reason": "scope-normal",
        "step": 0,
        "answered_by": AnsweredBy.PLATFORM,
        "result": "answered",
        "platform_status": 200,
        "duration_ms": 1_500,
        "ringing_after_ms": 300,
    }
    return CallRecord(**usual | said)
