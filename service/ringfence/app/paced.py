"""An AstDB that is worked at gently: for the table's publisher, whose work may be great and which calls must not feel.

Every call reads AstDB some four times, and each of its reads waits for whoever has AstDB's lock. A tree that is read
holds it while Asterisk looks at its whole table, 10 to 25 ms with 100,000 records: of trees read one right after the
other, a read waited 12 ms in the middle and 33 ms at worst, and a call for several of them. And once a second Asterisk
writes to disk, under this lock, whatever was put since: of records put as fast as they can be sent it is three times as
much, a read waited for up to 53 ms, and Asterisk has less time for calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.app.ports import AstDb, Clock, Put

RECORDS_PER_SECOND: Final = 9_000
"""100,000 DIDs with 1,000 teams take 13 s of the 20 that a first publish may take."""
AT_ONCE: Final = 500
"""So many are written without any pause: what people change by hand, and the records of a small team."""
BATCH: Final = 100
LONGEST_PAUSE_SECONDS: Final = 0.05


class PacedAstDb:
    """Implements `ports.AstDb` by another one. Slows nobody down who is slower already."""

    def __init__(self, astdb: AstDb, clock: Clock) -> None:
        self._astdb = astdb
        self._clock = clock
        self._written_by = 0.0  # when all so far would be written, one after the other at our pace

    async def put(self, key: str, value: str) -> None:
        await self._astdb.put(key, value)

    async def get(self, key: str) -> str | None:
        return await self._astdb.get(key)

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        """Of a write that was refused or interrupted, nobody knows how much was done."""
        for first in range(0, len(puts), BATCH):
            some = puts[first : first + BATCH]
            await self._astdb.write(some, ())
            await self._rest(len(some))
        for first in range(0, len(deletes), BATCH):
            gone = deletes[first : first + BATCH]
            await self._astdb.write((), gone)
            await self._rest(len(gone))

    async def read_tree(self, key: str) -> dict[str, str]:
        """Rests as long as it took: a call's next read finds AstDB free."""
        began = self._clock.now()
        found = await self._astdb.read_tree(key)
        if (took := self._clock.now().since(began)) > 0:
            await self._clock.sleep(min(took, LONGEST_PAUSE_SECONDS))
        return found

    async def _rest(self, records: int) -> None:
        now = self._clock.now().monotonic
        earliest = now - AT_ONCE / RECORDS_PER_SECOND
        self._written_by = max(self._written_by, earliest) + records / RECORDS_PER_SECOND
        if (left := self._written_by - now) > 0:
            await self._clock.sleep(left)
