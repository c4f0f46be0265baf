"""Our reader of SIP answers under torture: who answers oddly is alive, who answers something else is not."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ringfence.domain.health import TargetId, TargetRole
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe
from ringfence.probes.sip_transport import Peer, Transport
from tests.lab.attack.torture_answers import ALIVE, NOTHING, OddAnswer, answer_to

TARGET = TargetId(TargetRole.PLATFORM, "uc")
ALL = (*ALIVE, *NOTHING)
PATIENT_SECONDS, HASTY_SECONDS = 2.0, 0.25


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, odd: OddAnswer) -> None:
        self._odd = odd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(answer_to(data, self._odd), addr)  # type: ignore[attr-defined]


async def _over_udp(odd: OddAnswer) -> bool | None:
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(odd), local_addr=("127.0.0.1", 0))
    try:
        return await _asked(Peer("127.0.0.1", server.get_extra_info("sockname")[1]), odd)
    finally:
        server.close()


async def _over_tcp(odd: OddAnswer) -> bool | None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer_to(question, odd))
        await reader.read()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(take, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        return await _asked(Peer("127.0.0.1", port, Transport.TCP), odd)


async def _asked(peer: Peer, odd: OddAnswer) -> bool | None:
    patience = PATIENT_SECONDS if odd.alive else HASTY_SECONDS
    return (await SipOptionsProbe(SipOptionsConfig(TARGET, peer)).probe(patience))[0]


async def test_odd_answers_are_signs_of_life_and_nonsense_is_none() -> None:
    said = await asyncio.gather(*map(_over_udp, ALL))
    assert {odd.name: passed for odd, passed in zip(ALL, said, strict=True)} == {odd.name: odd.alive for odd in ALL}


async def test_the_same_on_a_stream() -> None:
    streamed = [odd for odd in ALL if odd.on_a_stream]
    said = await asyncio.gather(*map(_over_tcp, streamed))
    wanted = {odd.name: odd.alive for odd in streamed}
    assert {odd.name: passed for odd, passed in zip(streamed, said, strict=True)} == wanted


@pytest.mark.parametrize("odd", [odd for odd in ALIVE if not odd.on_a_stream], ids=lambda odd: odd.name)
async def test_where_a_stream_goes_on_cannot_be_known(odd: OddAnswer) -> None:
    """Whoever sends it is there; but what would come next cannot be told from what came."""
    assert await _over_tcp(odd) is (odd.name == "bytes behind it")
