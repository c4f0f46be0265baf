"""Many rows at a time, in portions: between two of them the event loop gets its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Any, Final

from sqlalchemy import Column, Row, Select, Table, bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.store.database import upsert

PORTION_ROWS: Final = 1_000


async def rows_of(connection: AsyncConnection, query: Select[Any]) -> AsyncIterator[Row[Any]]:
    result = await connection.stream(query)
    async for portion in result.partitions(PORTION_ROWS):
        for row in portion:
            yield row


async def write_rows(connection: AsyncConnection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Inserts, or overwrites by the key."""
    # SQLAlchemy prepares every row of one statement on the event loop, without a pause.
    left = iter(rows)
    while portion := list(islice(left, PORTION_ROWS)):
        await upsert(connection, table, portion)


async def remove_rows(connection: AsyncConnection, columns: tuple[Column[Any], ...], keys: Iterable[Any]) -> None:
    """Deletes the rows whose columns, all of one table, hold these values; `keys` has a tuple for each."""
    names = [f"key_{column.name}" for column in columns]
    chosen = delete(columns[0].table).where(
        *(column == bindparam(name) for name, column in zip(names, columns, strict=True))
    )
    left = iter(keys)
    while portion := list(islice(left, PORTION_ROWS)):
        await connection.execute(chosen, [dict(zip(names, key, strict=True)) for key in portion])
