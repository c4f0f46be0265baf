"""The copy that is made before a database is brought up to date: the way back to the version before.

Of SQLite a copy of the file, beside it; of a server's database all rows, in the form a backup has inside. Neither is
encrypted: it lies where the database itself does, as closed as that. The last few are kept.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.backup.archive import About, Writer
from ringfence.app.ports import StoreUnavailable
from ringfence.app.program import program_version
from ringfence.store.contents import Contents

KEPT: Final = 3
SPARE_BYTES: Final = 16 << 20
_STAMP: Final = "%Y%m%dT%H%M%SZ"


def copy_of_file(file: Path, schema: str, at: datetime) -> Path:
    """A copy of a SQLite database as of one moment, whoever writes meanwhile. Blocks. Raises StoreUnavailable."""
    place = _place(file.parent, file.name, schema, at, "")
    size = sum(path.stat().st_size for path in (file, file.with_name(f"{file.name}-wal")) if path.exists())
    with _made(place, size) as beside:
        source = sqlite3.connect(file, timeout=5.0)
        try:
            # Into an empty file that is there: it keeps the mode that we gave it.
            source.execute("VACUUM INTO ?", (str(beside),))
        finally:
            source.close()
    return place


async def copy_of_server(connection: AsyncConnection, directory: Path, schema: str, at: datetime) -> Path:
    """All rows of a server's database as of one moment. Raises StoreUnavailable."""
    place = _place(directory, "ringfence-database", schema, at, ".tar.gz")
    contents = await Contents.of(connection)
    about = About(program_version(), contents.revision, "", at.astimezone(UTC).isoformat(timespec="seconds"), False)
    with _made(place, 0) as beside, beside.open("r+b") as stream:
        await _write(Writer(stream, about), contents)
    return place


async def _write(writer: Writer, contents: Contents) -> None:
    async for portion in contents.portions():
        await asyncio.to_thread(writer.add_rows, portion.table, portion.rows)
    await asyncio.to_thread(writer.finish)


def _place(directory: Path, name: str, schema: str, at: datetime, ending: str) -> Path:
    return directory / f"{name}.schema-{schema}-{at.astimezone(UTC).strftime(_STAMP)}{ending}"


@contextmanager
def _made(place: Path, size: int) -> Iterator[Path]:
    """An empty file for the copy, which gets its name when it is whole; then the oldest copies go."""
    beside = place.with_name(f".{place.name}.partial")
    try:
        # Asked first: a copy that fills the disk would stop the journal of whoever still runs.
        if shutil.disk_usage(place.parent).free < size + SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
        yield beside
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        beside.rename(place)
        for old in _older(place)[KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise _not_made(place, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise _not_made(place, str(error)) from error
    finally:
        beside.unlink(missing_ok=True)


def _older(place: Path) -> list[Path]:
    """Newest first, by the moment in their names."""
    beginning = place.name.partition(".schema-")[0]
    found = [path for path in place.parent.glob(f"{beginning}.schema-*") if not path.name.endswith(("-wal", "-shm"))]
    return sorted(found, key=lambda path: path.name.rpartition("-")[2], reverse=True)


def _not_made(place: Path, why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database has to be brought up to date, and was not: the copy to be made first, {place}, cannot be "
        f"written ({why}).",
        "Calls go on. Make room there; it is then done by itself.",
    )


def stream_is_sqlite(stream: IO[bytes]) -> bool:
    """Whether a file that was just opened is such a copy."""
    beginning = stream.read(16)
    stream.seek(0)
    return beginning == b"SQLite format 3\x00"
