"""A flood of HTTP requests, from a process of its own: each connection asks again as soon as it is answered.

    python -m tests.lab.attack.flood

One line of JSON on standard input says what: `port`, `path`, `headers` (those of every request), `connections`,
`seconds`. One line of JSON on standard output has what came: requests by status, refusals that named no time to wait,
and connections that were broken.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from tests.lab.sip import HOST

LOWEST_PRIORITY = 10
"""The lab's other parts share the cores: an attacker brings his own."""
AGAIN_SECONDS = 0.02
REPORT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Flood:
    """`raw`: this is sent in place of requests, and answers are not read apart."""

    port: int
    path: str = "/v1/status"
    headers: tuple[str, ...] = ()
    connections: int = 20
    seconds: float = 8.0
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Flooded:
    """What a flood met with."""

    statuses: dict[str, int]
    no_retry_after: int
    broken: int

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def words(self) -> str:
        told = ", ".join(f"{status} ({count})" for status, count in sorted(self.statuses.items()))
        return f"{self.requests} requests: {told}"


async def pour(flood: Flood) -> Flooded:
    """Runs one in a process of its own, to its end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.lab.attack.flood", stdin=PIPE, stdout=PIPE
    )
    try:
        async with asyncio.timeout(flood.seconds + REPORT_SECONDS):
            out, _ = await child.communicate(json.dumps(asdict(flood)).encode() + b"\n")
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return Flooded(**json.loads(out))


class _Counts:
    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.no_retry_after = 0
        self.broken = 0


async def _connection(flood: Flood, counts: _Counts) -> None:
    lines = [f"GET {flood.path} HTTP/1.1", f"Host: {HOST}:{flood.port}", *flood.headers]
    request = flood.raw.encode() or ("\r\n".join(lines) + "\r\n\r\n").encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection(HOST, flood.port)
        except OSError:
            counts.broken += 1
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        try:
            while True:
                writer.write(request)
                await _answer(reader, counts)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            counts.broken += 1
        finally:
            writer.close()
        await asyncio.sleep(AGAIN_SECONDS)


async def _answer(reader: asyncio.StreamReader, counts: _Counts) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = head.split(" ", 2)[1]
    counts.statuses[status] += 1
    counts.no_retry_after += status == "429" and "\r\nretry-after:" not in head
    length = head.partition("\r\ncontent-length:")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    if "\r\nconnection: close" in head:
        raise ConnectionResetError


async def _main(said: dict[str, Any]) -> None:
    flood, counts = Flood(**said), _Counts()
    tasks = [asyncio.create_task(_connection(flood, counts), name="flood") for _ in range(flood.connections)]
    await asyncio.sleep(flood.seconds)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(asdict(Flooded(dict(counts.statuses), counts.no_retry_after, counts.broken))))


if __name__ == "__main__":
    os.nice(LOWEST_PRIORITY)
    asyncio.run(_main(json.loads(sys.stdin.readline())))
