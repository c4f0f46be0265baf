"""What `ringfence capacity` does; loaded only by it, for it takes a while."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ringfence.app.ports import RingfenceError
from ringfence.bootstrap import capacity
from ringfence.cli.client import Refused
from ringfence.config import ConfigError, load
from ringfence.domain.traffic import Tariff
from ringfence.web.durations import parse_duration


def report(config: Path, since: str, per_minute: float, per_call: float) -> dict[str, Any]:
    """Raises Refused."""
    try:
        settings = load(config)
        found = asyncio.run(capacity.measure(settings, config, datetime.now(UTC), parse_duration(since)))
    except ConfigError as error:
        raise Refused(0, error.faults[0], fix="See `ringfence check-config`.") from None
    except RingfenceError as error:
        raise Refused(503, error.message, None, error.fix) from None
    return capacity.report(settings, found, Tariff(per_minute, per_call))
