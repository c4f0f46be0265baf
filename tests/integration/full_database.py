"""Rows for every table there is, made from what its columns are: nobody has to remember a new table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Integer, Table, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.store.contents import SEEDED
from ringfence.store.tables import UtcDateTime
from ringfence.store.tables_audit import audit_head
from ringfence.store.tables_roster import hr_records
from tests.integration.stores import NOW

# Letters whose order differs from language to language, quotes, and one beyond the first 65,536.
LETTERS = ("Zoë", "ärger", "b", "B", "a 'quoted' \"one\"", "\U0001f4de\t\n\\", "éA", "Éa", "", "%s :x")


async def fill(connection: AsyncConnection, rows: int = 12) -> None:
    """So many rows into each table that is empty, those that refer to each other by the same number."""
    for table in hr_records.metadata.sorted_tables:
        if table.name not in SEEDED:
            await connection.execute(insert(table), list(rows_of(table, rows)))
    await connection.execute(update(audit_head).values(number=rows))  # no chain, but what is added fits behind it


def rows_of(table: Table, rows: int) -> Iterator[dict[str, Any]]:
    for number in range(1, rows + 1):
        yield {column.name: _value(column, number) for column in table.columns}


def _value(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return _value(key.column, number)
    if column.nullable and number % 3 == 0:
        return None
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, UtcDateTime):
        return NOW.wall + timedelta(days=-number, microseconds=number % 2)
    if isinstance(column.type, JSON):
        return [[], {"b": [1, 2.5, None, True], "a": LETTERS[number % len(LETTERS)]}, "text", 0][number % 4]
    length = getattr(column.type, "length", None) or 100
    return f"{LETTERS[number % len(LETTERS)][:7]}{number} {column.name}"[:length]
