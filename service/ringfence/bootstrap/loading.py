"""The first reading of the words and the directory from the database, however long it takes to answer."""

from __future__ import annotations

import asyncio
import gc
import logging

from ringfence.app.failover import Failover
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.orders import AdoptStored
from ringfence.app.ports import Clock, OutageStore, StoreError

log = logging.getLogger(__name__)

LOAD_AGAIN_SECONDS = 2.0


class Loading:
    """Runs once, for as long as the node: Asterisk keeps its last table until the database answers."""

    def __init__(self, outage_store: OutageStore, failover: Failover, desk: RosterDesk, clock: Clock) -> None:
        self._outage_store = outage_store
        self._failover = failover
        self._desk = desk
        self._clock = clock
        self.words_read = False
        """Whether the start has read people's words already."""

    async def run(self) -> None:
        """Reads the directory and the roster once."""
        told = False
        while True:
            try:
                if not self.words_read:
                    # Before any record is compiled: a DID that somebody forced must not lose that for a moment.
                    await self._adopt_words()
                await self._desk.load()
                break
            except StoreError as error:
                if not told:
                    log.error("the directory cannot be read, asterisk keeps its table", extra={"reason": str(error)})
                    told = True
                await self._clock.sleep(LOAD_AGAIN_SECONDS)
        # All that lives for long has been made: the collector need not stop us to look at it again and again.
        gc.freeze()
        await asyncio.Event().wait()

    async def _adopt_words(self) -> None:
        words = await self._outage_store.load_overrides()
        if words or await self._outage_store.history(1):  # else it was begun anew, and Asterisk knows better
            await self._failover.order(AdoptStored(tuple(words)))
        self.words_read = True
