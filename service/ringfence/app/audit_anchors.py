"""Anchors the audit chain outside the database, so that somebody who rewrites it there is found."""

from __future__ import annotations

import logging
from typing import Final

from ringfence.app.audit import AnchorFile, AuditStore
from ringfence.app.deadline import within
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.audit_chain import Anchor, time_text
from ringfence.domain.moment import Moment

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
ANCHOR_ROWS: Final = 100
ANCHOR_SECONDS: Final = 600.0
STOP_SECONDS: Final = 0.5  # of the two that SIGTERM has


class AnchorKeeper:
    """Writes an anchor after 100 new rows, after ten minutes with any, and at the stop. Each is a log line, too:
    whoever ships the log keeps them where nobody on this machine writes."""

    def __init__(self, store: AuditStore, file: AnchorFile, clock: Clock) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._number = -1
        self._since: Moment | None = None
        self._waiting_since: Moment | None = None
        self._healthy = True

    @property
    def unanchored_seconds(self) -> float:
        """For how long rows have waited for an anchor, or nobody could tell; 0: none do."""
        return 0.0 if self._waiting_since is None else max(0.0, self._clock.now().since(self._waiting_since))

    async def run(self) -> None:
        """For ever. Logs a failure once, until it succeeds again."""
        try:
            while True:
                await self._try(at_once=False)
                await self._clock.sleep(LOOK_SECONDS)
        finally:
            try:
                await within(self._clock, STOP_SECONDS, self._try(at_once=True))
            except TimeoutError:
                log.warning("the audit record's last rows are not anchored yet")

    async def look(self, *, at_once: bool) -> Anchor | None:
        """Writes an anchor if one is due, `at_once`: if there is any row to anchor. Raises StoreError."""
        now = self._clock.now()
        if self._since is None:
            known = await self._file.read()
            self._number = max((anchor.number for anchor in known), default=0)
            self._since = now
        head = await self._store.head()
        # Fewer than are anchored: rows are gone, and an anchor of what is left would not mend that.
        rows = head.number - self._number
        if rows <= 0:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        due = rows >= ANCHOR_ROWS or now.since(self._since) >= ANCHOR_SECONDS or at_once
        if rows <= 0 or not due:
            return None
        anchor = Anchor(head.number, head.digest, time_text(now.wall))
        await self._file.add(anchor)
        self._number, self._since, self._waiting_since = anchor.number, now, None
        log.info("audit anchor", extra={"number": anchor.number, "digest": anchor.digest, "at": anchor.at})
        return anchor

    async def _try(self, *, at_once: bool) -> None:
        try:
            await self.look(at_once=at_once)
        except StoreError as error:
            self._waiting_since = self._waiting_since or self._clock.now()
            if self._healthy:
                log.error("the audit record cannot be anchored", extra={"reason": str(error)})
            self._healthy = False
        else:
            self._healthy = True
