"""Call records on their way to the store: a bounded buffer, written in batches. Losing one never affects a call.

While the store takes none they are set aside on disk, and stored from there, oldest first, once it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from ringfence.app.paging import Before
from ringfence.app.ports import CallSpool, Clock, JournalStore, StoreError
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Span

log = logging.getLogger(__name__)

BUFFER = 20_000
BATCH = 500
SHOWN = 2_000  # of those set aside, in memory to be looked at
FLUSH_SECONDS = 0.5
RETRY_SECONDS = 2.0
PRUNE_EVERY_SECONDS = 3600.0


class Journal:
    """Buffers call records and answers for the recent ones, stored or not yet."""

    def __init__(self, store: JournalStore, clock: Clock, keep_days: int, spool: CallSpool | None = None) -> None:
        """Without a `spool` only what fits into the buffer outlasts a store that takes nothing."""
        self._store = store
        self._clock = clock
        self._keep_days = keep_days
        self._spool = spool
        self._buffer: deque[CallRecord] = deque(maxlen=BUFFER)
        self._aside: deque[CallRecord] = deque(maxlen=SHOWN)
        self._wake = asyncio.Event()
        self._healthy = True
        self.lost = 0
        self.added = 0
        self._lost_span: Span | None = None

    def add(self, record: CallRecord) -> None:
        if len(self._buffer) == BUFFER:
            self.lost += 1
            self._lose(self._buffer[0])
        self._buffer.append(record)
        self.added += 1
        self._wake.set()

    def take_lost(self) -> Span | None:
        """The time in which calls ended that were lost since this was asked before; None: none were."""
        span, self._lost_span = self._lost_span, None
        return span

    async def recent(self, limit: int, did: str | None = None, before: Before | None = None) -> list[CallRecord]:
        """Newest first; what is still in the buffer comes before what is stored. Of what was set aside, the newest."""
        skip = 0 if before is None else before.skip
        fresh = [
            record
            for record in (*reversed(self._buffer), *reversed(self._aside))
            if (did is None or record.did == did) and (before is None or record.ended_at <= before.at)
        ]
        if len(fresh) < skip + limit:
            begin = None if before is None else Before(before.at, 0)  # those skipped may be of either kind
            try:
                stored = await self._store.recent(skip + limit, did, begin)
            except StoreError:
                stored = []
            known = {record.call_id for record in fresh}
            fresh += (record for record in stored if record.call_id not in known)
        return fresh[skip : skip + limit]

    async def find(self, call_id: str) -> CallRecord | None:
        """One call, stored or not yet. Raises StoreError."""
        fresh = next((record for record in (*self._buffer, *self._aside) if record.call_id == call_id), None)
        return fresh or await self._store.find(call_id)

    async def run(self) -> None:
        """Writes batches; prunes what is older than the retention once an hour."""
        pruned_at = None
        await self._store_aside()  # what an earlier process left
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._clock.sleep(FLUSH_SECONDS)
            while self._buffer:
                await self._write_batch()
            now = self._clock.now()
            if pruned_at is None or now.since(pruned_at) >= PRUNE_EVERY_SECONDS:
                pruned_at = now
                await self._prune()

    def _lose(self, record: CallRecord) -> None:
        one = Span(record.ended_at, record.ended_at)
        self._lost_span = one if self._lost_span is None else self._lost_span.with_(one)

    async def _write_batch(self) -> None:
        batch = [self._buffer[i] for i in range(min(BATCH, len(self._buffer)))]
        try:
            await self._store.append(batch)
        except StoreError as error:
            self._edge(error)
            await self._set_aside()
            await self._clock.sleep(RETRY_SECONDS)
            # Older ones first, and nothing of the buffer before.
            while not await self._store_aside():
                await self._set_aside()
                await self._clock.sleep(RETRY_SECONDS)
            return
        if not self._healthy:
            self._healthy = True
            log.info("call records are stored again")
        self._leave(batch)

    async def _set_aside(self) -> None:
        """What is in the buffer goes to the disk; it stays in memory where that takes none either."""
        while self._spool is not None and self._buffer:
            batch = [self._buffer[i] for i in range(min(BATCH, len(self._buffer)))]
            try:
                given_up = await self._spool.append(batch)
            except StoreError as error:
                log.error("call records cannot be set aside, keeping the newest", extra={"reason": str(error)})
                return
            self.lost += len(given_up)
            for record in given_up:
                self._lose(record)
            self._aside.extend(batch)
            self._leave(batch)

    async def _store_aside(self) -> bool:
        """Stores what was set aside, oldest first; False when the store would not take all of it."""
        try:
            while self._spool is not None and (batch := await self._spool.oldest()) is not None:
                await self._store.append(batch)
                await self._spool.remove_oldest()
        except StoreError as error:
            self._edge(error)
            return False
        self._aside.clear()
        return True

    def _leave(self, batch: Sequence[CallRecord]) -> None:
        # Only what was written leaves: meanwhile a full buffer may have dropped its oldest already.
        written = {record.call_id for record in batch}
        while self._buffer and self._buffer[0].call_id in written:
            self._buffer.popleft()

    def _edge(self, error: StoreError) -> None:
        if self._healthy:
            self._healthy = False
            log.error("call records cannot be stored and are set aside", extra={"reason": str(error)})

    async def _prune(self) -> None:
        try:
            await self._store.prune(self._clock.now().wall - timedelta(days=self._keep_days))
        except StoreError:
            return
