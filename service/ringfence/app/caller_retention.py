"""Blanks callers' numbers in the journal when their time is over; the calls themselves stay for longer."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final, Protocol

from ringfence.app.ports import Clock, StoreError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 60.0


class CallerStore(Protocol):
    async def forget_callers(self, before: datetime) -> int:
        """Blanks the callers of calls that ended earlier, for good; returns how many. Raises StoreError."""
        ...


class CallerRetention:
    """After the start and every hour, whether calls come or not."""

    def __init__(self, stores: tuple[CallerStore, ...], clock: Clock, keep_days: int) -> None:
        """`stores`: everything that keeps callers' numbers."""
        self._stores = stores
        self._clock = clock
        self._keep = timedelta(days=keep_days)

    async def run(self) -> None:
        """Logs a failure once, until it succeeds again."""
        healthy = True
        while True:
            try:
                await self.forget_due()
            except StoreError as error:
                if healthy:
                    log.error("callers' numbers that are due cannot be blanked yet", extra={"reason": str(error)})
                healthy = False
                await self._clock.sleep(AGAIN_SECONDS)
                continue
            healthy = True
            await self._clock.sleep(LOOK_SECONDS)

    async def forget_due(self) -> int:
        """Returns how many were blanked. Raises StoreError."""
        before = self._clock.now().wall - self._keep
        return sum([await store.forget_callers(before) for store in self._stores])
