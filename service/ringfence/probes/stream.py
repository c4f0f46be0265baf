"""A connection to a target over TCP or TLS, opened within a deadline, with what went wrong in words."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ringfence.probes.address import fault_words
from ringfence.probes.tls import Note, Tls, TlsUnusable, accepted, handshake_fault, refused

# For the far side's farewell; nobody waits for it.
SHUTDOWN_SECONDS: Final = 1.0


class NoStream(Exception):
    """`passed` and `words` are a probe's answer: nothing was asked, for the connection could not be had."""

    def __init__(self, passed: bool | None, words: str) -> None:
        super().__init__(words)
        self.passed = passed
        self.words = words


@dataclass(slots=True)
class Stream:
    """An open connection. `proven` False: of TLS, and nobody knows who is at its other end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    proven: bool = True

    @property
    def local(self) -> tuple[str, int]:
        found: tuple[str, int] = self.writer.get_extra_info("sockname")[:2]
        return found


@dataclass(frozen=True, slots=True)
class Connector:
    """How a target is connected to. `tls` None: plain TCP. `note` is told of every certificate that is shown."""

    port: int
    tls: Tls | None = None
    local_host: str | None = None
    note: Note = lambda _: None
    utc_now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @asynccontextmanager
    async def open(self, address: str, deadline: float) -> AsyncIterator[Stream]:
        """`deadline` in the loop's time. Raises NoStream, which is an answer."""
        stream = await self._opened(address, deadline)
        try:
            yield stream
        finally:
            stream.writer.close()

    async def _opened(self, address: str, deadline: float) -> Stream:
        if self.tls is None:
            return await self._over(address, deadline, None)
        try:
            stream = await self._over(address, deadline, await self.tls.context(verified=True))
        except ssl.SSLCertVerificationError as error:
            seen = refused(error)
            self.note(seen)
            if self.tls.config.strict:
                raise NoStream(False, seen.words) from None
        except TlsUnusable as error:
            raise NoStream(None, str(error)) from None
        else:
            shown = stream.writer.get_extra_info("ssl_object")
            self.note(accepted(shown, self.tls.config.expiry_days, self.utc_now()))
            return stream
        try:
            stream = await self._over(address, deadline, await self.tls.context(verified=False))
        except TlsUnusable as error:
            raise NoStream(None, str(error)) from None
        stream.proven = False
        return stream

    async def _over(self, address: str, deadline: float, context: ssl.SSLContext | None) -> Stream:
        """Raises NoStream, and SSLCertVerificationError."""
        connected = False
        try:
            async with asyncio.timeout_at(deadline):
                with ExitStack() as unless_open:
                    socket_of = unless_open.enter_context(_socket(address, self.local_host))
                    await asyncio.get_running_loop().sock_connect(socket_of, (address, self.port))
                    connected = True
                    reader, writer = await self._begun(socket_of, context)
                    unless_open.pop_all()
                    return Stream(reader, writer)
        except TimeoutError:
            words = "it takes the connection, and no TLS begins" if connected else "no answer to the TCP connect"
            raise NoStream(False, words) from None
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            raise NoStream(*handshake_fault(error)) from None
        except ConnectionError as error:
            words = "it closes the connection before TLS has begun" if connected else fault_words(error)[1]
            raise NoStream(False, words) from None
        except OSError as error:
            raise NoStream(*fault_words(error)) from None
        except (OverflowError, ValueError) as error:
            raise NoStream(None, f"cannot connect: {error}") from None

    async def _begun(
        self, socket_of: socket.socket, context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if context is None or self.tls is None:
            return await asyncio.open_connection(sock=socket_of)
        return await asyncio.open_connection(
            sock=socket_of,
            ssl=context,
            server_hostname=self.tls.config.server_name,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )


def _socket(address: str, local_host: str | None) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    if local_host is not None:
        with ExitStack() as unless_bound:
            unless_bound.callback(made.close)
            made.bind((local_host, 0))
            unless_bound.pop_all()
    return made
