"""Sockets bound first, with clear errors; served inside the daemon's loop; ended gracefully."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import stat
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from ringfence.web import patience
from ringfence.web.app import create_app
from ringfence.web.security import LocalSocket
from ringfence.web.server import CannotListen, Door, listen_tcp, listen_unix
from tests.fakes.node import FakeNode


def test_a_busy_port_is_named_with_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            listen_tcp("127.0.0.1", port)
    assert f"port {port} on 127.0.0.1 is in use" in caught.value.message
    assert "[http] port" in caught.value.fix


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(CannotListen, match=f"{host} is no address of this machine"):
        listen_tcp(host, 0)


def test_the_socket_is_for_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"
    before = os.umask(0o077)
    try:
        listener = listen_unix(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    listener.close()
    assert not path.exists()


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.listen()
    left.close()
    listener = listen_unix(path)
    listener.close()


def test_a_living_daemons_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    first = listen_unix(path)
    with pytest.raises(CannotListen, match="another daemon answers"):
        listen_unix(path)
    assert path.is_socket()
    path.unlink()
    second = listen_unix(path)
    first.close()
    assert path.is_socket(), "closing removed somebody else's socket"
    second.close()


def test_a_file_in_the_way_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(CannotListen, match="is no socket"):
        listen_unix(path)
    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="longer than 107 bytes"):
        listen_unix(tmp_path / ("x" * 120))


async def _serve(path: Path) -> tuple[Door, asyncio.Task[None]]:
    node = FakeNode()
    door = Door(create_app(node.services, LocalSocket()), listen_unix(path))
    task = asyncio.create_task(door.run())
    await door.open()
    return door, task


async def test_it_serves_leaves_signals_alone_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    before = signal.getsignal(signal.SIGTERM)
    _, task = await _serve(path)
    assert signal.getsignal(signal.SIGTERM) is before
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        answer = await session.get("http://localhost/healthz")
        assert (answer.status, await answer.json()) == (200, {"alive": True})
        assert "server" not in answer.headers
    began = monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert monotonic() - began < 1
    assert not path.exists()


async def test_one_who_waits_for_a_change_does_not_hold_up_the_end(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    _, task = await _serve(path)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        status = await (await session.get("http://localhost/v1/status")).json()
        url = f"http://localhost/v1/status/changes?timeout_seconds=60&after={status['version']}"
        waiting = asyncio.create_task(session.get(url))
        await asyncio.sleep(0.1)
        began = monotonic()
        task.cancel()
        answer = await asyncio.wait_for(waiting, 5)
        assert (await answer.json())["version"] == status["version"], "cut off instead of answered"
        # The client asks again before the listener is gone.
        again = await asyncio.wait_for(asyncio.gather(session.get(url), return_exceptions=True), 5)
        assert all(isinstance(a, aiohttp.ClientConnectorError) or a.status == 200 for a in again)  # type: ignore[union-attr]
        await asyncio.wait([task], timeout=5)
        assert task.done()
        assert monotonic() - began < 1


async def test_an_order_that_is_not_taken_before_the_end_is_said_to_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    _, task = await _serve(path)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        order = {"mode": "dr", "everything": True, "reason": "drill"}
        waiting = asyncio.create_task(session.put("http://localhost/v1/override", json=order))
        await asyncio.sleep(0.1)
        task.cancel()
        answer = await asyncio.wait_for(waiting, 2)
        assert (answer.status, (await answer.json())["fix"]) == (503, "Give it again.")
        await asyncio.wait([task], timeout=5)


async def test_silent_clients_leave_the_daemon_its_last_file_descriptors(tmp_path: Path) -> None:
    """They held all of them: no platform could be asked any more."""
    path = tmp_path / "control.sock"
    _, task = await _serve(path)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest.fileno() + patience.SPARE_FILES + 20, limits[1]))
    try:
        clients = [await asyncio.open_unix_connection(str(path)) for _ in range(30)]
        refused = await asyncio.gather(*(_is_closed(reader) for reader, _ in clients))
        assert 10 <= sum(refused) < 30
        with open(os.devnull):  # there is still one to be had
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for _, writer in clients:
            writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_whoever_asks_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.05)
    path = tmp_path / "control.sock"
    _, task = await _serve(path)
    silent, silent_writer = await asyncio.open_unix_connection(str(path))
    half, half_writer = await asyncio.open_unix_connection(str(path))
    half_writer.write(b"GET /healthz HTTP/1.1\r\nHost: ")
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        status = await (await session.get("http://localhost/v1/status")).json()
        url = f"http://localhost/v1/status/changes?timeout_seconds=0.3&after={status['version']}"
        waited = await session.get(url)
        assert waited.status == 200, "whoever waits for our answer was let go, too"
    async with asyncio.timeout(5):
        assert (await silent.read(), await half.read()) == (b"", b"")
    for writer in (silent_writer, half_writer):
        writer.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_whoever_never_finishes_a_body_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.3)
    path = tmp_path / "control.sock"
    _, task = await _serve(path)
    reader, writer = await asyncio.open_unix_connection(str(path))
    head = (
        b"PUT /v1/override HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    )
    writer.write(head + b"{")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(0.2):
            return await reader.read(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_a_door_without_descriptors_is_told_once_a_minute() -> None:
    few = patience.SaidSeldom()

    def says(words: str, second: float) -> bool:
        record = logging.makeLogRecord({"msg": words, "created": second})
        return bool(few.filter(record))

    out = f"{patience.OUT_OF_FILES}\nsocket: <TransportSocket fd=7>"
    assert [says(out, second) for second in (0, 0.1, 59, 61, 62)] == [True, False, False, True, False]
    assert says("something else", 0.2) and says("something else", 0.3)
