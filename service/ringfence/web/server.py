"""Serves the application inside the daemon's own event loop: sockets are bound first, signals stay the daemon's."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from ringfence.app.ports import RingfenceError
from ringfence.web.closing import Closing
from ringfence.web.in_turn import InTurn
from ringfence.web.patience import PatientProtocol, SparingSocket

log = logging.getLogger(__name__)

SOCKET_MODE: Final = 0o660
SOCKET_DIRECTORY_MODE: Final = 0o750
MAX_SOCKET_PATH_BYTES: Final = 107  # sun_path, less its closing zero
MAX_CONNECTIONS: Final = 600  # each page that watches holds one
MAX_LOCAL_CONNECTIONS: Final = 200  # with the others and the spare ones below 1,024, which is what a process may open
HANDSHAKE_SECONDS: Final = 5.0  # of TLS; asyncio would give a minute
# Who may wait to be let in. asyncio tries as many times in a row when no file descriptor is left.
BACKLOG: Final = 128
MAX_HEADER_BYTES: Final = 16 * 1024
GRACEFUL_SECONDS: Final = 1
ASK_SECONDS: Final = 0.5


class CannotListen(RingfenceError):
    """The address or the socket file cannot be had."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket that is not served yet. `path` is the local socket's file, None on TCP."""

    sock: socket.socket
    place: str
    path: Path | None = None
    inode: int | None = None

    def close(self) -> None:
        """Closes, and removes the socket file if it is still ours."""
        self.sock.close()
        if self.path is not None and _inode(self.path) == self.inode:
            with suppress(OSError):
                self.path.unlink()


def listen_tcp(host: str, port: int, *, tls: bool = False) -> Listener:
    """Raises CannotListen, with the port and the fix. `tls` only says how people are told of it."""
    scheme = "https" if tls else "http"
    place = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = SparingSocket(family, kind, protocol)
    except OSError as error:
        raise CannotListen(f"HTTP API: {host} is no address of this machine ({error.strerror}).", _HOST_FIX) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_bind(error, host, port) from error
    return Listener(sock, f"{scheme}://{place}" if port else f"{scheme}://{host}:{sock.getsockname()[1]}")


def listen_unix(path: Path) -> Listener:
    """Raises CannotListen. A file left by a killed daemon is removed; one that a living daemon serves is not."""
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise CannotListen(
            f"local socket: {path} is longer than {MAX_SOCKET_PATH_BYTES} bytes.", "Choose a shorter `socket`."
        )
    sock = SparingSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(SOCKET_DIRECTORY_MODE)  # whatever the umask: the group comes in through it
        _remove_stale(path)
        sock.setblocking(False)
        sock.bind(str(path))
        # Nobody can connect between bind and listen, so nobody comes in before the permissions stand.
        path.chmod(SOCKET_MODE)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(
            f"local socket: {path} cannot be made ({error.strerror}).",
            "Let the service's account write to its directory, or set `socket` to another path.",
        ) from error
    except CannotListen:
        sock.close()
        raise
    return Listener(sock, f"unix:{path}", path, _inode(path))


class Door:
    """One application on one listener. `run` in the daemon's task group; cancelling it ends it gracefully."""

    def __init__(self, app: ASGIApp, listener: Listener, context: ssl.SSLContext | None = None) -> None:
        """`context`: TLS ends here. Whom a proxy speaks for is `web.protection`'s."""
        self._listener = listener
        self._closing = Closing(InTurn(app))
        self._server = _QuietServer(
            uvicorn.Config(
                self._closing,
                http=PatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ssl_context_factory=(lambda *_: context) if context is not None else None,
                limit_concurrency=MAX_CONNECTIONS if listener.path is None else MAX_LOCAL_CONNECTIONS,
                backlog=BACKLOG,
                h11_max_incomplete_event_size=MAX_HEADER_BYTES,
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
            )
        )

    @property
    def place(self) -> str:
        """Where it listens, for people: `http://127.0.0.1:8090` or `unix:/run/...`."""
        return self._listener.place

    async def run(self) -> None:
        """Serves until cancelled; answers what it has begun, for at most a second; closes the listener."""
        log.info("listening", extra={"place": self.place})
        serving = asyncio.create_task(self._server.serve([self._listener.sock]), name=f"door {self.place}")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self._server.should_exit = True
            self._closing.now()
            with suppress(asyncio.CancelledError):
                await serving
            raise
        finally:
            self._listener.close()

    async def open(self) -> None:
        """Waits until it answers. The socket is bound before: whoever connects meanwhile waits, and is not refused."""
        await self._server.opened.wait()


class _QuietServer(uvicorn.Server):
    """Signals belong to the daemon, which ends everything in its own order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's for sockets that are bound, but for the time that a handshake gets, which it has no word for."""
        config = self.config

        def protocol() -> asyncio.Protocol:
            return PatientProtocol(config=config, server_state=self.server_state, app_state={})

        self.servers = [
            await asyncio.get_running_loop().create_server(
                protocol,
                sock=sock,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=None if config.ssl is None else HANDSHAKE_SECONDS,
            )
            for sock in sockets or ()
        ]
        self.started = True
        self.opened.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


_HOST_FIX: Final = "Set [http] host to one that is, as 127.0.0.1."


def _cannot_bind(error: OSError, host: str, port: int) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        return CannotListen(
            f"HTTP API: port {port} on {host} is in use by another program.",
            f"See which with `ss -ltnp sport = :{port}` and stop it, or set [http] port to a free one.",
        )
    if error.errno == errno.EACCES:
        return CannotListen(
            f"HTTP API: port {port} may not be opened by this account.", "Set [http] port to one above 1023."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotListen(f"HTTP API: {host} is no address of this machine.", _HOST_FIX)
    return CannotListen(f"HTTP API: {host}:{port} cannot be opened ({error.strerror}).", _HOST_FIX)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(
            f"local socket: {path} exists and is no socket.", "Move the file away, or set `socket` to another path."
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ASK_SECONDS)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except TimeoutError:
            pass  # its queue is full: somebody lives there, however badly
    raise CannotListen(
        f"local socket: another daemon answers on {path}.", "Stop it first, or set `socket` to another path."
    )


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except OSError:
        return None
