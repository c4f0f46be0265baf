"""Brings a database of any age to this program's tables; asked at every start. Shipped inside the package.

Alembic is loaded when there is something to do: at all other starts 7 MB of it would lie there for nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "alembic_version"


async def is_current(connection: AsyncConnection) -> bool:
    """Whether there is nothing to do; asked first, because a database another program holds can still be read.
    Raises StoreError for a newer database."""
    return await connection.run_sync(_is_current)


async def upgrade(connection: AsyncConnection) -> None:
    """Runs inside the caller's transaction: all migrations or none. Raises StoreError for a newer database."""
    await connection.run_sync(_upgrade)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file; also for `alembic revision` when a migration is written."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revisions() -> list[str]:
    """Ours, oldest first: each file's name begins with its number."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _is_current(connection: Connection) -> bool:
    present = None
    if inspect(connection).has_table(VERSION_TABLE):
        present = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant
    known = revisions()
    if present is not None and present not in known:
        raise StoreError(
            f"The database was made by a newer Ringfence (its schema is {present}).",
            "Install that version again, or restore the backup made before the upgrade.",
        )
    return present == known[-1]


def _upgrade(connection: Connection) -> None:
    if _is_current(connection):
        return  # another program has done it while we waited for the lock
    from alembic import command

    command.upgrade(configuration(connection), "head")
