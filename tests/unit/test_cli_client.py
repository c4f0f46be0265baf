"""What the command line makes of the daemon's answers, at a real socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from ringfence.cli.client import Daemon

ITEMS = 20_000


async def _asked(socket: Path, body: bytes) -> dict[str, object]:
    """One answer, sent in small pieces as a server does with a large one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        for start in range(0, len(body), 10_000):
            writer.write(body[start : start + 10_000])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_unix_server(answer, socket)
    async with server:
        return await Daemon(socket, "ada").ask("GET", "/v1/hr/plans/1")


def test_an_answer_of_several_megabytes_is_read_whole(tmp_path: Path) -> None:
    sent = {"items": [{"id": f"joiner:{number}:", "lines": ["x" * 100]} for number in range(ITEMS)]}
    assert asyncio.run(_asked(tmp_path / "control.sock", json.dumps(sent).encode())) == sent
