"""An AstDB in a dictionary, which can be made to fail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ringfence.app.ports import AsteriskError, Put

MAX_TREE_ROWS = 5_000


def tree_of(rows: Mapping[str, str], key: str) -> dict[str, str]:
    """The entries below `key`, as `ports.AstDb.read_tree` has them."""
    below = re.compile(re.escape(f"{key}/").replace("_/", "[^/]/"))
    return {path: value for path, value in rows.items() if below.match(path)}


class FakeAstDb:
    """Implements `ports.AstDb`. Set `fault` to have every action raise it."""

    def __init__(self, rows: dict[str, str] | None = None) -> None:
        self.rows: dict[str, str] = dict(rows or {})
        self.puts: list[Put] = []
        self.fault: AsteriskError | None = None

    async def put(self, key: str, value: str) -> None:
        self._answer()
        self.rows[key] = value
        self.puts.append(Put(key, value))

    async def get(self, key: str) -> str | None:
        self._answer()
        return self.rows.get(key)

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        for put in puts:
            await self.put(put.key, put.value)
        for key in deletes:
            self._answer()
            self.rows.pop(key, None)

    async def read_tree(self, key: str) -> dict[str, str]:
        self._answer()
        found = tree_of(self.rows, key)
        assert len(found) <= MAX_TREE_ROWS, f"{len(found)} rows asked for at once would lock AstDB"
        return found

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault
