"""Changes on their way to the store, in order. What cannot be stored now waits and is tried again: people come in and
are thrown out whether or not there is a database."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from ringfence.app.access.ports import AccessChange, AccessStore
from ringfence.app.ports import StoreError, StoreUnavailable

log = logging.getLogger(__name__)

STORE_SECONDS: Final = 2.0
MAX_WAITING: Final = 1000


class Storing:
    """One change at a time, the oldest first."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store
        self._waiting: deque[AccessChange] = deque()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._healthy = True
        self.left_out = 0

    @property
    def waiting(self) -> int:
        """Changes that are not stored yet."""
        return len(self._waiting)

    async def soon(self, change: AccessChange) -> StoreError | None:
        """Waits at most 2 s. An error is told when it was not stored by then; it is tried again later."""
        if len(self._waiting) >= MAX_WAITING and not (change.begun or change.ended or change.keys):
            # Nothing but what somebody tried in vain, over and over.
            self.left_out += 1
            return StoreUnavailable("The record of who tried to sign in is full.", "Bring the database back.")
        self._waiting.append(change)
        task = asyncio.create_task(self._drain(), name="access changes")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=STORE_SECONDS)
        if not done:
            return StoreUnavailable("The database answers too slowly.", "Check the disk's load.")
        error = task.exception()
        assert error is None or isinstance(error, StoreError), error
        return error

    async def at_once(self, change: AccessChange) -> None:
        """Stored when this returns. Raises StoreError; then it is as if it had never been asked."""
        async with self._lock:
            await self._empty()
            await self._store.commit(change)

    async def again(self) -> None:
        """Tries what waits. Raises StoreError."""
        await self._drain()

    async def _drain(self) -> None:
        async with self._lock:
            try:
                await self._empty()
            except StoreError as error:
                if self._healthy:
                    self._healthy = False
                    log.error("sign-ins cannot be stored, keeping them in memory", extra={"reason": str(error)})
                raise
        if not self._healthy:
            self._healthy = True
            log.info("sign-ins are stored again", extra={"left_out": self.left_out})

    async def _empty(self) -> None:
        while self._waiting:
            await self._store.commit(self._waiting[0])
            self._waiting.popleft()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was logged; nobody may be waiting any more
