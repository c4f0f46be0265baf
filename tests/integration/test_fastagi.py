"""The FastAGI door over real sockets: what it answers, what it survives, and that it shuts itself when the daemon's
loop is stuck."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Network

import pytest

from ringfence.asterisk import fastagi
from ringfence.asterisk.fastagi import FastAgiDoor, FastAgiSettings
from tests.lab.waiting import wait_until

DID = "+441134960001"
ANSWER = {"RF_ANSWER_REASON": "scope-divert", "RF_ANSWER": "plan"}
ACK = b"200 result=1\n"


def _request(script: str = f"route/{DID}", more: str = "agi_callerid: +441632960001\n") -> bytes:
    return f"agi_network: yes\nagi_network_script: {script}\nagi_request: agi://x\n{more}\n".encode()


async def _decide(did: str) -> Mapping[str, str] | None:
    return ANSWER if did == DID else None


@asynccontextmanager
async def _open(
    settings: FastAgiSettings | None = None, decide: fastagi.Decide = _decide
) -> AsyncIterator[FastAgiDoor]:
    door = FastAgiDoor(settings or FastAgiSettings(port=0), decide)
    running = asyncio.create_task(door.run())
    try:
        await wait_until(lambda: door.port is not None, what="the door to open", deadline_seconds=5)
        yield door
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _said(door: FastAgiDoor, request: bytes, acks: bytes = ACK * 10) -> bytes:
    """All that the door says to this request until it ends the connection."""
    assert door.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        with suppress(ConnectionError):
            writer.write(request + acks)
            return await asyncio.wait_for(reader.read(), 10)
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


PLAN = b'SET VARIABLE RF_ANSWER_REASON "scope-divert"\nSET VARIABLE RF_ANSWER "plan"\n'


async def test_answer_comes_last_and_ends_the_connection() -> None:
    async with _open() as door:
        assert await _said(door, _request()) == PLAN


@pytest.mark.parametrize(
    "request_",
    [
        _request("route"),
        _request("route/"),
        _request("route/441134960001"),
        _request("route/+441134960001/x"),
        _request("other/+441134960001"),
        _request("route/+441134960009"),  # not ours: no opinion
        b"GET / HTTP/1.1\n\n",
        b"\n\n",
        b"\x00\xff" * 4000 + b"\n\n",
        # A caller's number with line breaks of its own cannot name another DID.
        _request("other", f"agi_callerid: x\nagi_network: yes\nagi_network_script: route/{DID}\n"),
        b"agi_network: yes\nagi_request: x\n" + _request(),
    ],
)
async def test_whoever_asks_for_anything_else_is_told_nothing(request_: bytes) -> None:
    async with _open() as door:
        assert await _said(door, request_) == b""
        assert await _said(door, _request()) == PLAN


async def test_variable_that_is_not_taken_ends_it() -> None:
    async with _open() as door:
        assert await _said(door, _request(), b"HANGUP\n") == PLAN.splitlines(keepends=True)[0]


async def test_value_that_could_carry_a_command_is_not_sent() -> None:
    async def decide(did: str) -> Mapping[str, str]:
        return {"RF_ANSWER": 'plan"\nEXEC Hangup'}

    async with _open(decide=decide) as door:
        assert await _said(door, _request()) == b""


async def test_fault_in_the_decision_ends_that_connection_alone() -> None:
    async def decide(did: str) -> Mapping[str, str] | None:
        if did != DID:
            raise ValueError("as no decision should")
        return ANSWER

    async with _open(decide=decide) as door:
        assert await _said(door, _request("route/+441134960009")) == b""
        assert await _said(door, _request()) == PLAN


async def test_decision_that_takes_too_long_ends_the_connection() -> None:
    async def decide(did: str) -> Mapping[str, str]:
        await asyncio.Event().wait()
        return ANSWER

    async with _open(decide=decide) as door:
        assert await _said(door, _request()) == b""


async def test_connections_that_never_ask_hurt_nobody() -> None:
    """Closed at once, half-open, a byte and no more, more than a request may be; then one that asks."""
    async with _open() as door:
        assert door.port is not None
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.close()
        slow = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(20)]
        for number, (_, writer) in enumerate(slow):
            writer.write(b"agi_network: yes\n"[: number % 5])
            if number % 2:
                writer.write_eof()
        assert await _said(door, b"x" * 100_000) == b""
        assert await _said(door, _request()) == PLAN
        for reader, writer in slow:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 10) == b"", "five seconds are all that anybody gets"
            writer.close()


async def test_thousand_connections_leave_room_when_they_are_gone() -> None:
    async with _open() as door:
        assert door.port is not None
        address = ("127.0.0.1", door.port)
        crowd = []
        for _ in range(1000):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            crowd.append(one)
            if len(crowd) % 25 == 0:
                await asyncio.sleep(0)
        # At least one place is taken by nobody: the fifty that are in leave when their time is up at the latest.
        for one in crowd:
            one.close()
        await wait_until(lambda: _answers(door), what="an answer", deadline_seconds=10)


async def _answers(door: FastAgiDoor) -> bool:
    return await _said(door, _request()) == PLAN


async def test_places_are_limited() -> None:
    async with _open() as door:
        assert door.port is not None
        inside = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(fastagi.MAX_CONNECTIONS)]
        assert await _said(door, _request()) == b""
        for _, writer in inside:
            writer.close()
        await wait_until(lambda: _answers(door), what="an answer", deadline_seconds=10)


async def test_address_that_is_not_allowed_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with _open(FastAgiSettings(port=0, allowed=(IPv4Network("127.9.9.9/32"),))) as door:
        assert await _said(door, _request()) == b""
        assert await _said(door, _request()) == b""
    assert [record.message for record in caplog.records] == ["fastagi door refuses an address that is not allowed"], (
        "once, however often it comes"
    )


def _ends(connection: socket.socket) -> bool:
    connection.settimeout(10)
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


async def test_stuck_loop_shuts_the_door_and_all_who_wait_at_it() -> None:
    """This very loop is the daemon's; a thread looks on while it is blocked."""
    waiting = asyncio.Event()

    async def decide(did: str) -> Mapping[str, str] | None:
        waiting.set()
        await asyncio.Event().wait()
        return None

    async with _open(decide=decide) as door:
        port = door.port
        assert port is not None
        idle, asking = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        seen: list[bool] = []
        done = threading.Event()

        def look_on() -> None:
            asking.sendall(_request())
            seen.extend((_ends(idle), _ends(asking), _refused(port)))
            done.set()

        threading.Thread(target=look_on, daemon=True).start()
        done.wait(20)  # the loop has to be stuck
        assert seen == [True, True, True]
        idle.close()
        asking.close()
        await wait_until(lambda: door.port is not None, what="the door to open again", deadline_seconds=5)
        await _said(door, _request())
        assert waiting.is_set()


async def test_port_that_is_taken_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        door = FastAgiDoor(FastAgiSettings(port=port), _decide)
        running = asyncio.create_task(door.run())
        await wait_until(lambda: caplog.records, what="a word about it", deadline_seconds=5)
    await wait_until(lambda: door.port == port, what="the door to open", deadline_seconds=5)
    assert await _said(door, _request()) == PLAN
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(caplog.records) == 1
