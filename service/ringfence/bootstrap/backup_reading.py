"""Reads a backup from end to end, or one of the two kinds of copy that are made before a database is brought up to date
(`store.copy_first`). One of a newer schema is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from ringfence.app.backup.archive import About, File, Manifest, Rows, Sum, read
from ringfence.app.backup.faults import BackupFault, CannotOpen
from ringfence.app.ports import StoreError
from ringfence.backup.seal import UNREADABLE, Keys, opened
from ringfence.store.contents import Contents, Portion
from ringfence.store.copy_first import stream_is_sqlite
from ringfence.store.database import Database
from ringfence.store.migrating import revisions

GZIP: Final = b"\x1f\x8b"

Told = Callable[[int, int], None]
"""How many rows are done, and how many there are; 0: nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was read from end to end. `files` are its small files, by name."""

    about: About
    manifest: Manifest
    files: dict[str, bytes] = field(default_factory=dict, repr=False)


def check(path: Path, keys: Keys, told: Told = lambda done, in_all: None) -> Checked:
    """Reads all of it. Blocks. Raises BackupFault."""
    about, files, done = None, dict[str, bytes](), 0
    with source(path, keys) as stream:
        if stream is None:
            made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return asyncio.run(_checked_copy(path, made.isoformat(timespec="seconds")))
        for piece in read(stream):
            match piece:
                case About():
                    about = piece
                    _refuse_newer(about)
                case Rows():
                    done += len(piece.rows)
                    told(done, 0)
                case File():
                    files[piece.name] = piece.content
                case Manifest():
                    assert about is not None
                    return Checked(about, piece, files)
    raise CannotOpen(f"{path}: its end is missing.", "Take another copy, or an older backup.")


@contextmanager
def source(path: Path, keys: Keys) -> Iterator[IO[bytes] | None]:
    """What is in the file, opened; None for a copy of a SQLite file, which is read in place. Raises CannotOpen."""
    try:
        with path.open("rb") as plain:
            if stream_is_sqlite(plain):
                yield None
                return
            if plain.read(len(GZIP)) == GZIP:
                plain.seek(0)
                yield plain
                return
    except OSError as error:
        raise CannotOpen(f"{path}: {error.strerror or 'cannot be read'}.", "Name a backup that you may read.") from None
    except UNREADABLE as error:
        raise CannotOpen(f"{path}: it is damaged or cut short ({error}).", "Take another copy.") from None
    with opened(path, keys) as stream:
        yield stream


async def rows_of_copy(path: Path) -> AsyncIterator[Portion]:
    """Of a SQLite file, read in place. Raises StoreError."""
    database = Database.at(path, as_it_is=True)
    try:
        async with database.reading() as connection:
            async for portion in (await Contents.of(connection)).portions():
                yield portion
    finally:
        await database.close()


async def _checked_copy(path: Path, at: str) -> Checked:
    database = Database.at(path, as_it_is=True)
    try:
        async with database.reading() as connection:
            contents = await Contents.of(connection)
            about = About("", contents.revision, "", at, False)
            _refuse_newer(about)
            tallies = await contents.tallies()
    except StoreError as error:
        raise CannotOpen(error.message, "Take another copy, or a backup.") from None
    finally:
        await database.close()
    return Checked(about, Manifest({name: Sum(one.rows, one.digest) for name, one in tallies.items()}, {}))


def _refuse_newer(about: About) -> None:
    if about.schema not in revisions():
        raise BackupFault(
            f"The backup was made by a newer Ringfence ({about.version or 'unknown'}, schema {about.schema}); this one "
            f"knows schemas up to {revisions()[-1]}.",
            f"Install Ringfence {about.version or 'as new as that'}, and restore with it.",
        )
