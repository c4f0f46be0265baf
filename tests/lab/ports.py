"""Ports on the loopback address, safe for several labs at once.

Asking the kernel for a free port and closing it again is a race between two test runs. Here a
block of ports is held by a file lock for as long as its owner lives (the kernel drops the lock
with the process, however it dies), and a single port is also tried before it is handed out.
All blocks lie below the kernel's ephemeral range, so that no outgoing socket lands in one.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.lab.waiting import LabError

HOST = "127.0.0.1"
FIRST_PORT = 10_000
LAST_PORT = 31_999
BLOCK_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class PortRange:
    """An inclusive range, for RTP."""

    first: int
    last: int


class Ports:
    """Hands out ports from blocks that no other lab can take; `close()` gives all back."""

    def __init__(self, lock_directory: Path | None = None) -> None:
        default = Path(tempfile.gettempdir()) / f"ringfence-lab-ports-{os.getuid()}"
        self._lock_directory = lock_directory or default
        self._locks: list[IO[bytes]] = []
        self._singles: list[int] = []

    def take(self) -> int:
        """One port, free for both UDP and TCP at this moment and ours from now on."""
        while True:
            if not self._singles:
                block = self.take_range()
                self._singles = list(range(block.last, block.first - 1, -1))
            port = self._singles.pop()
            if _is_free(port):
                return port

    def take_range(self) -> PortRange:
        """A whole block. RTP needs many ports, and Asterisk itself skips one that is taken."""
        self._lock_directory.mkdir(parents=True, exist_ok=True)
        for first in range(FIRST_PORT, LAST_PORT, BLOCK_SIZE):
            lock = open(self._lock_directory / f"{first}.lock", "wb")  # noqa: SIM115
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._locks.append(lock)
            return PortRange(first, first + BLOCK_SIZE - 1)
        raise LabError(
            f"no block of ports between {FIRST_PORT} and {LAST_PORT} is free; "
            f"too many labs are running (locks in {self._lock_directory})"
        )

    def close(self) -> None:
        for lock in self._locks:
            lock.close()
        self._locks.clear()
        self._singles.clear()


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True
