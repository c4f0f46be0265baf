"""The program in front of a far end that lets it speak SIP over TCP or TLS; each connection has a socket behind it.

It can fall mute while its connections stay open, and show another certificate, which ends the connections there are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from tests.lab.sip import HOST

LENGTH = re.compile(rb"^(?:content-length|l)\s*:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
MOST_BYTES = 65_536


class Front:
    def __init__(self, port: int, target_port: int, transport: str) -> None:
        self._port = port
        self._target = (HOST, target_port)
        self._own = f"{HOST}:{target_port}".encode()
        self._shown = f"{HOST}:{port};transport={transport}".encode()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()

    async def open(self, certificate: str = "", key: str = "") -> None:
        """Anew, where it was open before: the connections there are end."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        self._server = await asyncio.start_server(self._serve, HOST, self._port, ssl=context, limit=MOST_BYTES)

    def mute(self) -> None:
        """Connections are taken, by the kernel at least, and stay; nothing is read, and nothing said."""
        self._speaks.clear()

    def speak(self) -> None:
        """To those who come from now on: what the others have said meanwhile would be answered late."""
        self._speaks.set()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        loop = asyncio.get_running_loop()
        behind, _ = await loop.create_datagram_endpoint(lambda: _Back(self, writer), remote_addr=self._target)
        try:
            async for message in _messages(reader):
                await self._speaks.wait()
                behind.sendto(message)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it went away
        finally:
            behind.close()
            self._writers.discard(writer)
            writer.transport.abort()

    def back(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self._speaks.is_set() and not writer.is_closing():
            writer.write(data.replace(self._own, self._shown))


class _Back(asyncio.DatagramProtocol):
    def __init__(self, front: Front, writer: asyncio.StreamWriter) -> None:
        self._front = front
        self._writer = writer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._front.back(data, self._writer)

    def error_received(self, exc: Exception) -> None:
        """Nobody behind it: whoever asked gets no answer."""


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """One after the other, by their Content-Length; empty lines between them are keep-alives."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
        if not head:
            continue
        length = LENGTH.search(head)
        yield head + (await reader.readexactly(int(length[1])) if length else b"")


async def _run(arguments: argparse.Namespace) -> None:
    front = Front(arguments.port, arguments.target_port, arguments.transport)
    await front.open(arguments.certificate, arguments.key)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        order = json.loads(await reader.readline())
        if order["order"] == "mute":
            front.mute()
        elif order["order"] == "speak":
            front.speak()
        else:
            await front.open(order["certificate"], order["key"])
        writer.write(b"done\n")
        with suppress(OSError):
            await writer.drain()
        writer.close()

    arguments.control.unlink(missing_ok=True)
    async with await asyncio.start_unix_server(on_connection, arguments.control) as server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target-port", type=int, required=True)
    parser.add_argument("--transport", choices=("tcp", "tls"), required=True)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
