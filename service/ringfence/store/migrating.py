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


async def present_revision(connection: AsyncConnection) -> str | None:
    """The schema it has now; None for a database without our tables."""
    return await connection.run_sync(_present)


async def upgrade(connection: AsyncConnection) -> None:
    """Runs inside the caller's transaction: all migrations or none. Raises StoreError for a newer database."""
    await connection.run_sync(_upgrade)


async def begin_at(connection: AsyncConnection, revision: str) -> None:
    """Everything in it goes, and it has this older schema, empty. Inside the caller's transaction."""

    await step_back(connection, "base")

    def work(inside: Connection) -> None:
        from alembic import command

        command.upgrade(configuration(inside), revision)

    await connection.run_sync(work)


async def step_back(connection: AsyncConnection, revision: str) -> None:
    """To an older schema, with the rows that fit it. Inside the caller's transaction. No command does this to
    a database in service: what a newer version stored in a newer place would be lost."""

    def work(inside: Connection) -> None:
        from alembic import command

        command.downgrade(configuration(inside), revision)

    await connection.run_sync(work)


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


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant
    return None if found is None else str(found)


def _is_current(connection: Connection) -> bool:
    present = _present(connection)
    known = revisions()
    if present is not None and present not in known:
        raise StoreError(
            f"The database was made by a newer Ringfence (its schema is {present}).",
            "Install that version again, or put back the copy made before the upgrade: `ringfence restore --replace`.",
        )
    return present == known[-1]


def _upgrade(connection: Connection) -> None:
    if _is_current(connection):
        return  # another program has done it while we waited for the lock
    from alembic import command

    command.upgrade(configuration(connection), "head")
