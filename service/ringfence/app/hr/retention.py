"""Erases the private numbers of people who left: at a person's word, and when the retention time is over.

They are in the roster, in what was entered by hand, in the imported directory, and in what a source keeps of its own
(pushed resources, archived files). Each place is erased by itself and may be erased again, so that a fault in between
is made good by the next attempt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence, Set
from datetime import timedelta
from typing import Final

from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.force import InForce
from ringfence.app.hr.ports import KeepsNumbers, RosterNote
from ringfence.app.ports import Clock, RingfenceError
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.erasure import ended_by, erasure, known_to_have_ended_by

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 60.0
ASK_AGAIN: Final = timedelta(days=1)
KEEP_HISTORY: Final = timedelta(days=400)
WHO: Final = "ringfence"
WHY: Final = "retention"


class Eraser:
    """Erases everywhere."""

    def __init__(self, book: RosterBook, force: InForce, keepers: Sequence[KeepsNumbers]) -> None:
        self._book = book
        self._force = force
        self._keepers = tuple(keepers)
        self._unwiped = True  # a crash may have come between erasing and wiping
        self._asked: dict[str, set[str]] = {}
        self._asked_since = book.now()

    async def erase(self, people: Set[PersonKey], who: str, why: str) -> int:
        """Returns of how many people something was erased from the roster and the directory. Raises StoreError,
        VersionConflict, SourceError; what is left is erased by the next attempt."""
        book = self._book
        async with book.lock:
            found = await asyncio.to_thread(erasure, book.roster, book.base.directory, people)
            if found:
                self._unwiped = True
                now = book.now()
                if found.directory is not None:
                    await book.rebase(await book.directories.replace(book.base, found.directory, who, why, now))
                notes = [RosterNote(now, who, why, "private numbers erased", key) for key in found.people]
                await book.commit(found.change, notes=notes)
                self._force.want()
            # Whoever is forgotten before the retention time is over must not come in again with the next feed.
            book.left |= people
        for keeper in self._keepers:
            await self._ask(keeper, people)
        if self._unwiped:
            await book.store.wipe()
            self._unwiped = False
        return len(found.people)

    async def _ask(self, keeper: KeepsNumbers, people: Set[PersonKey]) -> None:
        """Of each person once a day: a source may have brought numbers again that it keeps and nobody routes by."""
        book = self._book
        if book.now() - self._asked_since > ASK_AGAIN:
            self._asked.clear()
            self._asked_since = book.now()
        asked = self._asked.setdefault(keeper.source, set())
        roster = book.roster
        ids = {id_.id for id_, state in roster.of_source(keeper.source) if roster.key_of(state.key) in people} - asked
        await keeper.erase(ids, book.now() - book.policy.retention)
        asked |= ids
        self._unwiped = self._unwiped or bool(ids)


class Retention:
    """Erases what is due after the start and every hour, and prunes the history."""

    def __init__(self, book: RosterBook, eraser: Eraser, clock: Clock) -> None:
        self._book = book
        self._eraser = eraser
        self._clock = clock

    async def run(self) -> None:
        """Logs a failure once, until it succeeds again."""
        await self._book.loaded.wait()
        healthy = True
        while True:
            try:
                await self.erase_due()
            except RingfenceError as error:
                if healthy:
                    log.error("private numbers that are due cannot be erased yet", extra={"reason": str(error)})
                healthy = False
                await self._clock.sleep(AGAIN_SECONDS)
                continue
            if not healthy:
                log.info("private numbers that are due are erased again")
            healthy = True
            await self._clock.sleep(LOOK_SECONDS)

    async def erase_due(self) -> int:
        """Returns of how many people something was erased. Raises StoreError, SourceError."""
        book = self._book
        now, roster, zones = book.now(), book.roster.copy(), book.zones
        book.left = await asyncio.to_thread(ended_by, roster, zones, now)
        due = await asyncio.to_thread(known_to_have_ended_by, roster, zones, now - book.policy.retention)
        erased = await self._eraser.erase(due, WHO, WHY)
        if erased:
            log.info("private numbers of people who left are erased", extra={"people": erased})
        await book.store.prune(now - KEEP_HISTORY)
        return erased
