"""Reads a password, token or key from a file that nobody else may read. Used by every source that signs in somewhere.

Checked on the open file, so that what was checked is what is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ringfence.app.hr.ports import SourceError

MAX_SECRET_BYTES: Final = 64 << 10
_REFUSED_MODE: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP  # root:ringfence 0640 is a usual way and goes


def secret_line(path: Path, what: str) -> str:
    """One line of text, without its line end. `what` names it for people (`hr_source 'ad': password_file`). Raises
    SourceError, which never quotes the content."""
    content = secret_bytes(path, what)
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"{what}: byte {error.start} of {path} is not UTF-8.", "Save it as UTF-8.") from None
    if not text.strip():
        raise SourceError(f"{what}: {path} is empty.", "Write the secret into it.")
    if not text.isprintable():
        raise SourceError(
            f"{what}: {path} holds more than one line, or a control character.", "Leave one line with the secret alone."
        )
    return text


def secret_bytes(path: Path, what: str) -> bytes:
    """The content as it is, at most 64 KiB: for keys. Raises SourceError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SourceError(f"{what}: {path}: there is no such file.", "Write the secret into it.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(
            f"{what}: {path} may not be read: {reason}.", "Make the service's own account its owner."
        ) from None
    try:
        _check(os.fstat(descriptor), path, what)
        content = os.read(descriptor, MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_SECRET_BYTES:
        raise SourceError(f"{what}: {path} is larger than {MAX_SECRET_BYTES >> 10} KiB.", "Is it the right file?")
    return content


def _check(status: os.stat_result, path: Path, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{what}: {path} is not a plain file.", "Give the path of the file with the secret.")
    if status.st_mode & _REFUSED_MODE:
        raise SourceError(
            f"{what}: {path} has mode {stat.S_IMODE(status.st_mode):04o}: others may read or change it.",
            f"Run `chmod 600 {path}`, and choose a new secret if somebody may have read it.",
        )
