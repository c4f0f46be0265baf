"""Read a growing file a piece at a time, so that traffic can be narrated while it runs."""

from __future__ import annotations

from pathlib import Path

READ_LIMIT_BYTES = 64 * 1024 * 1024


class Tail:
    """Each `read()` gives what was appended since the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                piece = file.read(READ_LIMIT_BYTES)
        except FileNotFoundError:
            return b""
        self._offset += len(piece)
        return piece


class LineTail:
    """Whole lines only: the last one may still be in the writing."""

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._rest = b""

    def read(self) -> list[bytes]:
        *lines, self._rest = (self._rest + self._tail.read()).split(b"\n")
        return lines
