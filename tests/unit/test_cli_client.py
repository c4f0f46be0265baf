"""What the command line makes of the daemon's answers."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfence.cli.client import Daemon
from ringfence.cli.question_commands import rings_in, while_closed

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


def test_a_step_outside_its_hours_is_said_to_be_so() -> None:
    now = datetime.now(UTC)
    later = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=4):%H:%M} Etc/UTC"
    around = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M} Etc/UTC"
    assert rings_in(later) == f"{later}: NOT NOW"
    for hours in (around, "on feast days Etc/UTC", "07:00-22:00 Nowhere/Else"):
        assert rings_in(hours) == hours, "nothing is said of what cannot be read"


def test_a_line_with_opening_hours_is_explained_with_where_to_see_the_closed_ones() -> None:
    announcement, opening = {"kind": "announcement"}, {"kind": "opening"}
    assert while_closed("+441134960001", [announcement]) == []
    (line,) = while_closed("+441134960001", [opening, announcement])
    assert "ringfence simulate +441134960001 --at" in line
