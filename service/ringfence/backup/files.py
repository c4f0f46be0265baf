"""The files a backup becomes: how they are called, written all or nothing, found again, and which of them go."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from ringfence.app.backup.faults import BackupFault

ENDING: Final = ".backup.age"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"ringfence-(?P<node>[A-Za-z0-9.-]{1,63})-(?P<at>[0-9]{8}T[0-9]{6}Z)" + re.escape(ENDING))


@dataclass(frozen=True, slots=True)
class Found:
    """One backup in a directory, as its name tells; `size` in bytes."""

    path: Path
    node: str
    at: datetime
    size: int


def name_of(node: str, at: datetime) -> str:
    return f"ringfence-{node}-{at.astimezone(UTC).strftime(_STAMP)}{ENDING}"


def found_in(directory: Path, node: str | None = None) -> list[Found]:
    """Newest first; of one node, or of all. None where there is no such directory. Raises OSError for one that may not
    be read."""
    found = []
    for path in directory.iterdir() if directory.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match is None or (node is not None and match["node"] != node):
            continue
        try:
            at = datetime.strptime(match["at"], _STAMP).replace(tzinfo=UTC)
            found.append(Found(path, match["node"], at, path.stat().st_size))
        except (ValueError, OSError):
            continue  # no moment, or it went while we looked
    return sorted(found, key=lambda one: one.at, reverse=True)


def prune(directory: Path, node: str, keep: int) -> list[Path]:
    """Removes all of this node's but the `keep` newest, and what a run left that was cut off. Raises OSError."""
    gone = [one.path for one in found_in(directory, node)[keep:]]
    gone += [path for path in directory.glob(f".ringfence-{node}-*{ENDING}.partial") if _old(path)]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all: written beside, synced, renamed; only its owner may read it. Never
    overwrites. Raises BackupFault."""
    beside = path.with_name(f".{path.name}.partial")
    try:
        if os.path.lexists(path):
            raise BackupFault(f"There already: {path}.", "Choose another name.")
        with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.rename(path)
        _sync_directory(path.parent)
    except OSError as error:
        fix = "Choose a place you may write to."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "Make room there, or choose another place."
        raise BackupFault(f"{path}: {error.strerror or error}. No backup was made.", fix) from None
    finally:
        beside.unlink(missing_ok=True)


def _old(path: Path) -> bool:
    """A day: the longest backup takes minutes, and may be under way."""
    try:
        return datetime.now(UTC).timestamp() - path.stat().st_mtime > 86_400
    except OSError:
        return False


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
