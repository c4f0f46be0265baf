"""Everything that is stored, as rows no database engine has a say in: read out of one, and put into an empty other.

A row is plain: what JSON can hold, and nothing else. A moment is its ISO 8601 text in UTC, bytes are base64, what lies
in a JSON column is itself. The tables are taken as the database has them, so that one of an older schema can be read
and filled as well, provided that this program still has a table of each name.

    async with database.reading() as connection:
        contents = await Contents.of(connection)
        async for portion in contents.portions():
            ...
    await other.write(lambda connection: load(connection, contents.revision, portions))
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreError
from ringfence.store.migrating import VERSION_TABLE
from ringfence.store.tables import UtcDateTime
from ringfence.store.tables_roster import hr_records

PORTION_ROWS: Final = 1_000

# What a migration has already put into a new database; its row is overwritten, and not one more beside it.
SEEDED: Final = frozenset({"audit_head"})

PlainRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Portion:
    """At most PORTION_ROWS rows of one table."""

    table: str
    rows: Sequence[PlainRow] = field(repr=False)  # private numbers are in them


@dataclass(slots=True)
class Tally:
    """How many rows of a table went by, and a digest of them in their order."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, rows: Sequence[PlainRow]) -> None:
        self.rows += len(rows)
        for row in rows:
            self._digest.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n")

    @property
    def digest(self) -> str:
        return str(self._digest.hexdigest())


class Contents:
    """What one connection sees, in a transaction that shows it one state from beginning to end (`Database.reading`)."""

    def __init__(self, connection: AsyncConnection, revision: str, tables: Sequence[Table]) -> None:
        self._connection = connection
        self._tables = tables
        self.revision = revision

    @classmethod
    async def of(cls, connection: AsyncConnection) -> Contents:
        """Raises StoreError when there is no schema yet."""
        revision, tables = await connection.run_sync(_reflected)
        return cls(connection, revision, tables)

    @property
    def tables(self) -> tuple[str, ...]:
        """Their names, none before one its rows refer to."""
        return tuple(table.name for table in self._tables)

    async def counts(self) -> dict[str, int]:
        """Rows of each table."""
        found = {}
        for table in self._tables:
            found[table.name] = (await self._connection.execute(select(func.count()).select_from(table))).scalar_one()
        return found

    async def portions(self) -> AsyncIterator[Portion]:
        """Table by table in the order of `tables`, and in it by key, which every engine orders alike here. A table
        without rows comes as one portion without rows. Never more than one portion lies in memory."""
        dialect = self._connection.dialect.name
        for table in self._tables:
            result = await self._connection.stream(select(table).order_by(*_order(table, dialect)))
            empty = True
            async for rows in result.mappings().partitions(PORTION_ROWS):
                empty = False
                yield Portion(table.name, [_plain(table, row) for row in rows])
            if empty:
                yield Portion(table.name, [])

    async def tallies(self) -> dict[str, Tally]:
        """Counts and digests of every table."""
        found = {name: Tally() for name in self.tables}
        async for portion in self.portions():
            found[portion.table].add(portion.rows)
        return found


async def load(connection: AsyncConnection, revision: str, portions: AsyncIterable[Portion]) -> dict[str, Tally]:
    """Puts it all into a database that has this schema and nothing in it, within the caller's transaction: all or
    nothing. `portions` in the order in which `Contents` gives them. Returns what was put into each table. Raises
    StoreError when the database is of another schema or not empty, and for a value it does not take."""
    found, tables = await connection.run_sync(_reflected)
    if found != revision:
        raise StoreError(
            f"These contents are of schema {revision}, and the database to fill is of {found}.",
            "Fill a database of the same schema first, and upgrade it then.",
        )
    if names := await filled(connection, tables):
        raise StoreError(
            f"The database to fill is not empty: there are rows in {', '.join(names)}.",
            "Nothing is ever mixed into it: name a new, empty database.",
        )
    by_name = {table.name: table for table in tables}
    tallies = {table.name: Tally() for table in tables}
    async for portion in portions:
        table = by_name.get(portion.table)
        if table is None:
            raise StoreError(
                f"The database to fill has no table {portion.table}.", "The contents are another schema's."
            )
        if portion.rows:
            await _put(connection, table, portion.rows)
            tallies[portion.table].add(portion.rows)
    if connection.dialect.name == "postgresql":
        for table in tables:
            await _go_on_counting(connection, table)
    return tallies


