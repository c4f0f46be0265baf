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

HOST = os.environ.get("RINGFENCE_LAB_HOST", "127.0.0.1")
"""Another one only in the containers of the demonstration."""
# Single ports in small blocks, since every test holds one; RTP in large ones, for four ports a call.
SINGLES = range(10_000, 12_000, 100)
RANGES = range(12_000, 32_000, 1_000)


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
                block = self._block_of(SINGLES)
                self._singles = list(range(block.last, block.first - 1, -1))
            port = self._singles.pop()
            if _is_free(port):
                return port

    def take_range(self) -> PortRange:
        """A whole block. RTP needs many ports, and Asterisk itself skips one that is taken."""
        return self._block_of(RANGES)

    def _block_of(self, blocks: range) -> PortRange:
        self._lock_directory.mkdir(parents=True, exist_ok=True)
        for first in blocks:
            lock = open(self._lock_directory / f"{first}.lock", "wb")  # noqa: SIM115
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._locks.append(lock)
            return PortRange(first, first + blocks.step - 1)
        raise LabError(
            f"no block of ports between {blocks.start} and {blocks.stop - 1} is free; "
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
