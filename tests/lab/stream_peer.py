"""A SIP far end on TCP or TLS that does with a connection what a test says: answers, stays silent, breaks off."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.lab.ports import HOST
from tests.lab.sip import parse, respond

Manner = Callable[["StreamPeer", bytes, asyncio.StreamWriter], Awaitable[None]]
"""What is done with one request; to return without having written is silence."""


@dataclass(slots=True)
class StreamPeer:
    """`requests`: every one that came, whole. `manner` may be changed while it runs."""

    manner: Manner
    port: int = 0
    requests: list[bytes] = field(default_factory=list)


async def ok(peer: StreamPeer, request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(answer_to(request, 200))


async def silent(peer: StreamPeer, request: bytes, writer: asyncio.StreamWriter) -> None:
    """Half-open for whoever looks at the connection alone."""


async def closing(peer: StreamPeer, request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


def says(*parts: Callable[[bytes], bytes]) -> Manner:
    """Each part of what it says reaches the network by itself."""

    async def manner(peer: StreamPeer, request: bytes, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part(request))
            await writer.drain()

    return manner


def answer_to(request: bytes, status: int, body: bytes = b"") -> bytes:
    message = parse(request)
    assert message is not None
    return respond(message, status, body=body)


@asynccontextmanager
async def stream_peer(manner: Manner = ok, context: ssl.SSLContext | None = None) -> AsyncIterator[StreamPeer]:
    """Listens until the end, and then hangs up on everybody."""
    peer = StreamPeer(manner)
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                peer.requests.append(request)
                await peer.manner(peer, request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for writer in list(open_now):
            writer.transport.abort()
        await server.wait_closed()
