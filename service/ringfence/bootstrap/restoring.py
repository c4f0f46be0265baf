"""Puts a backup back: read from end to end and checked before anything is written, then all of it or nothing.

One of an older schema is loaded as it is and brought up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.backup.archive import Piece, Rows, Sum, read
from ringfence.app.backup.faults import BackupFault
from ringfence.app.ports import StoreError
from ringfence.backup.seal import Keys
from ringfence.bootstrap.backup_reading import Checked, Told, rows_of_copy, source
from ringfence.bootstrap.restored_files import Written, move_aside, owned_like, write_files
from ringfence.bootstrap.storing import database_of
from ringfence.config.settings import Settings
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.store.contents import Portion, filled, load
from ringfence.store.copy_first import copy_of_server
from ringfence.store.database import Database
from ringfence.store.migrating import begin_at, present_revision, revisions, upgrade
from ringfence.store.restored import Settled, settle, valid_keys


@dataclass(frozen=True, slots=True)
class Wish:
    """`replace`: what is there is kept aside. `keep_keys`: the API keys of the backup open doors again. `config`: where
    the configuration is, or goes where none is."""

    path: Path
    keys: Keys
    config: Path
    who: str
    replace: bool = False
    keep_keys: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside`: where what was there is now."""

    checked: Checked
    settled: Settled
    files: Written
    aside: tuple[Path, ...]
    schema: str


async def restore(settings: Settings, wish: Wish, checked: Checked, told: Told = lambda done, in_all: None) -> Restored:
    """After `check`, with the state directory's lock in hand. Raises BackupFault, StoreError: then all is as it was."""
    at = datetime.now(UTC)
    if settings.database and not settings.database.startswith("sqlite"):
        settled, aside = await _into_server(settings, wish, checked, at, told)
    else:
        settled, aside = await _into_file(settings, wish, checked, at, told)
    files = await asyncio.to_thread(write_files, checked.files, settings.state_dir, wish.config)
    return Restored(checked, settled, files, tuple(aside), revisions()[-1])


async def _into_file(
    settings: Settings, wish: Wish, checked: Checked, at: datetime, told: Told
) -> tuple[Settled, list[Path]]:
    """A new file is filled beside the old one, and takes its place when it is whole."""
    file = settings.state_dir / "ringfence.db"
    if settings.database:
        raise BackupFault(
            "The configuration names a SQLite file by its address.", "Leave `database` away: it lies in state_dir then."
        )
    held = await _held(Database.at(file, as_it_is=True), wish) if file.exists() else _Held()
    beside = file.with_name(".ringfence.db.restoring")
    _remove_database(beside)
    try:
        database = await Database.open(beside)
        try:
            settled = await database.write(lambda connection: _fill(connection, wish, checked, at, held.keys, told))
        finally:
            await database.close()
        aside = move_aside(settings.state_dir, at) if held.filled else []
        if not held.filled:
            _remove_database(file)
        owned_like(beside, settings.state_dir)
        beside.rename(file)
    finally:
        _remove_database(beside)
    return settled, aside


async def _into_server(
    settings: Settings, wish: Wish, checked: Checked, at: datetime, told: Told
) -> tuple[Settled, list[Path]]:
    aside: list[Path] = []
    looked = database_of(settings, wish.config, as_it_is=True)
    held = await _held(looked, wish, settings.state_dir, at, aside)
    database = database_of(settings, wish.config, copies=settings.state_dir, sole=True)
    try:
        settled = await database.write(
            lambda connection: _fill(connection, wish, checked, at, held.keys, told, held.filled)
        )
    finally:
        await database.close()
    if held.filled:
        aside += move_aside(settings.state_dir, at)
    return settled, aside


@dataclass(frozen=True, slots=True)
class _Held:
    """What the database to be replaced holds: whether anything, and its valid keys."""

    filled: bool = False
    keys: frozenset[str] = frozenset()


async def _held(
    database: Database,
    wish: Wish,
    copies: Path | None = None,
    at: datetime | None = None,
    aside: list[Path] | None = None,
) -> _Held:
    """Of one that cannot be read nothing is known but that it is there. Raises BackupFault when it is not empty and is
    not to be replaced."""
    try:
        async with database.reading() as connection:
            revision = await present_revision(connection)
            names = await filled(connection) if revision is not None else []
            keys = await valid_keys(connection) if "api_keys" in names else frozenset[str]()
            if names and wish.replace and copies is not None:
                assert at is not None and revision is not None and aside is not None
                aside.append(await copy_of_server(connection, copies, revision, at))
        found = _Held(bool(names), keys)
    except StoreError as error:
        if not wish.replace or copies is not None:
            raise BackupFault(
                f"There is a database, and it cannot be read: {error.message}",
                "With --replace it is kept aside, and the backup takes its place." if copies is None else error.fix,
            ) from None
        found = _Held(filled=True)
    finally:
        await database.close()
    if found.filled and not wish.replace:
        raise BackupFault(
            "The database is not empty. Nothing was written.",
            "With --replace what is there is kept aside, and the backup takes its place.",
        )
    return found


async def _fill(
    connection: AsyncConnection,
    wish: Wish,
    checked: Checked,
    at: datetime,
    held: Collection[str],
    told: Told,
    replaced: bool = False,
) -> Settled:
    """In one transaction: what does not agree with what was checked takes everything back."""
    schema = checked.about.schema
    if replaced or await present_revision(connection) != schema:
        await begin_at(connection, schema)
    tallies = await load(connection, schema, _portions(wish, checked, told))
    if {name: Sum(one.rows, one.digest) for name, one in tallies.items() if one.rows} != {
        name: one for name, one in checked.manifest.tables.items() if one.count
    }:
        raise BackupFault("The backup changed while it was read. Nothing was written.")
    await upgrade(connection)
    keys = None if wish.keep_keys else held
    return await settle(connection, at, keys, _fact(wish, checked, at))


async def _portions(wish: Wish, checked: Checked, told: Told) -> AsyncIterator[Portion]:
    done = 0
    with source(wish.path, wish.keys) as stream:
        if stream is None:
            async for portion in rows_of_copy(wish.path):
                yield portion
            return
        pieces = read(stream)
        while (piece := await asyncio.to_thread(_next, pieces)) is not None:
            if isinstance(piece, Rows):
                yield Portion(piece.table, piece.rows)
                done += len(piece.rows)
                told(done, checked.manifest.rows)


def _next(pieces: Iterator[Piece]) -> Piece | None:
    return next(pieces, None)


def _fact(wish: Wish, checked: Checked, at: datetime) -> AuditFact:
    detail = {"file": wish.path.name, "made at": checked.about.at, "rows": str(checked.manifest.rows)}
    if wish.replace:
        detail["before"] = "what was there is kept aside"
    about = f"backup of {checked.about.node or 'a copy'}"
    return AuditFact(at, AuditKind.BACKUP, "backup put back", about, wish.who, by="command line", detail=detail)


def _remove_database(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
