"""The first reading of the words and the directory from the database, however long it takes to answer."""

from __future__ import annotations

import asyncio
import gc
import logging

from ringfence.app.collector import resting
from ringfence.app.failover import Failover
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.ledger import Ledger
from ringfence.app.orders import AdoptStored
from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageStore, StoreError
from ringfence.app.recovery import ASK_AGAIN_SECONDS, PATIENCE_SECONDS, forced_in_asterisk

log = logging.getLogger(__name__)

LOAD_AGAIN_SECONDS = 2.0


class Loading:
    """Runs once, for as long as the node: Asterisk keeps its last table until the database answers."""

    def __init__(
        self,
        outage_store: OutageStore,
        failover: Failover,
        desk: RosterDesk,
        astdb: AstDb,
        clock: Clock,
        ledger: Ledger,
    ) -> None:
        self._outage_store = outage_store
        self._failover = failover
        self._desk = desk
        self._astdb = astdb
        self._clock = clock
        self._ledger = ledger
        self.words_read = False
        """Whether the start has read people's words already."""
        self.words_blank = False
        """Whether it found a database that was never written."""

    async def run(self) -> None:
        """Reads the directory and the roster once."""
        told = False
        while True:
            try:
                if not self.words_read:
                    # Before any record is compiled: a DID that somebody forced must not lose that for a moment.
                    await self._adopt_words()
                if self.words_blank:
                    await self._adopt_found()
                with resting():
                    await self._desk.load()
                self._ledger.seen(None)
                break
            except StoreError as error:
                if not told:
                    log.error("the directory cannot be read, asterisk keeps its table", extra={"reason": str(error)})
                    told = True
                self._ledger.seen(error)
                await self._clock.sleep(LOAD_AGAIN_SECONDS)
        # All that lives for long has been made: the collector need not stop us to look at it again and again.
        gc.freeze()
        await asyncio.Event().wait()

    async def _adopt_words(self) -> None:
        # Before it is read: what waits to be stored is stored meanwhile, or is newer than what is read.
        waiting = (change.override_released for change in self._ledger.waiting())
        known = {*self._failover.overrides, *(target for target in waiting if target is not None)}
        words = await self._outage_store.load_overrides()
        if words or await self._outage_store.history(1):  # else it was begun anew, and Asterisk knows better
            states = await self._outage_store.load_states(self._clock.now())
            await self._failover.order(AdoptStored(tuple(words), known=known, states=states))
        else:
            self.words_blank = True
        self.words_read = True

    async def _adopt_found(self) -> None:
        """What the records say that Asterisk holds, before any other is compiled. Without Asterisk nobody knows."""
        began = self._clock.now()
        while self._clock.now().since(began) < PATIENCE_SECONDS:
            try:
                words = await forced_in_asterisk(self._astdb, self._clock.now())
            except AsteriskError:
                await self._clock.sleep(ASK_AGAIN_SECONDS)
                continue
            if words:
                log.warning(
                    "the database knows no words, taking those that asterisk holds", extra={"words": len(words)}
                )
            await self._failover.order(AdoptStored(tuple(words), found=True))
            break
        self.words_blank = False
