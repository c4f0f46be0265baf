"""A real file system of a few megabytes that can be filled: a full disk as a program really meets it.

It is a tmpfs of our own and needs the right to mount; whoever lacks it is told so by `MountRefused`.
"""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from tests.lab.waiting import LabError

SIZE_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


class MountRefused(LabError):
    """This account may not mount a file system."""


class SmallDisk:
    """Mounted at `place`, which is made; `unmount` leaves the empty folder."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._mounted = False

    def mount(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=0750", "ringfence-lab", str(self.place)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode:
            raise MountRefused(f"a small file system cannot be mounted: {done.stderr.strip()}")
        self._mounted = True

    def fill(self) -> None:
        """Writes until nothing more fits, not even a byte."""
        with (self.place / "filler").open("ab", buffering=0) as file:
            for size in (CHUNK_BYTES, 1024, 1):
                _write_until_full(file.fileno(), size)

    def free(self) -> None:
        (self.place / "filler").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self._mounted:
            subprocess.run(["umount", str(self.place)], capture_output=True, timeout=10, check=True)
            self._mounted = False


def _write_until_full(file: int, size: int) -> None:
    for _ in range(2 * SIZE_BYTES // CHUNK_BYTES + CHUNK_BYTES):
        try:
            if os.write(file, bytes(size)) < size:
                return
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return
            raise
