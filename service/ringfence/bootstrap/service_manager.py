"""Tells the service manager (systemd) how we are: ready, in a sentence what is the matter, alive, stopping.

The protocol is one datagram with lines `NAME=value` to the socket in NOTIFY_SOCKET (sd_notify(3)). Without that
variable nobody asked, and nothing is told.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from ringfence.app.ports import Clock
from ringfence.app.self_check import Feeder
from ringfence.app.snapshot import Snapshot, SnapshotHolder
from ringfence.app.supervisor import Part
from ringfence.domain.moment import Moment
from ringfence.web.status_view import MODE_WORDS, in_shadow, not_ready_because

log = logging.getLogger(__name__)

# After this long it is started, whatever it still waits for: an Asterisk that is switched off, or a first import that
# has not been made, must hold up neither the machine's start nor an upgrade.
READY_ANYWAY_SECONDS: Final = 30.0
FEEDS_PER_WATCHDOG: Final = 4
MAX_FEED_SECONDS: Final = 5.0
MAX_STATUS_CHARACTERS: Final = 240


class NotifySocket:
    """Where the service manager listens, and how often it wants to hear that we live."""

    def __init__(self, address: str, watchdog_seconds: float | None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds
        self._deaf = False

    @property
    def anybody(self) -> bool:
        return bool(self._address)

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> NotifySocket:
        """From the variables, which are taken out: what we start is not to speak for us."""
        address = environment.pop("NOTIFY_SOCKET", "")
        microseconds, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        meant = microseconds.isdecimal() and pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if meant and int(microseconds) else None)

    def tell(self, *lines: str) -> bool:
        """Whether it was taken. Never raises and never waits."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode(), self._address)
            self._deaf = False
        except OSError as error:
            if not self._deaf:
                log.warning("the service manager cannot be told", extra={"reason": error.strerror})
            self._deaf = True
        return not self._deaf


class ServiceManager:
    """What is told, and when."""

    def __init__(
        self, told: NotifySocket, holder: SnapshotHolder, clock: Clock, turned_at: Callable[[], Moment | None]
    ) -> None:
        self._told = told
        self._holder = holder
        self._clock = clock
        self._turned_at = turned_at
        self._began = clock.now()
        self._feeder = Feeder(clock, self._feed, turned_at)
        self._ready = False
        self._status = ""

    def parts(self) -> tuple[Part, ...]:
        """What runs for as long as the node, each by its name."""
        if not self._told.anybody:
            return ()
        watchdog = self._told.watchdog_seconds
        if watchdog is None:
            return (("service manager", self._tell_changes),)
        interval = min(watchdog / FEEDS_PER_WATCHDOG, MAX_FEED_SECONDS)
        return (("service manager", self._tell_changes), ("watchdog", lambda: self._feeder.run(interval)))

    def reloading(self, reload: Callable[[], None]) -> None:
        """Does it between the two words that frame it."""
        if self._ready:
            self._told.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        reload()
        if self._ready:
            self._told.tell("READY=1")

    def stopping(self) -> None:
        self._told.tell("STOPPING=1", "STATUS=stopping; Asterisk routes on by the last table")

    def _feed(self) -> None:
        self._told.tell("WATCHDOG=1")

    async def _tell_changes(self) -> None:
        while True:
            self._tell(self._holder.current)
            await self._holder.changed()

    def _tell(self, snapshot: Snapshot) -> None:
        """What is new. What was not taken is told again at the next look, a second later."""
        waited_seconds = self._clock.now().since(self._began)
        ready = self._ready or (self._turned_at() is not None and may_be_ready(snapshot, waited_seconds))
        status = status_line(snapshot, self._feeder.fault)
        lines = [] if ready == self._ready else ["READY=1"]
        lines += [] if status == self._status else [f"STATUS={status}"]
        if lines and self._told.tell(*lines):
            self._ready, self._status = ready, status


def may_be_ready(snapshot: Snapshot, waited_seconds: float) -> bool:
    """As `/readyz`, and after a while anyway."""
    return not not_ready_because(snapshot) or waited_seconds >= READY_ANYWAY_SECONDS


def status_line(snapshot: Snapshot, fault: str | None = None) -> str:
    """Each platform's mode and what is the matter, in one line. Nothing that a person wrote and no number is in it."""
    modes = [
        f"{name}: {MODE_WORDS[view.state.mode]}{' (by order)' if view.override is not None else ''}"
        for name, view in sorted(snapshot.scopes.items())
    ]
    troubles = [fault] if fault else []
    troubles += not_ready_because(snapshot)
    if not snapshot.store.up:
        troubles.append(f"database: {snapshot.store.detail}")
    words = in_shadow("; ".join([*modes, f"{snapshot.table.rows} DIDs in Asterisk"]), snapshot)
    line = " ".join((words if not troubles else f"{words}. {'; '.join(troubles)}").split())
    return line if len(line) <= MAX_STATUS_CHARACTERS else f"{line[: MAX_STATUS_CHARACTERS - 1]}…"
