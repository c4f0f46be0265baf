"""What the judge must remember over a restart: read once the database answers, written now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from ringfence.app.judge import Judge
from ringfence.app.ports import Clock, MemoryStore, Passed, StoreError
from ringfence.domain.health import TargetId
from ringfence.domain.outcomes import OutcomePolicy

log = logging.getLogger(__name__)

SAVE_SECONDS = 10.0
# What has not answered for so long may have stopped answering for good while nobody looked.
PASSED_WITHIN_DAYS = 30
FORGET_EVERY = timedelta(days=1)


class Memory:
    """Keeps the judge's memory in the store. `host_ports`: where each target lives now. What another address once
    answered is forgotten: a new platform that drops OPTIONS would else be called down for its predecessor's habits."""

    def __init__(self, store: MemoryStore, judge: Judge, clock: Clock, host_ports: Mapping[TargetId, str]) -> None:
        self._store = store
        self._judge = judge
        self._clock = clock
        self._host_ports = host_ports
        self._saved: dict[str, datetime] = {}
        self._recalled = False
        self._forgot_at: datetime | None = None

    async def run(self) -> None:
        """Reads if that has not been done, then saves what is new every `SAVE_SECONDS`, and once more at the end."""
        while not await self.recall():
            await self._clock.sleep(SAVE_SECONDS)
        try:
            while True:
                await self._clock.sleep(SAVE_SECONDS)
                await self._save()
        except asyncio.CancelledError:
            await self._save()
            raise

    async def recall(self) -> bool:
        """Hands the judge what is stored, once. False: the database does not answer. To be called before anything is
        decided: a judge who does not know that a platform used to answer cannot tell its silence."""
        if self._recalled:
            return True
        now = self._clock.now().wall
        try:
            passed = await self._store.load_passed(now - timedelta(days=PASSED_WITHIN_DAYS))
            self._saved = await self._store.load_delivered(_counts_since(now))
        except StoreError:
            return False
        self._recalled = True
        here = [key for key, last in passed.items() if last.host_port == self._host_ports.get(key[0])]
        self._judge.restore(here, self._saved)
        return True

    async def _save(self) -> None:
        forgotten = self._forget()
        delivered = {did: at for did, at in self._judge.delivered.items() if self._is_news(did, at)}
        passed = {key: Passed(at, self._host_ports.get(key[0], "")) for key, at in self._judge.passed().items()}
        try:
            await self._store.save_passed(passed)
            await self._store.save_delivered(delivered)
            if forgotten is not None:
                await self._store.prune_delivered(forgotten)
        except StoreError:
            self._forgot_at = None
            return  # the ledger tells the edge; the next round saves the same and more
        self._saved.update(delivered)

    def _forget(self) -> datetime | None:
        """Once a day: what counts for nothing any more, in the store as well. Whatever is older than the answer."""
        now = self._clock.now().wall
        if self._forgot_at is not None and now - self._forgot_at < FORGET_EVERY:
            return None
        self._forgot_at, since = now, _counts_since(now)
        self._judge.forget_deliveries(since)
        self._saved = {did: at for did, at in self._saved.items() if at >= since}
        return since

    def _is_news(self, did: str, at: datetime) -> bool:
        # A quarter of the shortest time that any rule asks for: a restart makes it seem so much longer ago.
        saved = self._saved.get(did)
        return saved is None or at - saved > timedelta(seconds=OutcomePolicy().reached_within_seconds / 4)


def _counts_since(now: datetime) -> datetime:
    return now - timedelta(days=OutcomePolicy().delivered_within_days)
