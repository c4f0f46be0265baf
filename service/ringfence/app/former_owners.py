"""Takes back a person's word about a DID when the DID's owner has changed or left: a reused DID inherits nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from typing import Final

from ringfence.app.failover import Failover
from ringfence.app.orders import taking_out
from ringfence.domain.numbers import Did

WHO: Final = "ringfence"
WHY: Final = "its owner has changed"


class FormerOwners:
    """Told by whoever derives, who must not wait; `run` gives the orders."""

    def __init__(self, failover: Callable[[], Failover]) -> None:
        self._failover = failover
        self._told: set[Did] = set()
        self._wake = asyncio.Event()

    def tell(self, dids: Set[Did]) -> None:
        """These DIDs have lost their owners."""
        self._told |= dids
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            while self._told:
                told, failover = set(self._told), self._failover()
                for order in taking_out(failover.overrides, told, WHO, WHY):
                    await failover.order(order)
                self._told -= told
            await self._wake.wait()
