"""Many notices of one kind as one: what flaps must not fill a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ringfence.domain.notice import Notice
from ringfence.domain.notice_routes import loudest

MAX_LINES: Final = 20


def summary(told: Sequence[Notice], key: str, at: datetime) -> Notice:
    """`told`: two or more of one kind, scope and severity, oldest first."""
    assert len(told) >= 2
    first, last = told[0], told[-1]
    about = f" about {first.scope}" if first.scope else ""
    lines = [f"{one.at:%H:%M:%S} UTC  {one.title}" for one in told[-MAX_LINES:]]
    left = len(told) - len(lines)
    return Notice(
        key=key,
        kind=first.kind,
        severity=loudest(one.severity for one in told),
        at=at,
        title=f"{len(told)} more notices{about}, the last: {last.title}",
        text="\n".join(
            [
                f"It changes so often that {len(told)} notices were put together. "
                f"The last one, from {last.at:%H:%M:%S} UTC: {last.text}",
                "",
                *([f"(and {left} before these)"] if left else []),
                *lines,
            ]
        ),
        scope=first.scope,
    )
