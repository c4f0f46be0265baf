"""The files of a restored machine: the configuration where none is, and what was there before, kept aside.

Nothing that is there is overwritten. Whatever is made belongs to whom its directory belongs to: a restore is run by
root, and the daemon is not root.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ringfence.app.backup.faults import BackupFault
from ringfence.bootstrap.audit_side import ANCHOR_FILE

STATE_FILES: Final = ("ringfence.db", "ringfence.db-wal", "ringfence.db-shm", "spool.jsonl", ANCHOR_FILE)
CONFIG_NAME: Final = "ringfence.toml"


@dataclass(slots=True)
class Written:
    """`left`: those that were there already, and are as they were."""

    made: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)


def move_aside(state_dir: Path, at: datetime) -> list[Path]:
    """The database, and what belongs to it and to no other, into a folder of its own. Raises BackupFault."""
    folder = state_dir / f"before-restore-{at.astimezone(UTC).strftime('%Y%m%dT%H%M%SZ')}"
    there = [state_dir / name for name in STATE_FILES if os.path.lexists(state_dir / name)]
    if not there:
        return []
    moved: list[Path] = []
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owned_like(folder, state_dir)
        for path in there:
            path.rename(folder / path.name)
            moved.append(path)
    except OSError as error:
        for path in moved:
            (folder / path.name).rename(path)
        raise BackupFault(f"{folder}: {error.strerror}. All is as it was.") from None
    return [folder]


def write_files(files: dict[str, bytes], state_dir: Path, config: Path) -> Written:
    """Those of a backup, by their names in it: `config/…` beside the configuration, `state/…` into the state directory.
    Raises BackupFault."""
    written = Written()
    for name, content in sorted(files.items()):
        where, _, file = name.partition("/")
        if where == "state" and file not in STATE_FILES:
            continue  # of a later version, and nothing that this one reads
        path = config if name == f"config/{CONFIG_NAME}" else (config.parent if where == "config" else state_dir) / file
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if path == config:
                path.chmod(0o644)
            owned_like(path, path.parent)
            written.made.append(path)
        except FileExistsError:
            written.left.append(path)
        except OSError as error:
            fix = "Make room there." if error.errno == errno.ENOSPC else "Run it as root."
            raise BackupFault(f"The database is restored, and {path} was not written: {error.strerror}.", fix) from None
    return written


def owned_like(path: Path, directory: Path) -> None:
    """Gives it to whom the directory belongs to; only root can, and only root has to."""
    if os.geteuid() != 0:
        return
    like, own = directory.stat(), path.stat()
    if (like.st_uid, like.st_gid) != (own.st_uid, own.st_gid):
        os.chown(path, like.st_uid, like.st_gid)
        if path.is_file() and own.st_mode & 0o077 == 0 and like.st_uid == 0 and like.st_gid != 0:
            path.chmod(0o640)  # a directory of root's that a group reads: the service's account is in that group
