"""Keeps AstDB equal to the wanted table: a verified difference, piece by piece, and never a clear-and-refill.

The table lies in some 570 pieces, which are read back ten at a time (`pieces.py`). For each we remember the wanted
records it was last verified to hold, by reference and not as a copy, so that a change is written at once and alone; a
piece whose content is not certain (never read, or Asterisk was away) is read first. Whatever interrupts the work leaves
a piece uncertain, nothing worse. Modes have a publisher of their own (`mode_publisher.py`), which is never delayed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, Protocol

from ringfence.app.pieces import SHELVES, PieceReader, alike
from ringfence.app.ports import AstDb, AsteriskError, AsteriskLoginRefused, AsteriskRefused, Clock, Put
from ringfence.app.program import program_version
from ringfence.app.snapshot import TableView
from ringfence.domain.record_text import SCHEMA_VERSION
from ringfence.domain.records import TableRecord, encode_table, generation_of
from ringfence.domain.route_table import RouteTable, TableDiff, all_families, diff_family

log = logging.getLogger(__name__)

TABLE_KEY: Final = "table"
SCHEMA_KEY: Final = "schema"
UNREAD_SECONDS: Final = 5.0  # how soon after a reload a table that could not be read is published
RETRY_SECONDS: Final = 0.5
REFUSED_RETRY_SECONDS: Final = 30.0
SCRUB_SECONDS: Final = 1.5  # one shelf is read again in the background: about a minute and a half for all of them
RECORD_CHECK_SECONDS: Final = 3.0  # how soon an AstDB that was emptied behind our back is noticed
COMPARED_AT_ONCE: Final = 25  # pieces compared in memory before other work gets its turn
ATTEMPTS: Final = 3

FAMILIES: Final = tuple(all_families())


class TableState(StrEnum):
    """`TableView.state`."""

    NO_DIRECTORY = "no directory"
    UNKNOWN = "unknown"
    PUBLISHING = "publishing"
    EQUAL = "equal"
    DIFFERS = "differs"


class RowReader(Protocol):
    """The dialplan in Asterisk. May raise AsteriskError."""

    async def why_not(self, schema: str) -> str:
        """Why it does not read rows of this schema, and what to do; empty when it does."""
        ...


class TablePublisher:
    """`want` a table; `run` makes it so. `on_change` is told each new view and must not block."""

    def __init__(
        self,
        astdb: AstDb,
        clock: Clock,
        on_change: Callable[[TableView], None] | None = None,
        reader: RowReader | None = None,
        give_way: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`give_way` returns when nobody is waiting for something more urgent than the table."""
        self._astdb = astdb
        self._pieces = PieceReader(astdb)
        self._reader = reader
        self._give_way = give_way
        self._clock = clock
        self._on_change = on_change
        self._wanted: RouteTable | None = None
        self._held: dict[str, Mapping[str, str]] = {}  # piece -> what it was last verified to hold
        self._queue: dict[str, None] = {}  # an ordered set of pieces to settle; changed ones first
        self._refused: dict[str, str] = {}  # piece -> why Asterisk would not take it
        self._settling: Sequence[str] = ()
        self._compare = False
        self._before: RouteTable | None = None  # what was wanted until then, while it is compared
        self._wrote = False
        self._generation: int | None = None
        self._record = ""
        self._wake = asyncio.Event()
        self._equal = asyncio.Event()
        self.view = TableView(TableState.NO_DIRECTORY)

    def want(self, table: RouteTable) -> None:
        """This table from now on. Returns at once."""
        if table is self._wanted:
            return
        if self._wanted is None:
            self._queue = dict.fromkeys(FAMILIES)
        if not self._compare:
            self._before = self._wanted
        self._wanted = table
        self._compare = self._wrote = True
        self._equal.clear()
        self._wake.set()

    def again(self) -> None:
        """Asterisk was away and may hold anything: read everything anew."""
        self._held.clear()
        self._queue = dict.fromkeys(FAMILIES)
        # A thawed Asterisk still works off what it had received on the lost connection: those pieces are read last.
        for family in self._settling:
            self._queue[family] = self._queue.pop(family)
        self._equal.clear()
        self._wake.set()

    async def wait_equal(self) -> None:
        """Returns when Asterisk is verified to hold the wanted table; a deadline is the caller's."""
        await self._equal.wait()

    async def run(self) -> None:
        """Until cancelled. Survives every AsteriskError and takes up where it left off."""
        while True:
            self._wake.clear()
            try:
                if self._wanted is not None:
                    if unread := await self._unread():
                        await self._stand(unread)
                        continue
                    await self._publish()
                await self._idle()
            except AsteriskLoginRefused as error:
                await self._interrupted(error, REFUSED_RETRY_SECONDS)
            except AsteriskError as error:
                await self._interrupted(error, RETRY_SECONDS)

    async def _unread(self) -> str:
        return "" if self._reader is None else await self._reader.why_not(SCHEMA_VERSION)

    async def _stand(self, why: str) -> None:
        """Rows that nobody reads would send every call to the platform; the last ones still carry it to its plan."""
        if self.view.detail != why:
            log.error("the table is not published", extra={"reason": why})
        self._show(TableState.DIFFERS, why)
        await self._woken(UNREAD_SECONDS)

    async def _publish(self) -> None:
        """Settles every piece that is changed or uncertain, then says so in the table's own record."""
        if self._generation is None:
            self._generation = generation_of(await self._astdb.get(TABLE_KEY))
            if self._reader is not None:
                await self._astdb.put(SCHEMA_KEY, f"1|{SCHEMA_VERSION}|{program_version()}")
        while self._queue or self._compare:
            if self._compare:
                await self._find_changed()
                continue
            self._show(TableState.PUBLISHING, f"{len(self._queue)} of {len(FAMILIES)} pieces to go")
            await self._settle(alike(next(iter(self._queue)), self._queue, self._held))
        if not self._equal.is_set():
            await self._write_record()

    async def _find_changed(self) -> None:
        """Puts the pieces whose wanted records changed at the head of the queue, also of those still to be read: a
        change must not wait for the rest of a reconcile."""
        wanted, before, changed = self._wanted, self._before, dict[str, None]()
        assert wanted is not None
        for number, family in enumerate(FAMILIES):
            records, held = wanted.family(family), self._held.get(family)
            known = held if held is not None else before.family(family) if before is not None else records
            if known is not records and known != records:
                changed[family] = None
            elif held is not None:
                self._held[family] = records  # lets go of the old table's memory
            if number % COMPARED_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._queue = {**changed, **self._queue}
        # Only at the end: whoever is stopped in the middle has to compare again; so has a table wanted meanwhile.
        if wanted is self._wanted:
            self._compare, self._before = False, None

    async def _settle(self, families: Sequence[str]) -> None:
        """Makes pieces of one shelf equal and verifies them; leaves those that can wait when another table is wanted
        meanwhile. May raise AsteriskError; they are then uncertain."""
        assert self._wanted is not None
        self._settling, wanted = families, {family: self._wanted.family(family) for family in families}
        known = {family: self._held.pop(family) for family in families if family in self._held}
        self._queue.update(dict.fromkeys(families))
        held: Mapping[str, Mapping[str, str]] = known or await self._pieces.read(families)
        for _ in range(ATTEMPTS):
            changes: dict[str, TableDiff] = {}
            for family, records in held.items():
                if change := diff_family(records, wanted[family]):
                    changes[family] = change
                else:
                    self._held[family] = wanted[family]
                    self._queue.pop(family, None)
                    self._refused.pop(family, None)
            for family, change in list(changes.items()):
                if not await self._written(family, change):
                    del changes[family]
                if self._compare:
                    return  # with one written: tables that come in without a pause must not stop us
            if not changes:
                return
            held = await self._pieces.read_back(held, changes)
        for family in changes:
            self._refuse(family, "it holds something else than was written")

    async def _written(self, family: str, change: TableDiff) -> bool:
        """Whether Asterisk took the change of one piece."""
        if self._give_way is not None:
            await self._give_way()
        self._wrote = True
        try:
            await self._astdb.write([Put(key, value) for key, value in change.puts.items()], change.deletes)
        except AsteriskRefused as error:
            self._refuse(family, str(error))
            return False
        return True

    def _refuse(self, family: str, reason: str) -> None:
        """One bad row must not hold up the others; the scrub comes back to it."""
        self._queue.pop(family, None)
        if family not in self._refused:
            log.error("asterisk does not hold a piece of the table", extra={"piece": family, "reason": reason})
        self._refused[family] = reason

    async def _write_record(self) -> None:
        """The table's own record, only when all of it is verified."""
        if self._refused:
            family, reason = next(iter(self._refused.items()))
            self._show(TableState.DIFFERS, f"{len(self._refused)} pieces differ; {family}: {reason}")
            return
        assert self._wanted is not None and self._generation is not None
        generation = self._generation + 1 if self._wrote else max(self._generation, 1)
        now, rows = self._clock.now(), self._wanted.did_count
        record = encode_table(TableRecord(generation, int(now.wall.timestamp()), rows))
        await self._astdb.put(TABLE_KEY, record)
        if self._queue or self._compare:
            return  # something came in while we wrote: the next round says it
        self._generation, self._record, self._wrote = generation, record, False
        self._equal.set()
        self._tell(TableView(TableState.EQUAL, generation, rows, now, ""))

    async def _idle(self) -> None:
        """Until something is wanted: reads one shelf after the other again, gently, and the table's own record."""
        scrubbed, checked_at = 0, self._clock.now()
        while not await self._woken(SCRUB_SECONDS):
            if self._wanted is None:
                continue
            if self._clock.now().since(checked_at) >= RECORD_CHECK_SECONDS:
                checked_at = self._clock.now()
                if await self._unread():
                    self.again()
                    return
                if self._record and await self._astdb.get(TABLE_KEY) != self._record:
                    log.warning("asterisk holds another table than was published, reconciling")
                    self.again()
                    return
            await self._scrub(list(SHELVES.values())[scrubbed % len(SHELVES)])
            scrubbed += 1
            if scrubbed % len(SHELVES) == 0:
                await self._write_record()

    async def _scrub(self, shelf: Sequence[str]) -> None:
        """Reads a shelf again. A difference nobody told us of: who knows what else was changed, so all are read."""
        assert self._wanted is not None
        wanted = {family: self._wanted.family(family) for family in shelf}
        for family, held in (await self._pieces.read(shelf)).items():
            if family in self._refused:
                self._queue[family] = None
                self._wake.set()
            elif held != wanted[family] and wanted[family] is self._wanted.family(family):
                log.warning("asterisk held other records than published, reconciling", extra={"piece": family})
                self.again()
                return

    async def _interrupted(self, error: AsteriskError, pause_seconds: float) -> None:
        if self._wanted is not None:
            # Asterisk may come back with older values: it writes its database to disk only once a second.
            self.again()
            self._show(TableState.UNKNOWN, error.message)
        self._wake.clear()
        await self._woken(pause_seconds)

    async def _woken(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _show(self, state: TableState, detail: str) -> None:
        if state is not TableState.EQUAL:
            self._equal.clear()
        if (self.view.state, self.view.detail) != (state, detail):
            self._tell(replace(self.view, state=state, detail=detail))

    def _tell(self, view: TableView) -> None:
        self.view = view
        if self._on_change is not None:
            self._on_change(view)
