"""The fence around panoramisk, without Asterisk: whatever arrives, and however the connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panoramisk.actions import Action

from ringfence.app.ports import AsteriskRefused, AsteriskUnavailable
from ringfence.asterisk.ami import MAX_PARTIAL_CHARS, AmiSession, AmiSettings, _Manager, _Protocol
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.backoff import BackOff

SETTINGS = AmiSettings("ringfence", "a-secret-of-ours")


class Wire(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.aborted = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.aborted = True


def session_on(wire: Wire) -> tuple[AmiSession, _Protocol]:
    loop = asyncio.get_running_loop()
    protocol = _Protocol()
    protocol.connection_made(wire)
    manager = _Manager(loop)
    made: asyncio.Future[Any] = loop.create_future()
    made.set_result((wire, protocol))
    manager.connection_made(made)
    return AmiSession(SETTINGS, manager, protocol), protocol


def in_a_loop(test: Callable[[AmiSession, _Protocol, Wire], None]) -> None:
    async def run() -> None:
        wire = Wire()
        session, protocol = session_on(wire)
        test(session, protocol, wire)
        session.close()

    asyncio.run(run())


ANSWERS = ("Response: Success", "Response: Follows", "Response: Error", "ActionID: ID", "CommandID: ID")
ROWS = (
    "Event: X",
    "Event: Shutdown",
    "Message: will follow",
    "EventList: start",
    "SubEvent: Start",
    "Event: XComplete",
)
ODD = ("Result: %", "content: y", "", ":", ": ", "a: b: c", "é: ü")
LINES = st.sampled_from([*ANSWERS, *ROWS, *ODD])


@given(st.lists(LINES, max_size=30), st.binary(max_size=50), st.integers(1, 40))
def test_nothing_that_arrives_breaks_the_protocol(lines: list[str], junk: bytes, size: int) -> None:
    def feed(session: AmiSession, protocol: _Protocol, _wire: Wire) -> None:
        sent = session.send("DBGetTree", {"Family": "ringfence/did/1"})
        data = "\r\n".join(lines).replace(": ID", f": {sent.action_id}").encode() + junk + b"\r\n\r\n"
        for start in range(0, len(data), size):
            if not protocol.closed:
                protocol.data_received(data[start : start + size])

    in_a_loop(feed)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_value_is_refused_or_is_one_line(key: str, value: str) -> None:
    def send(session: AmiSession, _protocol: _Protocol, wire: Wire) -> None:
        try:
            session.send("DBPut", {"Family": "ringfence", "Key": key, "Val": value})
        except AsteriskRefused:
            assert not wire.sent
            return
        lines = wire.sent.split(b"\r\n")
        assert len(lines) == 7
        assert b"Key: " + key.encode() in lines
        assert b"Val: " + value.encode() in lines

    in_a_loop(send)


async def test_a_loss_is_told_to_whoever_waits_and_to_the_next() -> None:
    wire = Wire()
    session, protocol = session_on(wire)
    waiting = asyncio.ensure_future(session.ask("Ping", {}))
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    with pytest.raises(AsteriskUnavailable, match="lost"):
        await waiting
    with pytest.raises(AsteriskUnavailable):
        session.send("Ping", {})
    await asyncio.wait_for(session.ended(), 1)
    assert wire.aborted
    assert not session._manager.awaiting_actions


async def test_an_endless_message_ends_the_connection() -> None:
    session, protocol = session_on(Wire())
    for _ in range(MAX_PARTIAL_CHARS // 100_000 + 1):
        protocol.data_received(b"x" * 100_000)
    assert not session.is_open


async def test_an_action_that_timed_out_is_forgotten() -> None:
    session, protocol = session_on(Wire())
    with pytest.raises(AsteriskUnavailable, match="in time"):
        await session.ask("Ping", {}, deadline_seconds=0.001)
    assert not protocol.responses
    task = asyncio.ensure_future(session.ask("Ping", {}))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not protocol.responses
    session.close()


async def test_the_fence_keeps_panoramisk_from_logging_what_it_sends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    session, protocol = session_on(Wire())
    session.send("DBPut", {"Family": "ringfence", "Key": "did/1/x", "Val": "p:+447700900123:20"})
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\nEvent: X\r\nVal: +447700900123\r\n\r\n")
    protocol.close()
    assert "447700900123" not in caplog.text
    assert "a-secret-of-ours" not in repr(SETTINGS)


async def test_a_link_that_is_down_refuses_with_a_fresh_error_each_time() -> None:
    link = AmiLink(SETTINGS, "modes")
    errors = []
    for _ in range(2):
        with pytest.raises(AsteriskUnavailable) as caught:
            await link.ask("Ping", {})
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert Action({"Action": "Ping"}).id


class _NoJitter:
    def random(self) -> float:
        return 0.0


def test_the_back_off_doubles_up_to_its_cap() -> None:
    back_off = BackOff(0.1, 0.5)
    delays = [back_off.delay_seconds(failures, _NoJitter()) for failures in (0, 1, 2, 3, 4, 10_000)]  # type: ignore[arg-type]
    assert delays == [0.1, 0.1, 0.2, 0.4, 0.5, 0.5]
