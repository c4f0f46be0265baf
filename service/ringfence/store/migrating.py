"""Brings a database of any age to this program's tables; run at every start. Shipped inside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreError

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def is_current(connection: AsyncConnection) -> bool:
    """Whether there is nothing to do; asked first, because a database another program holds can still be read.
    Raises StoreError for a newer database."""
    return await connection.run_sync(_is_current)


async def upgrade(connection: AsyncConnection) -> None:
    """Runs inside the caller's transaction: all migrations or none. Raises StoreError for a newer database."""
    await connection.run_sync(_upgrade)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file; also for `alembic revision` when a migration is written."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Connection) -> bool:
    scripts = ScriptDirectory.from_config(configuration(connection))
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"The database was made by a newer Ringfence (its schema is {present}).",
            "Install that version again, or restore the backup made before the upgrade.",
        )
    return present == scripts.get_current_head()


def _upgrade(connection: Connection) -> None:
    if not _is_current(connection):  # another program may have done it while we waited for the lock
        command.upgrade(configuration(connection), "head")
