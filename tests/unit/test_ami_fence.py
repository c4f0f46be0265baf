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
from ringfence.asterisk.ami import AmiSession, AmiSettings
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ami_wire import MAX_PARTIAL_CHARS, FencedManager, FencedProtocol, Row
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


def session_on(wire: Wire) -> tuple[AmiSession, FencedProtocol]:
    loop = asyncio.get_running_loop()
    protocol = FencedProtocol()
    protocol.connection_made(wire)
    manager = FencedManager(loop)
    made: asyncio.Future[Any] = loop.create_future()
    made.set_result((wire, protocol))
    manager.connection_made(made)
    return AmiSession(SETTINGS, manager, protocol), protocol


def in_a_loop(test: Callable[[AmiSession, FencedProtocol, Wire], None]) -> None:
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
    def feed(session: AmiSession, protocol: FencedProtocol, _wire: Wire) -> None:
        sent = session.send("DBGetTree", {"Family": "ringfence/did/1"})
        data = "\r\n".join(lines).replace(": ID", f": {sent.action_id}").encode() + junk + b"\r\n\r\n"
        for start in range(0, len(data), size):
            if not protocol.closed:
                protocol.data_received(data[start : start + size])

    in_a_loop(feed)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_value_is_refused_or_is_one_line(key: str, value: str) -> None:
    def send(session: AmiSession, _protocol: FencedProtocol, wire: Wire) -> None:
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


@given(st.lists(st.sampled_from(["done", "said more", "refused"]), max_size=8), st.integers(1, 60))
def test_many_answers_are_the_same_by_the_short_way_and_by_panoramisk(answers: list[str], size: int) -> None:
    def feed(session: AmiSession, protocol: FencedProtocol, wire: Wire) -> None:
        protocol.data_received(b"Asterisk Call Manager/9.0.0\r\n")
        puts = [{"Family": "ringfence", "Key": f"did/1/{number}", "Val": "1|ü"} for number in range(len(answers))]
        sent = session.send_all("DBPut", puts)
        for one, put in zip(sent, puts, strict=True):
            lines = [f"{name}: {value}" for name, value in {"ActionID": one.action_id, **put}.items()]
            assert "\r\n".join(["Action: DBPut", *lines, "\r\n"]).encode() in wire.sent
        words = {
            "done": "Response: Success\r\nActionID: {}\r\nMessage: Updated\r\n\r\n",
            "said more": "Response: Success\r\nActionID: {}\r\nMessage: Updated\r\nMore: x\r\n\r\n",
            "refused": "Response: Error\r\nActionID: {}\r\nMessage: Failed to update\r\n\r\n",
        }
        data = "".join(words[answer].format(one.action_id) for one, answer in zip(sent, answers, strict=True)).encode()
        for start in range(0, len(data), size):
            protocol.data_received(data[start : start + size])
        found = [(reply.success, reply.message) for reply in map(session._reply, sent)]
        assert found == [(False, "Failed to update") if a == "refused" else (True, "Updated") for a in answers]
        assert not protocol.responses, "an answered action is kept"

    in_a_loop(feed)


async def test_a_loss_is_told_to_many_waiting_at_once() -> None:
    session, protocol = session_on(Wire())
    sent = session.send_all("DBPut", [{"Family": "ringfence", "Key": "did/1/x", "Val": "1"}] * 3)
    waiting = asyncio.ensure_future(session.answers(sent))
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    with pytest.raises(AsteriskUnavailable, match="lost"):
        await waiting


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


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"))), st.integers(1, 60))
def test_a_row_is_the_same_by_the_short_way_and_by_panoramisk(values: list[str], size: int) -> None:
    def read(more: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []

        def feed(session: AmiSession, protocol: FencedProtocol, _wire: Wire) -> None:
            protocol.data_received(b"Asterisk Call Manager/9.0.0\r\n")
            sent = session.send("DBGetTree", {"Family": "ringfence/did/1"})
            id_ = f"ActionID: {sent.action_id}\r\n"
            text = f"Response: Success\r\n{id_}EventList: start\r\nMessage: Result will follow\r\n\r\n"
            for number, value in enumerate(values):
                # In this order and no other, as Asterisk writes it.
                key = f"Key: /ringfence/did/1/+44{number}"
                text += f"Event: DBGetTreeResponse\r\n{more}{key}\r\nVal: 1|{value}|\r\n{id_}\r\n"
            data = f"{text}Event: DBGetTreeComplete\r\n{id_}EventList: Complete\r\n\r\n".encode()
            for start in range(0, len(data), size):
                protocol.data_received(data[start : start + size])
            short = sum(isinstance(row, Row) for row in sent.answer.result())
            assert short == (0 if more else len(values))
            found.extend(dict(row) for row in session._reply(sent).rows)

        in_a_loop(feed)
        return [{name: row[name] for name in ("key", "val")} for row in found if "key" in row]

    short, long = read(""), read("Other: header\r\n")
    assert short == long
    assert [row["val"] for row in short] == [f"1|{value}|" for value in values]
