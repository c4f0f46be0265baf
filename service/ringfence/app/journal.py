"""Call records on their way to the store: a bounded buffer, written in batches. Losing one never affects a call."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import timedelta

from ringfence.app.paging import Before
from ringfence.app.ports import Clock, JournalStore, StoreError
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Span

log = logging.getLogger(__name__)

BUFFER = 20_000
BATCH = 500
FLUSH_SECONDS = 0.5
RETRY_SECONDS = 2.0
PRUNE_EVERY_SECONDS = 3600.0


class Journal:
    """Buffers call records and answers for the recent ones, stored or not yet."""

    def __init__(self, store: JournalStore, clock: Clock, keep_days: int) -> None:
        self._store = store
        self._clock = clock
        self._keep_days = keep_days
        self._buffer: deque[CallRecord] = deque(maxlen=BUFFER)
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
        """Newest first; what is still in the buffer comes before what is stored."""
        skip = 0 if before is None else before.skip
        fresh = [
            record
            for record in reversed(self._buffer)
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
        fresh = next((record for record in self._buffer if record.call_id == call_id), None)
        return fresh or await self._store.find(call_id)

    async def run(self) -> None:
        """Writes batches; prunes what is older than the retention once an hour."""
        pruned_at = None
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
            if self._healthy:
                self._healthy = False
                log.error(
                    "call records cannot be stored, keeping the newest in memory",
                    extra={"reason": str(error)},
                )
            await self._clock.sleep(RETRY_SECONDS)
            return
        if not self._healthy:
            self._healthy = True
            log.info("call records are stored again")
        # Only what was written leaves: while we wrote, a full buffer may have dropped its oldest already.
        written = {record.call_id for record in batch}
        while self._buffer and self._buffer[0].call_id in written:
            self._buffer.popleft()

    async def _prune(self) -> None:
        try:
            await self._store.prune(self._clock.now().wall - timedelta(days=self._keep_days))
        except StoreError:
            return
