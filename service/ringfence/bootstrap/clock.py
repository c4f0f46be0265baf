"""The real clocks."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from ringfence.domain.moment import Moment


class SystemClock:
    """The `Clock` port on the machine's clocks."""

    def now(self) -> Moment:
        return Moment(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
