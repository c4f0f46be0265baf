"""Makes one backup: everything that is stored, as of one moment, while the daemon goes on; memory stays flat.

What is in it and what is not stands in docs/howto/back-up-and-restore.md.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ringfence.app.audit import Auditor
from ringfence.app.backup.archive import About, Manifest, Writer
from ringfence.app.backup.faults import BackupFault
from ringfence.app.program import program_version
from ringfence.backup.files import name_of, new_file, prune
from ringfence.backup.seal import Locks, sealing
from ringfence.bootstrap.audit_side import ANCHOR_FILE
from ringfence.bootstrap.restored_files import owned_like
from ringfence.bootstrap.storing import database_of
from ringfence.config.reading import secret_places
from ringfence.config.settings import Settings
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.contents import Contents
from ringfence.store.database import Database

CONFIG_MEMBER: Final = "config/ringfence.toml"
ANCHORS_MEMBER: Final = f"state/{ANCHOR_FILE}"
SPARE_BYTES: Final = 64 << 20

Told = Callable[[int, int], None]
"""Is told how many rows of how many are written."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be backed up, for whom, and who asked; `who` empty: the schedule, which nobody has to answer for."""

    settings: Settings
    config: Path
    locks: Locks
    with_secrets: bool = False
    who: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    path: Path
    at: datetime
    size: int
    manifest: Manifest


async def make(order: Order, place: Path | None, told: Told = lambda done, in_all: None) -> Made:
    """One backup at `place`, a file that is not there yet, or a directory; None: the one of the configuration. Raises
    BackupFault, StoreError."""
    at, settings = datetime.now(UTC), order.settings
    directory = settings.backup.place(settings.state_dir) if place is None else place
    if place is None:
        _make_directory(directory)
    path = directory / name_of(settings.node, at) if directory.is_dir() else directory
    if not settings.database:
        _must_be_there(settings)
    database = database_of(settings, order.config, as_it_is=True)
    try:
        if order.who:
            await Auditor(SqlAuditStore(database)).note(_fact(order, path, at))
        manifest = await _write(order, path, database, at, told)
    finally:
        await database.close()
    return Made(path, at, path.stat().st_size, manifest)


async def make_and_prune(order: Order) -> Made:
    """As the schedule does it."""
    made = await make(order, None)
    try:
        prune(made.path.parent, order.settings.node, order.settings.backup.keep)
    except OSError as error:
        raise BackupFault(
            f"A backup was made, and the oldest could not be removed: {error.strerror}.",
            f"Look at the owner of {made.path.parent}.",
        ) from None
    return made


async def _write(order: Order, path: Path, database: Database, at: datetime, told: Told) -> Manifest:
    settings = order.settings
    async with database.reading() as connection:
        contents = await Contents.of(connection)
        in_all, done = sum((await contents.counts()).values()), 0
        about = About(
            program_version(), contents.revision, settings.node, at.isoformat(timespec="seconds"), order.with_secrets
        )
        # Leaving these waits for the disk, each for the last of its bytes: some milliseconds of a loop nobody shares.
        with new_file(path) as target, sealing(target, order.locks) as stream:
            writer = Writer(stream, about)
            for name, content in _files(order):
                writer.add_file(name, content)
            async for portion in contents.portions():
                _leave_room(path.parent, settings.state_dir)
                await asyncio.to_thread(writer.add_rows, portion.table, portion.rows)
                done += len(portion.rows)
                told(done, in_all)
            return await asyncio.to_thread(writer.finish)


def _files(order: Order) -> list[tuple[str, bytes]]:
    found = [(CONFIG_MEMBER, _content(order.config))]
    anchors = order.settings.state_dir / ANCHOR_FILE
    if anchors.exists():
        found.append((ANCHORS_MEMBER, _content(anchors)))
    if order.with_secrets:
        for name, source in secret_places(order.config, order.settings).items():
            if source.exists():
                found.append((f"config/{name}", _content(source)))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BackupFault(
            f"{path}: {error.strerror}. No backup was made.", "Run it as root, or as the service's own account."
        ) from None


def _leave_room(directory: Path, state_dir: Path) -> None:
    """A backup on the database's own disk must not be what fills it. Raises OSError."""
    if directory.stat().st_dev == state_dir.stat().st_dev and shutil.disk_usage(directory).free < SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _make_directory(directory: Path) -> None:
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            owned_like(directory, directory.parent)  # made by root's hand, and the daemon's to write to
    except OSError as error:
        raise BackupFault(
            f"{directory}: {error.strerror}. No backup was made.",
            "Make it and give it to the service's account, or change [backup] directory.",
        ) from None


def _must_be_there(settings: Settings) -> None:
    file = settings.state_dir / "ringfence.db"
    if not file.exists():
        raise BackupFault(f"There is no database {file}.", "Name the right configuration with --config.")


def _fact(order: Order, path: Path, at: datetime) -> AuditFact:
    what = "everything, numbers in clear, encrypted"
    detail = {"file": path.name, "secrets": "with" if order.with_secrets else "without", "keys": _openers(order.locks)}
    return AuditFact(at, AuditKind.BACKUP, "backup made", what, order.who, by="command line", detail=detail)


def _openers(locks: Locks) -> str:
    # Public keys: the record says who can open what left the house.
    return ", ".join(locks.recipients) or "a passphrase"
