"""A name service of the lab's own, which can die, and the programs that ask it instead of the machine's.

Whoever asks it sees a `resolv.conf` of its own, in a mount namespace of its own, which needs the right to mount.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.ports import HOST
from tests.lab.process import SupervisedProcess
from tests.lab.small_disk import MountRefused

DOMAIN = "lab.test"
PORT = 53
A_RECORD, INTERNET = 1, 1
LIVES_SECONDS = 0
"""So that nobody may remember an answer."""
ENTER = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


class NameServer(asyncio.DatagramProtocol):
    """Every name below `lab.test` is this machine. Use as an async context manager; one for each number."""

    def __init__(self, number: int) -> None:
        self.address = f"127.77.{number >> 8}.{number & 255}"
        self._dead = False
        self._transport: asyncio.DatagramTransport | None = None
        self._folder = TemporaryDirectory(prefix="ringfence-lab-names-")
        self._resolv = Path(self._folder.name) / "resolv.conf"
        self._resolv.write_text(f"nameserver {self.address}\n")

    async def __aenter__(self) -> NameServer:
        allowed = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, timeout=10, check=False)
        if allowed.returncode:
            raise MountRefused(f"no mount namespace can be made: {allowed.stderr.strip()}")
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.address, PORT))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._folder.cleanup()

    def serve(self, process: SupervisedProcess, resolv_conf: Path) -> None:
        """This process, not yet started, sees our file at that place. Its pid stays its own."""
        mounts = ("unshare", "-m", "sh", "-c", ENTER, "sh", str(self._resolv), str(resolv_conf))
        process.command = (*mounts, *process.command)

    def die(self) -> None:
        """It answers nothing any more."""
        self._dead = True

    def live(self) -> None:
        self._dead = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self._dead and self._transport is not None and len(data) > 12:
            self._transport.sendto(answer(data), addr)


def answer(query: bytes) -> bytes:
    """The address where it was asked for; else that there is none of this kind."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    known = question.lower().endswith(_spelt(DOMAIN) + question[-4:])
    wanted = struct.unpack("!HH", question[-4:]) == (A_RECORD, INTERNET)
    record = b""
    if known and wanted:
        record = struct.pack("!HHHIH", 0xC00C, A_RECORD, INTERNET, LIVES_SECONDS, 4) + socket.inet_aton(HOST)
    flags = 0x8580 if known else 0x8583
    return query[:2] + struct.pack("!HHHHH", flags, 1, bool(record), 0, 0) + question + record


def _spelt(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
