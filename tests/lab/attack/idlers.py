"""Clients that do not do their part: they ask and never read, or connect and never finish what they say."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.lab.sip import HOST

SMALL_BUFFER_BYTES = 2048
CONNECT_SECONDS = 5.0


class Idlers:
    """Sockets that are held open and never read. `with Idlers() as idlers:`; closed at the end."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.refused = 0

    def __enter__(self) -> Idlers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for sock in self._sockets:
            sock.close()

    def to_port(self, port: int, said: bytes, count: int = 1) -> None:
        """So many connections, each of which says this and no more."""
        self._add(lambda: _connected(socket.AF_INET, (HOST, port)), said, count)

    def to_file(self, path: Path, said: bytes, count: int = 1) -> None:
        """As `to_port`, over a Unix socket."""
        self._add(lambda: _connected(socket.AF_UNIX, str(path)), said, count)

    def say(self, more: bytes) -> int:
        """One more bit of what they have begun to say. How many could not: they had been let go."""
        gone = 0
        for sock in self._sockets:
            try:
                sock.send(more)
            except BlockingIOError:
                pass
            except OSError:
                gone += 1
        return gone

    def let_go(self) -> int:
        """How many have been closed by the other side, as far as can be seen without reading."""
        return sum(_is_closed(sock) for sock in self._sockets)

    def __len__(self) -> int:
        return len(self._sockets)

    def _add(self, connect: Callable[[], socket.socket], said: bytes, count: int) -> None:
        for _ in range(count):
            try:
                sock = connect()
            except OSError:
                self.refused += 1
                continue
            sock.setblocking(False)
            self._sockets.append(sock)
            try:
                sock.send(said)
            except OSError:
                self.refused += 1


def client_hello() -> bytes:
    """The first flight of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="ringfence.test").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def _connected(family: socket.AddressFamily, place: tuple[str, int] | str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        sock.settimeout(CONNECT_SECONDS)
        sock.connect(place)
    except OSError:
        sock.close()
        raise
    return sock


def _is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
