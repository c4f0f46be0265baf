"""A real daemon under a service manager, which is this test: what it is told, and when it hears nothing any more."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import GENEROUS_SECONDS, ORGANISATION, PLATFORM

WATCHDOG_SECONDS = 1.0


class Manager:
    """systemd's end of the protocol."""

    def __init__(self) -> None:
        self.name = f"@ringfence-test-{uuid4().hex}"
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._sock.bind(f"\0{self.name[1:]}")
        self.heard: list[str] = []
        self.senders: set[int] = set()
        # The kernel keeps ten datagrams for whoever does not listen.
        asyncio.get_running_loop().add_reader(self._sock, self.listen)

    @property
    def feeds(self) -> int:
        """How often the watchdog has been fed."""
        self.listen()
        return self.heard.count("WATCHDOG=1")

    def listen(self) -> None:
        """Takes in every line that has come."""
        while True:
            try:
                text, ancillary, _, _ = self._sock.recvmsg(8192, socket.CMSG_SPACE(12))
            except BlockingIOError:
                return
            self.senders |= {int.from_bytes(data[:4], "little") for _, _, data in ancillary}
            self.heard += text.decode().splitlines()

    async def wait_for(self, *patterns: str) -> None:
        """A line for each, that begins so."""

        def there() -> bool:
            self.listen()
            return all(any(re.match(pattern, heard) for heard in self.heard) for pattern in patterns)

        await wait_until(
            there,
            what=f"{' and '.join(patterns)} to be told",
            deadline_seconds=GENEROUS_SECONDS,
            diagnose=lambda: "\n".join(self.heard),
        )

    async def wait_fed(self, times: int) -> None:
        wanted = self.feeds + times
        await wait_until(lambda: self.feeds >= wanted, what="the watchdog to be fed", deadline_seconds=GENEROUS_SECONDS)

    def forget(self) -> None:
        self.listen()
        self.heard.clear()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()


@pytest_asyncio.fixture
async def manager(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Manager]:
    manager = Manager()
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_SECONDS * 1e6)))
    yield manager
    manager.close()


@pytest_asyncio.fixture(scope="module")
async def shared(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        yield stage


@pytest_asyncio.fixture
async def stage(shared: Stage, manager: Manager) -> AsyncIterator[Stage]:
    """The node is stopped; what is started from now on is told of the manager."""
    if shared.node.process.running:
        await shared.node.process.stop()
    yield shared
    if shared.node.process.running:
        await shared.node.process.stop()


async def test_it_is_started_when_it_routes_and_says_when_it_stops(
    stage: Stage, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.lab.asterisk.kill()
    await stage.node.start(ready=False)
    await manager.wait_for("STATUS=uc: ", "WATCHDOG=1")
    await wait_until(stage.node.alive, what="the local socket", deadline_seconds=GENEROUS_SECONDS)
    manager.listen()
    assert "READY=1" not in manager.heard, "there is no Asterisk yet"
    assert any("Asterisk: " in line for line in manager.heard), manager.heard

    monkeypatch.delenv("NOTIFY_SOCKET")  # it speaks the protocol, too
    await stage.lab.asterisk.start()
    await manager.wait_for("READY=1")
    assert await stage.node.ask("GET", "/readyz") == (200, {"ready": True, "reasons": []})
    # Nothing but the modes and the table: nothing is wrong any more. (A busy machine may have failed over meanwhile.)
    await manager.wait_for(f"STATUS=uc: [^;]+; {stage.organisation.dids} DIDs in Asterisk$")
    assert manager.senders == {stage.node.process.pid}, "systemd believes the main process alone"

    manager.forget()
    stage.node.process.send_signal(signal.SIGTERM)
    assert await stage.node.process.wait_exit(GENEROUS_SECONDS) == 0
    manager.listen()
    assert "STOPPING=1" in manager.heard


async def test_a_loop_that_stands_still_feeds_no_watchdog_and_a_dead_asterisk_does(
    stage: Stage, manager: Manager
) -> None:
    await stage.node.start()
    await manager.wait_fed(3)

    await stage.lab.asterisk.freeze()
    await manager.wait_fed(12)  # longer than the watchdog's patience: that is no reason to be killed
    await stage.lab.asterisk.thaw()

    await stage.node.process.freeze()
    manager.forget()
    await _two_watchdogs_long(manager)
    assert manager.feeds == 0
    stage.node.process.thaw()
    await manager.wait_fed(3)


async def test_a_reload_is_framed(stage: Stage, manager: Manager) -> None:
    await stage.node.start()
    await manager.wait_for("READY=1")
    manager.forget()
    stage.node.process.send_signal(signal.SIGHUP)
    await manager.wait_for("RELOADING=1", "MONOTONIC_USEC=", "READY=1")
    assert manager.heard.index("RELOADING=1") < manager.heard.index("READY=1")


async def test_a_watchdogs_abort_leaves_the_place_in_the_log_and_secrets_may_be_credentials(
    stage: Stage, manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ari_secret", "ami_secret", "http_token"):
        os.rename(stage.node.directory / name, tmp_path / name)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    try:
        await stage.node.start()
        stage.node.process.send_signal(signal.SIGABRT)
        assert await stage.node.process.wait_exit(GENEROUS_SECONDS) == -signal.SIGABRT
        assert "most recent call first" in stage.node.process.log_path.read_text()
    finally:
        for name in ("ari_secret", "ami_secret", "http_token"):
            os.rename(tmp_path / name, stage.node.directory / name)


async def _two_watchdogs_long(manager: Manager) -> None:
    """As long as two feedings of another watchdog of the same patience would take, and it hears nothing."""
    loop_rounds = 0

    def enough() -> bool:
        nonlocal loop_rounds
        loop_rounds += 1
        return loop_rounds >= 2 * WATCHDOG_SECONDS / 0.02 or manager.feeds > 0

    await wait_until(enough, what="time to pass", deadline_seconds=GENEROUS_SECONDS)
