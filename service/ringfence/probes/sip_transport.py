"""One SIP request and its final answer, over UDP, TCP or TLS, from a socket of its own.

A datagram is repeated, for it may be lost; on a stream the transport does that. A datagram's socket is connected, so
that the kernel hands us the ICMP message of a closed port within a millisecond. Every question has a connection of its
own: a new one shows that the far side still takes them, and what certificate it shows, which one that is kept does not.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, cast

from ringfence.probes.address import Address, fault_words, in_uri, is_numeric
from ringfence.probes.late_answers import LateAnswers
from ringfence.probes.sip_framing import Framer, Unframed
from ringfence.probes.sip_message import BRANCH_COOKIE, SipAnswer, SipRequest, read_answer
from ringfence.probes.stream import Connector, NoStream, Stream
from ringfence.probes.tls import Note, Tls, TlsConfig, handshake_fault

RETRANSMIT_SECONDS: Final = 0.5  # T1 of RFC 3261 section 17.1.2.2, not doubled: a probe is over in a moment
_READ_BYTES: Final = 16 << 10


class Transport(StrEnum):
    """As the settings spell it."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Peer:
    """`host`: an address or a name (A or AAAA; no SRV). `port` 1 to 65535. `local_host`: the address to send from,
    None: the kernel's choice. `tls` None with the transport `TLS`: the system's CAs, and the host's own name. `note` is
    told of every certificate that is shown."""

    host: str
    port: int = 5060
    transport: Transport = Transport.UDP
    tls: TlsConfig | None = None
    local_host: str | None = None
    note: Note = lambda _: None


class NoAnswer(Exception):
    """`passed` and `words` are a probe's answer: no final answer came."""

    def __init__(self, passed: bool | None, words: str) -> None:
        super().__init__(words)
        self.passed = passed
        self.words = words


class Line(Protocol):
    """A way to one peer, open for a few questions. `local`: our end of it. `proven` False: it is TLS, and its
    certificate does not verify; nothing that proves who we are may go over it."""

    local: tuple[str, int]
    proven: bool

    async def ask(self, request: SipRequest) -> SipAnswer:
        """The final answer. Raises NoAnswer."""
        ...


class Lines:
    """The way to one peer. Never raises for what the network does, nor for an address that cannot be used."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.address = Address(peer.host, peer.port)
        self.late = LateAnswers()
        tls = peer.tls or TlsConfig(server_name=peer.host)
        self._connector = Connector(
            peer.port, Tls(tls) if peer.transport is Transport.TLS else None, peer.local_host, peer.note
        )

    @asynccontextmanager
    async def open(self, timeout_seconds: float) -> AsyncIterator[tuple[Line, Callable[[], SipRequest]]]:
        """An open line, and what makes a question with marks of its own, to be filled in by who asks. One deadline for
        everything. Raises NoAnswer."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        address = await self.address.get(timeout_seconds)
        if address is None:
            raise NoAnswer(None, f"the name {self.peer.host} does not resolve")
        opening = self._datagrams(address, deadline)
        if self.peer.transport is not Transport.UDP:
            opening = self._stream(address, deadline)
        try:
            async with opening as line:
                yield line, lambda: self._question(address, line.local)
        except NoStream as error:
            raise NoAnswer(error.passed, error.words) from None
        except OSError as error:
            raise NoAnswer(*fault_words(error)) from None
        except (OverflowError, ValueError) as error:
            raise NoAnswer(None, f"cannot send: {error}") from None

    @asynccontextmanager
    async def _datagrams(self, address: str, deadline: float) -> AsyncIterator[Line]:
        local = (self.peer.local_host, 0) if self.peer.local_host else None
        transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(deadline), remote_addr=(address, self.peer.port), local_addr=local
        )
        try:
            yield protocol
            self.late.clear()
        except NoAnswer:
            if (unanswered := protocol.unanswered) is not None:
                sock = transport.get_extra_info("socket")
                self.late.wait_for(unanswered, sock, asyncio.get_running_loop().time())
            raise
        finally:
            transport.close()

    @asynccontextmanager
    async def _stream(self, address: str, deadline: float) -> AsyncIterator[Line]:
        async with self._connector.open(address, deadline) as stream:
            yield _StreamLine(stream, deadline)

    def _question(self, address: str, local: tuple[str, int]) -> SipRequest:
        host = address if is_numeric(self.peer.host) else self.peer.host
        return SipRequest(
            host=in_uri(host),
            port=self.peer.port,
            local_host=in_uri(local[0]),
            local_port=local[1],
            branch=f"{BRANCH_COOKIE}{secrets.token_hex(8)}",
            call_id=f"{secrets.token_hex(8)}@ringfence",
            tag=secrets.token_hex(4),
            transport=self.peer.transport.upper(),
        )


class _Datagrams(asyncio.DatagramProtocol):
    """Questions on one socket. `over` gets the final answer, or the error that the kernel reported."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._over: asyncio.Future[SipAnswer | OSError] = asyncio.get_running_loop().create_future()
        self._request: SipRequest | None = None
        self._provisional = False
        self.local = ("", 0)
        self.proven = True

    @property
    def unanswered(self) -> SipRequest | None:
        """The question that got no final answer, and no error either."""
        return None if self._over.done() else self._request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.local = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: object) -> None:
        answer = read_answer(data)
        if answer is None or self._request is None or not answer.answers(self._request):
            return
        if not answer.final:
            self._provisional = True
        elif not self._over.done():
            self._over.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and not self._over.done():
            self._over.set_result(exc)

    async def ask(self, request: SipRequest) -> SipAnswer:
        loop = asyncio.get_running_loop()
        self._request, self._provisional, datagram = request, False, request.encode()
        if self._over.done():
            self._over = loop.create_future()
        while (left := self._deadline - loop.time()) > 0 and not self._over.done():
            self._transport.sendto(datagram)
            await asyncio.wait([self._over], timeout=min(left, RETRANSMIT_SECONDS))
        if not self._over.done():
            raise NoAnswer(False, "only a provisional answer" if self._provisional else "no answer")
        answer = self._over.result()
        if isinstance(answer, OSError):
            raise NoAnswer(*fault_words(answer))
        return answer


class _StreamLine:
    """Questions on one connection. That it was taken proves nothing: something has to answer through it."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._framer = Framer()
        self._provisional = False
        self.local = stream.local
        self.proven = stream.proven

    async def ask(self, request: SipRequest) -> SipAnswer:
        self._provisional = False
        try:
            async with asyncio.timeout_at(self._deadline):
                self._stream.writer.write(request.encode())
                await self._stream.writer.drain()
                return await self._answer(request)
        except TimeoutError:
            raise NoAnswer(False, self._silence()) from None
        except ssl.SSLError as error:
            raise NoAnswer(*handshake_fault(error)) from None
        except Unframed as error:
            raise NoAnswer(False, str(error)) from None
        except ConnectionError:
            raise NoAnswer(False, "it takes the connection, and breaks it without an answer") from None

    async def _answer(self, request: SipRequest) -> SipAnswer:
        while True:
            data = await self._stream.reader.read(_READ_BYTES)
            if not data:
                broken = "in the middle of one" if self._framer.begun else "without an answer"
                raise NoAnswer(False, f"it takes the connection, and closes it {broken}")
            for message in self._framer.feed(data):
                answer = read_answer(message)
                if answer is None or not answer.answers(request):
                    continue
                if answer.final:
                    return answer
                self._provisional = True

    def _silence(self) -> str:
        if self._provisional:
            return "only a provisional answer"
        if self._framer.begun:
            return "it takes the connection, and an answer that never ends"
        return "it takes the connection, and then nothing"
