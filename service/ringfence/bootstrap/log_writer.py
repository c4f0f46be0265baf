"""Lines of the log on their way to standard error, by a thread of their own.

Standard error is a pipe, to the journal or to another program, and a pipe that nobody reads is full after 64 KiB. The
event loop must not wait for it: no call would be looked after any more. Lines wait here instead, up to a limit; those
beyond it are counted, and told once somebody reads again.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
from collections import deque
from contextlib import suppress
from logging.handlers import QueueHandler
from typing import Final

log = logging.getLogger(__name__)

MAX_WAITING_BYTES: Final = 4 << 20
"""Some ten thousand lines: a night of an outage."""
LAST_LINES_SECONDS: Final = 1.0
"""How long a process that ends waits for its last lines to be read."""


class LogWriter(QueueHandler):
    """Masks and forms a line where it is said, and writes it elsewhere. Only whole lines are lost."""

    def __init__(self, descriptor: int, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._lines = _Lines(max_waiting_bytes)
        super().__init__(self._lines)  # type: ignore[arg-type]  # it is used by `enqueue` alone
        self._descriptor = descriptor
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def prepare(self, record: logging.LogRecord) -> bytes:
        """Here, in the thread that speaks: what is told may be another when the line is written."""
        return f"{self.format(record)}\n".encode(errors="backslashreplace")

    def enqueue(self, record: bytes) -> None:  # type: ignore[override]  # it is what `prepare` makes of one
        """Never waits."""
        self._lines.put(record)

    def flush(self) -> None:
        """When the process ends: waits for the last lines to be written, but not for a reader that is not there."""
        self._lines.wait_written(LAST_LINES_SECONDS)

    def _write_all(self) -> None:
        while True:
            line = self._lines.get()
            try:
                _write(self._descriptor, line)
            except OSError:
                self._lines.done(written=False)
                continue
            if lost := self._lines.done(written=True):
                log.warning("lines of the log were lost, for nobody read them", extra={"lines": lost})


class _Lines:
    """A queue that takes what fits, and counts the rest."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._changed = threading.Condition()

    def put(self, line: bytes) -> None:
        with self._changed:
            if self._bytes + len(line) > self._max_bytes:
                self._lost += 1
                return
            self._waiting.append(line)
            self._bytes += len(line)
            self._changed.notify_all()

    def get(self) -> bytes:
        """The oldest one. It counts as waiting until it is `done`."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            return self._waiting[0]

    def done(self, *, written: bool) -> int:
        """Of the line that was got last. How many were lost that nobody has been told of: once all others are written,
        for those came before."""
        with self._changed:
            self._bytes -= len(self._waiting.popleft())
            self._changed.notify_all()
            if not written:
                self._lost += 1
                return 0
            if self._waiting:
                return 0
            lost, self._lost = self._lost, 0
            return lost

    def wait_written(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, seconds)


def _write(descriptor: int, line: bytes) -> None:
    """Waits for as long as it takes. Not by `sys.stderr`: a process could not end while a thread is within it. Raises
    OSError when there is nobody any more."""
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # whoever shares it with us has asked for that
            select.select((), (descriptor,), ())


def say_at_the_end(text: str) -> None:
    """To whoever started the program, behind the log's last line, unless standard error is a pipe that nobody reads."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    with suppress(OSError, ValueError):
        if select.select((), (sys.stderr,), (), 0)[1]:
            os.write(sys.stderr.fileno(), f"{text}\n".encode(errors="backslashreplace"))
