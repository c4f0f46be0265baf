"""A clock for pure tests: moments by seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.domain.moment import Moment

START = Moment(datetime(2030, 1, 15, 2, 0, tzinfo=UTC), 1000.0)


def at(seconds: float) -> Moment:
    """The moment that many seconds after the start."""
    return START.plus(seconds)
