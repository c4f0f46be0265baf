"""Files written all or none: nothing that is there is ever touched, and what was begun is taken back on a fault."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path


class WriteFault(Exception):
    """Nothing was written. The text says why."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """One file to be. `secret`: readable by its owner alone, or by `readers` (a group id), when it is given."""

    path: Path
    text: str
    secret: bool = False
    readers: int | None = None


def existing(paths: Sequence[Path]) -> list[Path]:
    """Which of them are there already; a dangling link counts, for it is somebody's."""
    return [path for path in paths if os.path.lexists(path)]


def write_all(files: Sequence[NewFile]) -> list[Path]:
    """What was made, in this order, folders included, for `unmake`. Raises WriteFault; then nothing of it is left."""
    made: list[Path] = []
    try:
        for file in files:
            _make_directories(file.path.parent, made)
            _write(file, made)
    except OSError as error:
        unmake(made)
        raise WriteFault(f"{error.filename or 'a file'}: {error.strerror}. Nothing was written.") from None
    return made


def unmake(made: Sequence[Path]) -> None:
    """Takes back what `write_all` made, the last one first. Raises OSError."""
    for path in reversed(made):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


def replace_all(files: Sequence[NewFile]) -> None:
    """Each file gets its new text by a rename, in this order, with mode and owner of the old one. Raises WriteFault;
    then those behind the one that failed are as they were."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for file in files:
            forget_abandoned(file.path)
            temporary = file.path.with_name(f".{file.path.name}.{os.getpid()}")
            waiting.append((temporary, file.path))
            _write(replace(file, path=temporary), [])
            if file.path.exists():
                _make_like(temporary, file.path.stat())
        for temporary, target in waiting:
            temporary.replace(target)
    except OSError as error:
        raise WriteFault(f"{error.filename or 'a file'}: {error.strerror}.") from None
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def forget_abandoned(path: Path, mark: str = "") -> None:
    """Half a new file beside this one goes, where the process that wrote it is gone: its id is the name's end, behind
    `mark`. Raises OSError."""
    start = f".{path.name}.{mark}"
    for aside in path.parent.glob(f"{start}*"):
        process = aside.name.removeprefix(start)
        if process.isdigit() and not Path("/proc", process).exists():
            aside.unlink(missing_ok=True)


def readers_like(path: Path) -> int | None:
    """The group that may read a file of somebody else's (Asterisk's), if it is not our own."""
    try:
        gid = path.stat().st_gid
    except OSError:
        return None
    return gid if gid != os.getgid() else None


def _make_directories(directory: Path, made: list[Path]) -> None:
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o755)
        made.append(path)


def _write(file: NewFile, made: list[Path]) -> None:
    _fill(file.path, file.text, 0o600 if file.secret else 0o644, made)
    if file.secret and file.readers is not None:
        try:
            os.chown(file.path, -1, file.readers)
        except PermissionError:
            return  # it stays with its owner; `ringfence doctor` sees when Asterisk cannot read it
        file.path.chmod(0o640)


def _make_like(path: Path, old: os.stat_result) -> None:
    own = path.stat()
    if (own.st_uid, own.st_gid) != (old.st_uid, old.st_gid):
        os.chown(path, old.st_uid, old.st_gid)
    path.chmod(old.st_mode & 0o777)


def _fill(path: Path, text: str, mode: int, made: list[Path]) -> None:
    """Exclusive: a file that appeared since we looked is not ours to overwrite."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    made.append(path)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    path.chmod(mode)
