"""Reads pieces of the table back from Asterisk, those of one shelf together: for the table's publisher."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ringfence.app.ports import AstDb
from ringfence.domain.route_table import TableDiff, family_of, shelf_of, shelves

SHELVES: Final = shelves()
FEW_RECORDS: Final = 25
"""So many are read back one by one, at 0.1 ms, and no shelf for their sake: for it, Asterisk looks at all it has."""

Held = dict[str, dict[str, str]]
"""What Asterisk holds, by piece."""


def alike(first: str, queue: Collection[str], known: Collection[str]) -> list[str]:
    """The pieces of the queue that are settled together with this one: they lie on one shelf, and all of them have to
    be read first, or none."""
    shelf = (family for family in SHELVES[shelf_of(first)] if family in queue)
    return [family for family in shelf if (family in known) == (first in known)]


class PieceReader:
    """May raise AsteriskError everywhere."""

    def __init__(self, astdb: AstDb) -> None:
        self._astdb = astdb

    async def read(self, families: Sequence[str]) -> Held:
        """Pieces of one shelf."""
        found: Held = {family: {} for family in families}
        for path, value in (await self._astdb.read_tree(shelf_of(families[0]))).items():
            if (family := family_of(path)) in found:
                found[family][path] = value
        return found

    async def read_back(self, held: Mapping[str, Mapping[str, str]], changes: Mapping[str, TableDiff]) -> Held:
        """Pieces of one shelf after these changes; `held` is what they were before."""
        if sum(len(change.puts) + len(change.deletes) for change in changes.values()) > FEW_RECORDS:
            return await self.read(list(changes))
        found = {family: dict(held[family]) for family in changes}
        for family, change in changes.items():
            for key in (*change.puts, *change.deletes):
                value = await self._astdb.get(key)
                if value is None:
                    found[family].pop(key, None)
                else:
                    found[family][key] = value
        return found
