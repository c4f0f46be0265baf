"""Tells Asterisk what is decided, at once and before everything else: modes, egress states, forced DIDs.

It has a connection of its own, so a table publish on the other one never delays it. The one writer sets the wanted
values and never waits; this task puts them, puts them all again after every reconnect, and compares at an interval.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from itertools import islice

from ringfence.app.deadline import within
from ringfence.app.ports import AstDb, AsteriskError, AsteriskRefused, Clock, Put
from ringfence.app.publisher import RowReader
from ringfence.domain.record_text import SCHEMA_VERSION

log = logging.getLogger(__name__)

VERIFY_SECONDS = 3.0  # how long calls can miss a mode that somebody deleted; three small questions a round
RETRY_SECONDS = 0.5
WINDOW_RECORDS = 50  # written together, some 5 ms: as long as a mode may have to wait for them


class ModePublisher:
    """Wanted values by key below the family `ringfence`, and whether Asterisk holds them."""

    def __init__(
        self,
        astdb: AstDb,
        clock: Clock,
        as_held: Callable[[str, str], str] = lambda key, value: value,
        reader: RowReader | None = None,
    ) -> None:
        """`as_held`: what Asterisk is to hold for a key whose value is wanted. `reader`: who must read the records."""
        self._as_held = as_held
        self._reader = reader
        self._why_kept = ""
        self._astdb = astdb
        self._clock = clock
        self._wanted: dict[str, str] = {}
        self._records: dict[str, Callable[[str], str | None]] = {}  # put once each, in this order
        self._dirty: dict[str, None] = {}  # an ordered set: what was wanted first is put first
        self._wake = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self._on_put: list[Callable[[str], None]] = []

    def on_put(self, callback: Callable[[str], None]) -> None:
        """Calls back with the key, right after Asterisk has taken the value that is still wanted. Must not block."""
        self._on_put.append(callback)

    def want(self, key: str, value: str) -> None:
        """This value from now on; puts it at once if it is new."""
        if self._wanted.get(key) == value:
            return
        self._wanted[key] = value
        self._dirty[key] = None
        self._wake.set()

    def wanted(self, key: str) -> str | None:
        """The value that is wanted now."""
        return self._wanted.get(key)

    def put_records(self, keys: Iterable[str], value: Callable[[str], str | None]) -> None:
        """Puts values once, ahead of the table publish that will also bring them (records of forced DIDs): in this
        order, before those that still wait, and after every mode. A value is asked for when it is put: what was true
        when Asterisk was away must not come back later. None: nothing to put.

        They wait while the dialplan reads another schema: one could take the place of a newer edition's row."""
        self._records = {**dict.fromkeys(keys, value), **self._records}
        self._wake.set()

    def published(self, key: str) -> bool:
        """Whether Asterisk has acknowledged the wanted value."""
        return key in self._wanted and key not in self._dirty

    def again(self) -> None:
        """Asterisk may have forgotten everything: put all of it again."""
        self._dirty = dict.fromkeys([*self._wanted, *self._dirty])
        self._wake.set()

    async def calm(self) -> None:
        """Returns when nothing is being put: whoever publishes in bulk gives way here. Not held up by an Asterisk that
        does not answer, nor before `run`."""
        await self._calm.wait()

    async def run(self) -> None:
        """Puts whatever is wanted and not acknowledged; compares everything each `VERIFY_SECONDS`."""
        while True:
            try:
                await within(self._clock, VERIFY_SECONDS, self._wake.wait())
            except TimeoutError:
                await self._verify()
            self._wake.clear()
            self._calm.clear()
            try:
                await self._put_all()
            except AsteriskError:
                # The connection reports its own edge; here only the work must not be forgotten.
                self._calm.set()
                await self._clock.sleep(RETRY_SECONDS)
                self._wake.set()
            finally:
                self._calm.set()

    async def _put_all(self) -> None:
        asked = False
        while self._dirty or self._records:
            if self._dirty:
                await self._put(next(iter(self._dirty)))
            elif not asked and await self._kept():
                return  # asked again with the next comparison
            else:
                asked = True  # not for each window: a team's thousand records wait for every question
                await self._put_window()

    async def _put(self, key: str) -> None:
        value = self._wanted[key]
        try:
            await self._astdb.put(key, self._as_held(key, value))
        except AsteriskRefused as error:
            _tell_refused(key, error)
            self._dirty.pop(key, None)
            return
        if value != self._wanted.get(key):
            return  # another one is wanted by now, which is still to be put and will be told then
        self._dirty.pop(key, None)
        self._tell(key)

    async def _kept(self) -> bool:
        """Whether the records have to wait. Asked whenever there are new ones: a dialplan is reloaded in a moment."""
        why = "" if self._reader is None else await self._reader.why_not(SCHEMA_VERSION)
        if why and not self._why_kept:
            log.error("records of forced DIDs wait", extra={"records": len(self._records), "reason": why})
        elif self._why_kept and not why:
            log.info("records of forced DIDs wait no longer", extra={"records": len(self._records)})
        self._why_kept = why
        return bool(why)

    async def _put_window(self) -> None:
        """As many records as a mode that comes meanwhile may have to wait for."""
        asked = dict(islice(self._records.items(), WINDOW_RECORDS))
        puts = [Put(key, wanted) for key, value in asked.items() if (wanted := value(key)) is not None]
        try:
            await self._astdb.write(puts, ())
        except AsteriskRefused:
            # It is not said which one. The others must not suffer for it.
            for put in puts:
                try:
                    await self._astdb.put(put.key, put.value)
                except AsteriskRefused as error:
                    _tell_refused(put.key, error)
                    self._records.pop(put.key, None)
        held = {put.key: put.value for put in puts}
        for key, value in asked.items():
            if key in self._records and value(key) == held.get(key):
                del self._records[key]
                if key in held:
                    self._tell(key)

    def _tell(self, key: str) -> None:
        for callback in self._on_put:
            callback(key)

    async def _verify(self) -> None:
        """Somebody may have changed or emptied AstDB behind our back. Left off for whatever is to be put: with many
        platforms these are many questions, each of which may wait for AstDB."""
        try:
            for key, value in list(self._wanted.items()):
                if self._wake.is_set():
                    return
                if await self._astdb.get(key) != self._as_held(key, value) and self._wanted.get(key) == value:
                    log.warning("asterisk held another value than published, putting ours", extra={"key": key})
                    self._dirty[key] = None
        except AsteriskError:
            return


def _tell_refused(key: str, error: AsteriskRefused) -> None:
    log.error("asterisk refused a value", extra={"key": key, "reason": str(error)})
