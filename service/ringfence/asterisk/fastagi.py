"""The FastAGI door: `agi://127.0.0.1:<port>/route/<DID>` answers a dialplan that asks what to do with a call.

Asterisk waits for an AGI server without a limit, so the worst this door can do is to be open and silent. It therefore
lives in a thread with an event loop of its own, which closes the listening socket and every connection as soon as the
daemon's loop has not ticked for half a second, and opens again when it does. Against a process that is stopped as a
whole nothing in it can help: that is for the dialplan (`ringfence-ask`), which asks only while `ringfence/door` in
AstDB is fresh, and waits for an answer no longer than 0.4 s.

Everything read here has been through a caller's hands. Asterisk writes the caller's number and name into the request
as they are, line breaks included, so that whatever stands behind them may be forged. The DID is taken from the
script's name alone, which comes before them.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from typing import Final

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES: Final = 16 * 1024
MAX_CONNECTIONS: Final = 50
BACKLOG: Final = 64
CONNECTION_SECONDS: Final = 5.0
"""From the connection to its end, whatever happens on it."""
DECISION_SECONDS: Final = 0.3
"""Shorter than the dialplan's patience, so that it hears of it that there is no answer."""
TICK_SECONDS: Final = 0.1
STUCK_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 0.05

_REQUEST = re.compile(rb"agi_network: yes\nagi_network_script: route/(\+[1-9][0-9]{5,14})\n")
_VALUE = re.compile(r"[A-Za-z0-9_ -]{0,200}")

Decide = Callable[[str], Awaitable[Mapping[str, str] | None]]
"""DID -> channel variables in the order in which they are set, or None: no answer. Runs in the daemon's loop."""


@dataclass(frozen=True, slots=True)
class FastAgiSettings:
    """`port` 0 takes a free one. `allowed`: networks that may ask; with any beyond loopback the door listens on all
    addresses."""

    port: int = 4573
    allowed: tuple[IPv4Network, ...] = (IPv4Network("127.0.0.0/8"),)
    stuck_seconds: float = STUCK_SECONDS


class _Refused(Exception):
    """The other side is no Asterisk, or asks for nothing we have."""


class FastAgiDoor:
    """`run` opens it and feeds its watchdog until cancelled."""

    def __init__(self, settings: FastAgiSettings, decide: Decide) -> None:
        self._settings = settings
        self._decide = decide
        self._thread: _DoorThread | None = None

    @property
    def port(self) -> int | None:
        """Where it listens; None while it is shut."""
        return None if self._thread is None else self._thread.port

    async def run(self) -> None:
        """Until cancelled. A port that is taken is tried again: this door is a convenience, and stops nobody."""
        thread = self._thread = _DoorThread(self._settings, self._decide, asyncio.get_running_loop())
        thread.start()
        try:
            while thread.is_alive():
                thread.tick()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._thread = None
            thread.stop()
            await asyncio.to_thread(thread.join)


class _DoorThread(threading.Thread):
    """The listening socket and its connections. Only `tick`, `stop` and `port` are for the other thread."""

    def __init__(self, settings: FastAgiSettings, decide: Decide, daemon_loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="fastagi door", daemon=True)
        self._settings = settings
        self._decide = decide
        self._daemon_loop = daemon_loop
        self._ticked = time.monotonic()
        self._stopping = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._told = ""
        self._strangers: set[str] = set()
        self.port: int | None = None

    def tick(self) -> None:
        self._ticked = time.monotonic()

    def stop(self) -> None:
        self._stopping = True

    def run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        while not self._stopping:
            stuck = time.monotonic() - self._ticked > self._settings.stuck_seconds
            if stuck and self._server is not None:
                self._shut()
                self._tell("fastagi door shut: the daemon's loop is stuck")
            elif not stuck and self._server is None:
                await self._open()
            await asyncio.sleep(WATCH_SECONDS)
        self._shut()

    async def _open(self) -> None:
        beyond = not all(network.is_loopback for network in self._settings.allowed)
        try:
            listener = _listen("0.0.0.0" if beyond else "127.0.0.1", self._settings.port)  # noqa: S104  as configured
        except OSError as error:
            self._tell(f"fastagi door cannot be opened: {error.strerror or error}")
            return
        self._server = await asyncio.start_server(
            self._connected, sock=listener, limit=MAX_REQUEST_BYTES, backlog=BACKLOG
        )
        self.port = listener.getsockname()[1]
        self._tell("")

    def _shut(self) -> None:
        self.port = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def _tell(self, fault: str) -> None:
        """Once per edge."""
        if fault and fault != self._told:
            log.warning(fault, extra={"port": self._settings.port})
        elif not fault and self._told:
            log.info("fastagi door is open again", extra={"port": self._settings.port})
        self._told = fault

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= MAX_CONNECTIONS or not self._allowed(writer):
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            async with asyncio.timeout(CONNECTION_SECONDS):
                await self._answer(reader, writer)
        except (_Refused, TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()  # whoever waits for an answer goes on without one
        finally:
            self._writers.discard(writer)
            writer.close()

    def _allowed(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        if peer is None:
            return False
        address = ip_address(peer[0])
        if any(address in network for network in self._settings.allowed):
            return True
        if peer[0] not in self._strangers and len(self._strangers) < MAX_CONNECTIONS:
            self._strangers.add(peer[0])
            log.warning("fastagi door refuses an address that is not allowed", extra={"address": peer[0]})
        return False

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = _REQUEST.match(await reader.readuntil(b"\n\n"))
        if request is None:
            raise _Refused
        asked: Future[Mapping[str, str] | None] = asyncio.run_coroutine_threadsafe(
            _asked(self._decide, request[1].decode()), self._daemon_loop
        )
        async with asyncio.timeout(DECISION_SECONDS):
            variables = await asyncio.wrap_future(asked)
        for name, value in (variables or {}).items():
            if not _VALUE.fullmatch(value):
                raise _Refused
            writer.write(f'SET VARIABLE {name} "{value}"\n'.encode())
            if not (await reader.readuntil(b"\n")).startswith(b"200 result=1"):
                raise _Refused


async def _asked(decide: Decide, did: str) -> Mapping[str, str] | None:
    return await decide(did)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
