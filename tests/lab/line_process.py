"""The program between Asterisk and the far ends: passes their datagrams on, as well as the weather lets it.

A process of its own, for the kernel's netem is not everywhere. Each line listens at one address and knows one far end
behind it; whoever sends to it gets a socket of its own towards there, so that answers find back. What a far end calls
its own address is written anew on the way, or the next request would go past the line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.lab.sip import HOST
from tests.lab.weather import CALM, Weather

Address = tuple[str, int]
IDLE_SECONDS = 40.0
MOST_ON_THE_WAY = 10_000
RECEIVE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class _Way:
    """One sender's socket towards the far end."""

    transport: asyncio.DatagramTransport | None = None
    waiting: list[bytes] = field(default_factory=list)
    used_at: float = 0.0


class Line(asyncio.DatagramProtocol):
    def __init__(self, listen: Address, target: Address) -> None:
        self.listen = listen
        self._target = target
        self._own, self._shown = f"{target[0]}:{target[1]}".encode(), f"{listen[0]}:{listen[1]}".encode()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._ways: dict[Address, _Way] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_the_way = 0
        self.change(CALM)

    def change(self, weather: Weather) -> None:
        self._weather, self._lot, self._since = weather, Random(weather.seed), self._loop.time()

    async def open(self) -> None:
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, local_addr=self.listen)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._later(lambda: self._onward(data, addr))

    def back(self, data: bytes, sender: Address) -> None:
        """From the far end, to whoever had sent to it."""
        shown = data.replace(self._own, self._shown)

        def send() -> None:
            if self._transport is not None:
                self._transport.sendto(shown, sender)

        self._later(send)

    def forget_idle(self) -> None:
        now = self._loop.time()
        for sender, way in list(self._ways.items()):
            if way.transport is not None and now - way.used_at > IDLE_SECONDS:
                way.transport.close()
                del self._ways[sender]

    def _later(self, send: Any) -> None:
        for delay in self._weather.delays(self._loop.time() - self._since, self._lot):
            if self._on_the_way < MOST_ON_THE_WAY:
                self._on_the_way += 1
                self._loop.call_later(delay, self._arrive, send)

    def _arrive(self, send: Any) -> None:
        self._on_the_way -= 1
        send()

    def _onward(self, data: bytes, sender: Address) -> None:
        way = self._ways.get(sender)
        if way is None:
            way = self._ways[sender] = _Way()
            task = self._loop.create_task(self._open_way(way, sender), name="open way")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        way.used_at = self._loop.time()
        if way.transport is None:
            way.waiting.append(data)
        else:
            way.transport.sendto(data)

    async def _open_way(self, way: _Way, sender: Address) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Back(self, sender), local_addr=(HOST, 0), remote_addr=self._target
        )
        for data in way.waiting:
            transport.sendto(data)
        way.waiting.clear()
        way.transport = transport

    def error_received(self, exc: Exception) -> None:
        """A probe that has its answer is gone already."""


class _Back(asyncio.DatagramProtocol):
    def __init__(self, line: Line, sender: Address) -> None:
        self._line = line
        self._sender = sender

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._line.back(data, self._sender)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: over a network that is silence."""


async def serve(lines: dict[str, Line], control: Path) -> None:
    for line in lines.values():
        await line.open()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        order = json.loads(await reader.readline())
        for name in order["lines"]:
            lines[name].change(Weather(**order["weather"]))
        writer.write(b"done\n")
        await writer.drain()
        writer.close()

    control.unlink(missing_ok=True)
    async with await asyncio.start_unix_server(on_connection, control):
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            for line in lines.values():
                line.forget_idle()


async def _run(arguments: argparse.Namespace) -> None:
    lines = {}
    for name, host, port, target_port in arguments.line:
        lines[name] = Line((host, int(port)), (HOST, int(target_port)))
    await serve(lines, arguments.control)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--line", nargs=4, action="append", metavar=("NAME", "HOST", "PORT", "TARGET_PORT"), default=[])
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
