"""A door under attack: full of silent clients, of some who never read, of half handshakes, of bursts."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.web import patience, security, server
from ringfence.web.csrf import Csrf
from ringfence.web.in_turn import InTurn
from ringfence.web.openapi import Api
from ringfence.web.patience import HELD
from ringfence.web.rates import Rates
from ringfence.web.security import Guard, LocalSocket
from ringfence.web.server import Door, listen_tcp, listen_unix
from tests.lab.certificates import CertificateAuthority
from tests.lab.waiting import wait_until

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BIG = b"x" * (8 << 20)


async def _big(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(BIG)(scope, receive, send)


@asynccontextmanager
async def _open(door: Door) -> AsyncIterator[None]:
    task = asyncio.create_task(door.run())
    await door.open()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reply(path: Path, asked: bytes = ASKED) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(asked)
        async with asyncio.timeout(5):
            return await reader.readline()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "half", [b"", b"GET / HTTP/1.1\r\nHost: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_in_a_full_door_the_longest_silent_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr(server, "MAX_LOCAL_CONNECTIONS", 5)
    path = tmp_path / "control.sock"
    async with _open(Door(_whole, listen_unix(path))):
        silent = []
        for _ in range(8):
            silent.append(await asyncio.open_unix_connection(str(path)))
            silent[-1][1].write(half)
        for _ in range(20):
            assert await _reply(path) == b"HTTP/1.1 200 OK\r\n"
        first, _ = silent[0]
        with suppress(ConnectionResetError, BrokenPipeError):
            async with asyncio.timeout(5):
                assert await first.read() == b"", "it was there for longest"
        for _, writer in silent:
            writer.close()


async def _whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers when it has the whole request."""
    while (await receive()).get("more_body"):
        pass
    await Response("taken")(scope, receive, send)


async def test_whoever_waits_for_an_answer_gives_way_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_LOCAL_CONNECTIONS", 3)
    path, begun, go = tmp_path / "control.sock", asyncio.Semaphore(0), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        begun.release()
        await go.wait()
        await Response("done")(scope, receive, send)

    async with _open(Door(slow, listen_unix(path))):
        waiting = [asyncio.create_task(_reply(path)) for _ in range(2)]
        for _ in waiting:
            await begun.acquire()
        with suppress(ConnectionResetError, BrokenPipeError):
            assert await _reply(path) == b""
        go.set()
        assert await asyncio.gather(*waiting) == [b"HTTP/1.1 200 OK\r\n"] * 2


@pytest.mark.parametrize("asked", [ASKED, ASKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")])
async def test_whoever_never_reads_an_answer_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 0.05)
    path = tmp_path / "control.sock"
    async with _open(Door(_big, listen_unix(path))):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.setblocking(False)
            client.send(asked)
            await wait_until(lambda: _is_closed(client), what="it to be let go", deadline_seconds=5)


def _is_closed(client: socket.socket) -> bool:
    try:
        client.send(b" ")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


async def test_whoever_reads_slowly_gets_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 0.02)
    monkeypatch.setattr(patience, "READ_BYTES", 1)
    path = tmp_path / "control.sock"
    async with _open(Door(_big, listen_unix(path))):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=4096)
        writer.write(ASKED)
        await reader.readuntil(b"\r\n\r\n")
        left = len(BIG)
        while left:
            left -= len(await reader.read(1 << 20))
            await asyncio.sleep(0)
        writer.close()


async def test_a_handshake_that_does_not_go_on_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", 0.05)
    context: ssl.SSLContext = CertificateAuthority(tmp_path).certify("127.0.0.1").context()
    listener = listen_tcp("127.0.0.1", 0, tls=True)
    port = listener.sock.getsockname()[1]
    async with _open(Door(_whole, listener, context)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_of_many_requests_one_begins_in_each_round() -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append("begun")

    def tick() -> None:
        if seen.count("begun") < 5:
            seen.append("something else")
            loop.call_soon(tick)

    tick()
    in_turn = InTurn(app)
    await asyncio.gather(*(in_turn({}, _nothing, _drop) for _ in range(5)))
    assert "begun, begun" not in ", ".join(seen)


async def test_whoever_asks_too_often_is_kept_waiting_and_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "HOLD_SECONDS", 0)
    statuses: list[int] = []

    async def told(message: object) -> None:
        assert isinstance(message, dict)
        statuses.append(message.get("status", 0))

    guard = Guard(_whole, LocalSocket(), lambda _: 9, Csrf("x"), Rates(1, 1, lambda: 0.0))
    states: list[dict[str, object]] = [{}, {}]
    for state in states:
        scope: Scope = {"type": "http", "path": "/", "method": "GET", "headers": [], "state": state}
        await guard(scope, _nothing, told)
    assert (statuses[0], statuses[-2]) == (200, 429)
    assert [state.get(HELD) for state in states] == [None, True]


async def test_the_schema_is_written_once() -> None:
    written = 0

    class Counting(Api):
        def openapi(self) -> dict[str, object]:
            nonlocal written
            written += 1
            return {"openapi": "3.1.0"}

    app = Counting(openapi_url=None)
    bodies = [await _body(app) for _ in range(3)]
    assert (written, bodies) == (1, [b'{"openapi":"3.1.0"}'] * 3)


async def _body(app: ASGIApp) -> bytes:
    said: list[bytes] = []

    async def told(message: object) -> None:
        assert isinstance(message, dict)
        said.append(message.get("body", b""))

    scope: Scope = {"type": "http", "path": "/openapi.json", "method": "GET", "headers": [], "query_string": b""}
    await app(scope, _nothing, told)
    return b"".join(said)


async def _nothing() -> dict[str, object]:
    return {"type": "http.request"}


async def _drop(message: object) -> None:
    """Nobody listens."""
