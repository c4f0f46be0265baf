"""When this node may publish: not before Asterisk says that it is nobody else's."""

from __future__ import annotations

import asyncio
import logging

from ringfence.app.node_claim import NodeClaim
from ringfence.app.ports import AsteriskError, Clock
from ringfence.app.supervisor import Work
from ringfence.bootstrap.asterisk_side import AsteriskSide

log = logging.getLogger(__name__)

CLAIM_SECONDS, CLAIM_AGAIN_SECONDS = 5.0, 0.5


class Claiming:
    """`first` before everything, then `hold` for as long as we live. `claimed` is set once this Asterisk is ours."""

    def __init__(self, asterisk: AsteriskSide, clock: Clock, node_id: str, node_name: str) -> None:
        self._claim = NodeClaim(asterisk.mode_astdb, clock, node_id, node_name)
        self._link = asterisk.mode_link
        self._clock = clock
        self.claimed = asyncio.Event()

    async def first(self) -> None:
        """Without an Asterisk nobody can hold it: we go on deciding. Raises NodeHeld: we refuse to start beside another
        node."""
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                await self._link.wait_up()
            await self._claim.take()
            self.claimed.set()
        except (TimeoutError, AsteriskError) as error:
            log.warning("asterisk does not answer yet, going on without", extra={"reason": str(error)})

    async def hold(self) -> None:
        """Raises NodeHeld when another node has it."""
        while not self.claimed.is_set():
            await self._link.wait_up()
            try:
                await self._claim.take()
                self.claimed.set()
            except AsteriskError:
                await self._clock.sleep(CLAIM_AGAIN_SECONDS)
        await self._claim.keep()

    async def publish(self, work: Work) -> None:
        """Nothing is written into an Asterisk that may be another node's."""
        await self.claimed.wait()
        await work()