async def filled(connection: AsyncConnection, tables: Sequence[Table] | None = None) -> list[str]:
    """Names of the tables in which something is that a new database has not."""
    looked_at = (await connection.run_sync(_reflected))[1] if tables is None else tables
    found = []
    for table in looked_at:
        if (
            table.name not in SEEDED
            and (await connection.execute(select(text("1")).select_from(table).limit(1))).first()
        ):
            found.append(table.name)
    return found


def _reflected(connection: Connection) -> tuple[str, list[Table]]:
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    if VERSION_TABLE not in names:
        raise StoreError("There are no tables of Ringfence in this database.", "Name one that Ringfence has used.")
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()  # noqa: S608  constant
    # Only our own: what else lies in a PostgreSQL database is somebody else's.
    ours = names & set(hr_records.metadata.tables)
    metadata = MetaData()
    metadata.reflect(connection, only=sorted(ours), resolve_fks=False)
    for table in metadata.tables.values():
        for column in table.columns:
            _understand(column)
    return str(revision), metadata.sorted_tables


def _understand(column: Column[Any]) -> None:
    if isinstance(column.type, DateTime):
        column.type = UtcDateTime()
    elif isinstance(column.type, JSON):
        # Where a column may be NULL, that is how "nothing" is stored in it.
        column.type = JSON(none_as_null=bool(column.nullable))


def _order(table: Table, dialect: str) -> list[Any]:
    """By key, and text by code point: PostgreSQL would sort it as the language of its cluster does."""
    by_code_point = dialect == "postgresql"
    return [
        column.collate("C") if by_code_point and isinstance(column.type, String) else column
        for column in table.primary_key.columns
    ]


def _plain(table: Table, row: RowMapping) -> PlainRow:
    return {column.name: _plain_value(row[column]) for column in table.columns}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _stored(table: Table, row: PlainRow) -> PlainRow:
    """Raises StoreError for a row with other columns than the table's, or a value that cannot be one of them."""
    if set(row) != set(table.columns.keys()):
        raise StoreError(f"A row has other columns than the table {table.name}.", "The contents are another schema's.")
    try:
        return {column.name: _stored_value(column, row[column.name]) for column in table.columns}
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"A row of {table.name} is none: {error}.", "The contents have been damaged.") from error


def _stored_value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value, validate=True)
    return value


async def _put(connection: AsyncConnection, table: Table, rows: Sequence[PlainRow]) -> None:
    stored = [_stored(table, row) for row in rows]
    if table.name in SEEDED:
        for row in stored:
            keys = [column == row[column.name] for column in table.primary_key.columns]
            await connection.execute(update(table).where(*keys).values(row))
        return
    try:
        await connection.execute(insert(table), stored)
    except DataError as error:
        # SQLite takes text of any length, and text with a NUL in it. Not in the driver's words, for it quotes values.
        raise StoreError(
            f"Rows of {table.name} do not fit into this database: {_misfits(table, stored)}.",
            "Shorten what is too long there, or remove the row, and try again.",
        ) from error


def _misfits(table: Table, rows: Sequence[PlainRow]) -> str:
    """The columns, and what is wrong there."""
    found = []
    for column in table.columns:
        texts = [row[column.name] for row in rows if isinstance(row[column.name], str)]
        length = getattr(column.type, "length", None)
        if length is not None and any(len(text) > length for text in texts):
            found.append(f"{column.name} is longer than {length} characters")
        if any("\x00" in text for text in texts):
            found.append(f"{column.name} holds a NUL character")
    return ", ".join(found) or "a value is out of its range"


async def _go_on_counting(connection: AsyncConnection, table: Table) -> None:
    """PostgreSQL counts row numbers beside the table, and would give those again that came with their rows."""
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or not isinstance(keys[0].type, Integer):
        return
    (key,) = keys
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    last = select(func.max(key)).scalar_subquery()
    # With no row yet, 1 is the next number; `setval` of NULL, for a key nobody counts, does nothing.
    await connection.execute(select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None))))
