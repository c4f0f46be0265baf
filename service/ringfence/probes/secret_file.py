"""Reads a probe's password from a file that nobody else may read. Checked on the open file: what was checked is what is
read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 4096
_REFUSED_MODE: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP  # root:ringfence 0640 is a usual way and goes


class SecretUnusable(Exception):
    """The text is for people, and never quotes the content."""


def secret_line(path: Path) -> str:
    """One line of text, without its line end. Raises SecretUnusable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretUnusable(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SecretUnusable(f"{path} is not a plain file")
        if status.st_mode & _REFUSED_MODE:
            mode = stat.S_IMODE(status.st_mode)
            raise SecretUnusable(f"{path} has mode {mode:04o}: others may read or change it; run `chmod 600 {path}`")
        content = os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    text = content.decode("utf-8", "replace").rstrip("\r\n")
    if not text or len(content) > MAX_BYTES or not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        raise SecretUnusable(f"{path} has to hold one line of text, the password alone")
    return text
