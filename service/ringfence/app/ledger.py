"""Storing decided changes without ever waiting for the database: a deadline, then the spool, then later.

A locked, full or vanished database must not delay a failover. A change that is not stored within the deadline goes to
the spool (synced to disk) and is stored, in order, when the database answers again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace

from ringfence.app.deadline import within
from ringfence.app.ports import Clock, OutageChange, OutageStore, Spool, StoreError, VersionConflict
from ringfence.app.snapshot import LinkView

log = logging.getLogger(__name__)

COMMIT_DEADLINE_SECONDS = 0.2
RETRY_SECONDS = 2.0
RECOVER_SECONDS = 2.0  # a start waits no longer: what is not stored by then is known all the same
# More changes than this unstored means days without a database; the oldest history is then given up, never the mode.
MAX_UNSTORED = 10_000


class Ledger:
    """The outage store behind a deadline and a spool."""

    def __init__(self, store: OutageStore, spool: Spool, clock: Clock) -> None:
        self._store = store
        self._spool = spool
        self._clock = clock
        self._unstored: deque[OutageChange] = deque(maxlen=MAX_UNSTORED)
        self._offsets: dict[str, int] = {}  # scope -> stored version less ours
        self._wake = asyncio.Event()
        self._healthy = True
        self.link = LinkView(True, "stores")
        self._background: set[asyncio.Task[None]] = set()

    @property
    def unstored(self) -> int:
        return len(self._unstored)

    async def recover(self) -> None:
        """Reads what an earlier process left in the spool, and stores it if the database lets it within
        `RECOVER_SECONDS`: it is newer than what the database holds, and older than anything to come."""
        try:
            self._unstored.extend(await self._spool.waiting(self._clock.now()))
        except StoreError as error:
            log.error("the spool cannot be read, going on without it", extra={"reason": str(error)})
        try:
            await within(self._clock, RECOVER_SECONDS, self._drain())
        except TimeoutError:
            self._edge(TimeoutError(f"what was spooled is not stored after {RECOVER_SECONDS:g} s"))
        if not self._unstored:
            self._offsets.clear()  # from now on everybody counts from what is stored
        self._wake.set()

    def waiting(self) -> tuple[OutageChange, ...]:
        """What the database does not hold yet, oldest first."""
        return tuple(self._unstored)

    async def commit(self, change: OutageChange) -> asyncio.Task[None] | None:
        """Stores the change within the deadline: None. Else the task that writes it to the spool, which the caller
        need not await; it is stored later."""
        if self._unstored:
            # Keeps the order; the database has not answered for older ones yet.
            return self._set_aside(change)
        try:
            await within(self._clock, COMMIT_DEADLINE_SECONDS, self._store_change(change))
        except (TimeoutError, StoreError) as error:
            self._edge(error)
            return self._set_aside(change)
        self._well()
        return None

    def seen(self, error: StoreError | None) -> None:
        """What reading met that nobody waits for: a database that was broken before anything had to be stored would
        pass for well until then. None: it answered."""
        if error is not None:
            self._edge(error)
        elif not self._unstored:
            self._well()

    async def run(self) -> None:
        """Stores what was set aside, oldest first, as soon as the database lets it."""
        while True:
            if not self._unstored:
                self._wake.clear()
                await self._wake.wait()
            if not await self._drain():
                await self._clock.sleep(RETRY_SECONDS)

    async def _drain(self) -> bool:
        """Stores what was set aside, oldest first; False when the database would not take all of it."""
        if not self._unstored:
            return True  # nothing was asked, so nothing is known
        while self._unstored:
            change = self._unstored[0]
            try:
                await self._store_change(change)
            except StoreError as error:
                self._edge(error)
                return False
            if self._unstored and self._unstored[0] is change:
                self._unstored.popleft()
            await self._forget(change)
        self._well()
        return True

    async def _store_change(self, change: OutageChange) -> None:
        try:
            await self._store.commit(self._renumbered(change))
        except VersionConflict as error:
            if change.state is None:
                raise
            # We hold the node's lock, so no daemon wrote this: a backup was put back, or the database was away when
            # we started. What is in force is what we decided; it is stored over what is there, and said aloud.
            log.error("the stored state was not ours, storing ours over it", extra={"reason": str(error)})
            stored = (await self._store.load_states(self._clock.now())).get(change.state.scope)
            held = stored.version if stored else 0
            self._offsets[change.state.scope] = held + 1 - change.state.version
            await self._store.commit(self._renumbered(change))

    def _renumbered(self, change: OutageChange) -> OutageChange:
        offset = self._offsets.get(change.state.scope, 0) if change.state else 0
        if not offset or change.state is None:
            return change
        version = change.state.version + offset
        transition = replace(change.transition, version=version) if change.transition else None
        return replace(change, state=replace(change.state, version=version), transition=transition)

    def _set_aside(self, change: OutageChange) -> asyncio.Task[None]:
        self._unstored.append(change)
        task = asyncio.create_task(self._spool_away(change), name=f"spool {change.key}")
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        self._wake.set()
        return task

    async def _spool_away(self, change: OutageChange) -> None:
        try:
            await self._spool.append(change)
        except StoreError as error:
            log.error("the spool cannot be written, the change is kept in memory", extra={"reason": str(error)})

    async def _forget(self, change: OutageChange) -> None:
        try:
            await self._spool.remove([change.key])
        except StoreError as error:
            log.error("the spool cannot be written", extra={"reason": str(error)})

    def _well(self) -> None:
        if not self._healthy:
            self._healthy = True
            self.link = LinkView(True, "stores again", self._clock.now())
            log.info("the database answers again, everything decided meanwhile is stored")

    def _edge(self, error: Exception) -> None:
        detail = str(error) or f"no answer within {COMMIT_DEADLINE_SECONDS} s"
        if self._healthy:
            self._healthy = False
            log.error("the database does not store, going on from memory", extra={"reason": detail})
            self.link = LinkView(False, detail, self._clock.now())
