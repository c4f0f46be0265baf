"""Marked blocks at the ends of the site's files: added all or none, taken out so that not a byte is left.

A file that is replaced keeps owner and mode, and is replaced by a rename: Asterisk never reads half of one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.cli.new_files import forget_abandoned

BEGIN: Final = "; >>> ringfence (taken out again by: ringfence remove)"
END: Final = "; <<< ringfence"
_BLOCK: Final = re.compile(rb"^; >>> ringfence[^\n]*\n.*?^; <<< ringfence[^\n]*(\n|\Z)", re.MULTILINE | re.DOTALL)
_OURS: Final = "ringfence-"
_ASIDE: Final = re.compile(r"^\..+\.ringfence-[0-9]+$")
NEW_FILE_MODE: Final = 0o640


class EditFault(Exception):
    """Nothing was changed. The text says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`added` is what is put behind everything in the file, letter by letter; `existed`: whether the file was there."""

    path: Path
    added: str
    existed: bool

    @property
    def lines(self) -> list[str]:
        return self.added.strip("\n").splitlines()


def planned(path: Path, lines: Sequence[str]) -> Edit:
    """The block for a file as it is now. Raises OSError."""
    existed = path.exists()
    last_line_open = existed and (old := path.read_bytes()) and not old.endswith(b"\n")
    block = "\n".join([BEGIN, *lines, END, ""])
    return Edit(path, ("\n" if last_line_open else "") + block, existed)


def apply(edits: Sequence[Edit]) -> None:
    """Raises EditFault; then every file is as it was. All are written before the first one is changed: on a disk that
    is full there would be no room to put one back."""
    wanted: dict[Path, tuple[Edit, bytes, bytes]] = {}
    waiting: list[tuple[Path, Path]] = []
    done: list[tuple[Edit, bytes]] = []
    try:
        for edit in edits:
            found = edit.path.read_bytes() if edit.path.exists() else b""
            first, old, new = wanted.get(edit.path, (edit, found, found))
            wanted[edit.path] = (first, old, new + edit.added.encode())
        for path, (_, _, new) in wanted.items():
            waiting.append(_written_aside(path, new))
        for (first, old, _), (aside, target) in zip(wanted.values(), waiting, strict=True):
            aside.replace(target)
            done.append((first, old))
    except OSError as error:
        for edit, old in reversed(done):
            _put_back(edit, old)
        raise EditFault(f"{error.filename or 'a file'}: {error.strerror}. Nothing was changed.") from None
    finally:
        for aside, _ in waiting:
            aside.unlink(missing_ok=True)


def take_out(edit: Edit, *, dry_run: bool = False) -> bool:
    """Whether there was anything of it. Somebody's own lines around and behind it stay. Raises OSError."""
    if not edit.path.exists():
        return False
    old = edit.path.read_bytes()
    added = edit.added.encode()
    new = old.replace(added, b"", 1) if added in old else old
    if new == old or dry_run:
        return new != old
    _put_back(edit, new)
    return True


def marked_files(etc: Path, besides: Sequence[Edit] = ()) -> list[Path]:
    """Files of the site's that hold a block of ours, whoever remembers it, `besides` these. Raises OSError."""
    found = []
    for path in sorted(etc.glob("*.conf")):
        text = path.read_bytes() if path.is_file() else b""
        for edit in besides:
            text = text.replace(edit.added.encode(), b"", 1) if edit.path == path else text
        if _BLOCK.search(text):
            found.append(path)
    return found


def is_marked(path: Path, line: int) -> bool:
    """Whether this line, counted from 1, stands in a block of ours. Raises OSError."""
    text = path.read_bytes()
    return any(
        text.count(b"\n", 0, block.start()) < line <= text.count(b"\n", 0, block.end())
        for block in _BLOCK.finditer(text)
    )


def take_out_marked(path: Path, holding: str = "") -> bool:
    """Every marked block that holds this text, also one that somebody wrote into; whether there was one. Raises
    OSError."""
    old = path.read_bytes()
    new = _BLOCK.sub(lambda block: b"" if holding.encode() in block[0] else block[0], old)
    if new != old:
        _replace(path, new)
    return new != old


def abandoned(etc: Path) -> list[Path]:
    """Half-written files that a run left when it was killed. Raises OSError."""
    return [path for path in sorted(etc.iterdir()) if _ASIDE.match(path.name)] if etc.is_dir() else []


def replace_value(path: Path, key: str, old: str, new: str, *, dry_run: bool = False) -> bool:
    """The first `key=old` of a file of the site's gets its other value; whether there is one. Raises OSError."""
    wanted = re.compile(
        rb"^(\s*" + key.encode() + rb"\s*=>?\s*)" + re.escape(old.encode()) + rb"(?=\s|;|\Z)", re.MULTILINE
    )
    text = path.read_bytes()
    found = wanted.search(text)
    if found is not None and not dry_run:
        _replace(path, text[: found.end(1)] + new.encode() + text[found.end() :])
    return found is not None


def _put_back(edit: Edit, content: bytes) -> None:
    if content or edit.existed:
        _replace(edit.path, content)
    else:
        edit.path.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    aside, target = _written_aside(path, content)
    try:
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _written_aside(path: Path, content: bytes) -> tuple[Path, Path]:
    """The new file beside the one it is to replace, owner and mode alike, and that one. A link is followed: FreePBX has
    links into its modules. Raises OSError; then nothing is there."""
    target = path.resolve()
    like = target.stat() if target.exists() else target.parent.stat()
    mode = like.st_mode & 0o7777 if target.exists() else NEW_FILE_MODE
    aside = target.with_name(f".{target.name}.{_OURS}{os.getpid()}")
    forget_abandoned(target, _OURS)
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(aside, like.st_uid, like.st_gid)
        aside.chmod(mode)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return aside, target
