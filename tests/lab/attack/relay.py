"""Stands before a platform: passes calls on, and answers every OPTIONS itself, as oddly as it is told."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

from tests.lab.attack.torture_answers import ALIVE, OddAnswer, answer_to
from tests.lab.node import RingfenceNode
from tests.lab.ports import HOST, Ports

Address = tuple[str, int]


class Relay(asyncio.DatagramProtocol):
    """`async with Relay() as relay:`, then `lay` it before a platform that no configuration names yet."""

    def __init__(self) -> None:
        self._ports: Ports | None = None
        self._port = 0
        self._target: Address = (HOST, 0)
        self._transport: asyncio.DatagramTransport | None = None
        self._ways: dict[Address, asyncio.Task[asyncio.DatagramTransport]] = {}
        self.answered: Counter[str] = Counter()
        self.say(ALIVE[:1])

    async def __aenter__(self) -> Relay:
        self._ports = Ports()
        self._port = self._ports.take()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None and self._ports is not None
        self._transport.abort()
        for way in await asyncio.gather(*self._ways.values()):
            way.abort()
        self._ports.close()

    def lay(self, node: RingfenceNode) -> None:
        platform = node.lab.platform
        self._target = (HOST, platform.port)
        platform.reached_at = f"{HOST}:{self._port}"

    def say(self, answers: Sequence[OddAnswer]) -> None:
        """From the next question on, these in turn."""
        self._answers = itertools.cycle(answers)
        self.answered.clear()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if data.startswith(b"OPTIONS "):
            odd = next(self._answers)
            self.answered[odd.name] += 1
            self.back(answer_to(data, odd), addr)
            return
        way = self._ways.get(addr)
        if way is None:
            way = self._ways[addr] = asyncio.create_task(self._open(addr), name="way to the platform")
        way.add_done_callback(lambda done: done.result().sendto(data))

    def back(self, data: bytes, addr: Address) -> None:
        if self._transport is not None and data:
            self._transport.sendto(data, addr)

    async def _open(self, sender: Address) -> asyncio.DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Back(self, sender), remote_addr=self._target
        )
        return transport

    def error_received(self, exc: Exception) -> None:
        """A probe that has its answer is gone already."""


class _Back(asyncio.DatagramProtocol):
    def __init__(self, relay: Relay, sender: Address) -> None:
        self._relay = relay
        self._sender = sender

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.back(data, self._sender)

    def error_received(self, exc: Exception) -> None:
        """The platform is dead."""
