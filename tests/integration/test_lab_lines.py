"""The lab's own network: what lies between Asterisk and a far end passes packets on, or does not, as it is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.lab.far_end import CHECKOUT, Platform
from tests.lab.name_server import answer
from tests.lab.orders import give_order
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess

LINE_HOST = "127.0.0.21"


def question(number: int, transport: str = "UDP") -> bytes:
    head = f"OPTIONS sip:lab@{HOST} SIP/2.0\r\nVia: SIP/2.0/{transport} {HOST}:9;branch=z9hG4bK{number};rport\r\n"
    return f"{head}From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: c{number}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode()


@asynccontextmanager
async def program(module: str, folder: Path, *arguments: str) -> AsyncIterator[Path]:
    control = folder / "control"
    command = [sys.executable, "-m", f"tests.lab.{module}", "--control", str(control), *arguments]
    process = SupervisedProcess(module, command, folder / "log", working_directory=CHECKOUT)
    process.start()
    try:
        await process.wait_ready(control.exists, what="its socket", deadline_seconds=10)
        yield control
    finally:
        await process.kill()


class _Asker(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.answers.put_nowait(data)


async def test_a_cut_line_loses_what_is_sent_and_a_calm_one_passes_it_on(tmp_path: Path) -> None:
    ports = Ports()
    platform, port = Platform(ports), ports.take()
    line = ("--line", "platform", LINE_HOST, str(port), str(platform.port))
    loop = asyncio.get_running_loop()
    try:
        await platform.start()
        async with program("line_process", tmp_path, *line) as control:
            transport, asker = await loop.create_datagram_endpoint(_Asker, remote_addr=(LINE_HOST, port))
            transport.sendto(question(1))
            assert b"Call-ID: c1" in await asyncio.wait_for(asker.answers.get(), 10)
            cut = {"lines": ["platform"], "weather": {"cut": True}}
            await give_order(control, "the line", cut)
            transport.sendto(question(2))
            # Twice: when it has been obeyed, what came before it has been read.
            await give_order(control, "the line", cut)
            await give_order(control, "the line", {"lines": ["platform"], "weather": {"duplicate_share": 1.0}})
            transport.sendto(question(3))
            found = [await asyncio.wait_for(asker.answers.get(), 10) for _ in range(2)]
            assert all(b"Call-ID: c3" in heard for heard in found)
            transport.close()
    finally:
        await platform.close()
        ports.close()


async def test_a_far_end_behind_a_stream_answers_on_it_until_it_falls_mute(tmp_path: Path) -> None:
    ports = Ports()
    platform, port = Platform(ports), ports.take()
    where = ("--port", str(port), "--target-port", str(platform.port), "--transport", "tcp")
    try:
        await platform.start()
        async with program("stream_process", tmp_path, *where) as control:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(question(1, "TCP"))
            assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            await give_order(control, "the front", {"order": "mute"})
            writer.write(question(2, "TCP"))
            await give_order(control, "the front", {"order": "speak"})
            # It ends those it was mute to; the new one is answered.
            assert await asyncio.wait_for(_all_of(reader), 10) == b""
            writer.close()
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(question(3, "TCP"))
            assert b"Call-ID: c3" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            writer.close()
    finally:
        await platform.close()
        ports.close()


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def test_the_name_server_knows_its_own_names_and_no_others() -> None:
    def asked(name: str, kind: int) -> bytes:
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        return b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0" + bytes([0, kind, 0, 1])

    address = answer(asked("platform.lab.test", 1))
    assert address[:2] == b"\x12\x34"
    assert address.endswith(bytes([127, 0, 0, 1]))
    assert answer(asked("platform.lab.test", 28))[6:8] == b"\0\0", "no address of the other kind"
    assert answer(asked("elsewhere.test", 1))[3] & 0x0F == 3
