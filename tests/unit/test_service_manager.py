"""What systemd is told: over which socket, in which words, and when it counts as started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from ringfence.app.publisher import TableState
from ringfence.app.snapshot import LinkView, ScopeView, Snapshot, TableView
from ringfence.bootstrap.service_manager import (
    MAX_STATUS_CHARACTERS,
    READY_ANYWAY_SECONDS,
    NotifySocket,
    may_be_ready,
    status_line,
)
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Decision, Mode, first_state
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Verdict, VerdictState
from tests.fakes.clock import NOON

NOW = Moment(NOON, 1_000.0)
UP = LinkView(True, "connected")


@pytest.fixture(params=["in a folder", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket of a service manager's, and its name as NOTIFY_SOCKET has it."""
    name = f"@ringfence-{uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        sock.setblocking(False)
        yield sock, name


def test_lines_come_as_one_datagram(listening: tuple[socket.socket, str]) -> None:
    sock, name = listening
    NotifySocket(name, None).tell("READY=1", "STATUS=uc: normal")
    assert sock.recv(4096) == b"READY=1\nSTATUS=uc: normal"


def test_nobody_asked() -> None:
    told = NotifySocket.of({})
    assert not told.anybody and told.watchdog_seconds is None
    told.tell("READY=1")


def test_a_service_manager_that_is_gone_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = NotifySocket(str(tmp_path / "gone"), None)
    told.tell("WATCHDOG=1")
    told.tell("WATCHDOG=1")
    assert [record.message for record in caplog.records] == ["the service manager cannot be told"]


@pytest.mark.parametrize(
    ("pid", "microseconds", "seconds"),
    [
        ("", "30000000", 30.0),
        ("ours", "500000", 0.5),
        ("1", "30000000", None),
        ("", "0", None),
        ("", "", None),
    ],
)
def test_the_watchdog_is_ours_or_none(pid: str, microseconds: str, seconds: float | None) -> None:
    # Not among the cases: their names have to be the same in every process that runs the tests.
    told = str(os.getpid()) if pid == "ours" else pid
    environment = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": microseconds, "WATCHDOG_PID": told, "HOME": "/"}
    assert NotifySocket.of(environment).watchdog_seconds == seconds
    assert environment == {"HOME": "/"}, "what we start is not to speak for us"


def test_it_is_ready_when_the_api_says_so() -> None:
    assert may_be_ready(_snapshot(), 0.0)
    assert not may_be_ready(_snapshot(published=False), 0.0)
    assert not may_be_ready(_snapshot(state=TableState.PUBLISHING), 0.0)
    assert not may_be_ready(_snapshot(state=TableState.NO_DIRECTORY), 0.0), "perhaps it is only not read yet"
    assert not may_be_ready(replace(_snapshot(), asterisk=LinkView(False, "not connected yet")), 0.0)


def test_an_asterisk_that_is_off_does_not_hold_up_the_machine_for_ever() -> None:
    off = replace(_snapshot(published=False), asterisk=LinkView(False, "connection refused"))
    assert not may_be_ready(off, READY_ANYWAY_SECONDS - 0.1)
    assert may_be_ready(off, READY_ANYWAY_SECONDS)


def test_the_sentence_says_the_mode_and_what_is_the_matter() -> None:
    assert status_line(_snapshot()) == "uc: normal; 1204 DIDs in Asterisk"
    troubled = replace(_snapshot(Mode.FAILED_OVER), asterisk=LinkView(False, "connection refused"))
    assert status_line(troubled) == "uc: DR mode; 1204 DIDs in Asterisk. Asterisk: connection refused"
    assert status_line(replace(_snapshot(Mode.FAILED_OVER), shadow=True)).startswith("SHADOW: nothing is done to calls")
    assert "the event loop was 9 s late" in status_line(_snapshot(), "the event loop was 9 s late")


def test_the_sentence_is_one_line_of_bounded_length() -> None:
    line = status_line(replace(_snapshot(), store=LinkView(False, "no such\nfile " * 100)))
    assert "\n" not in line and len(line) == MAX_STATUS_CHARACTERS


def _snapshot(mode: Mode = Mode.NORMAL, *, published: bool = True, state: TableState = TableState.EQUAL) -> Snapshot:
    view = ScopeView(
        replace(first_state("uc", NOW), mode=mode),
        Verdict(VerdictState.UP, Reason.ANSWERING, ()),
        Decision.NORMAL,
        None,
        published,
    )
    return Snapshot("lab", NOW, NOW, {"uc": view}, asterisk=UP, store=UP, table=TableView(state, 1, 1204))
