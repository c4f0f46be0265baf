"""A log that nobody reads: whoever speaks goes on, and what was lost is told afterwards. With real pipes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from ringfence.bootstrap import log_writer
from ringfence.bootstrap.log_writer import MAX_WAITING_BYTES, LogWriter

LINES = 5_000
"""Some 100 KiB: more than a pipe holds."""


@dataclass
class Pipe:
    """`log` writes into it, and nobody reads it unless a test does."""

    log: logging.Logger
    writer: LogWriter
    reader: BinaryIO

    def say(self) -> None:
        for number in range(LINES):
            self.log.info("said", extra={"lines": f"number {number}"})

    def line(self) -> dict[str, Any]:
        return dict(json.loads(self.reader.readline()))


@contextmanager
def pipe(max_bytes: int) -> Iterator[Pipe]:
    reading, writing = os.pipe()
    log, writer = logging.getLogger(log_writer.__name__), LogWriter(writing, max_bytes)
    writer.setFormatter(logging.Formatter('{"event": "%(message)s", "lines": "%(lines)s"}'))
    log.addHandler(writer)
    log.setLevel(logging.INFO)
    try:
        with os.fdopen(reading, "rb") as reader:
            yield Pipe(log, writer, reader)
    finally:
        log.removeHandler(writer)
        log.setLevel(logging.NOTSET)


def test_nobody_waits_for_a_reader_and_nothing_is_lost_that_has_room() -> None:
    with pipe(MAX_WAITING_BYTES) as read_later:
        read_later.say()
        said = [read_later.line()["lines"] for _ in range(LINES)]
    assert said == [f"number {number}" for number in range(LINES)]


def test_what_had_no_room_is_counted_and_told_when_somebody_reads_again() -> None:
    said, lost = list[str](), 0
    with pipe(10_000) as read_later:
        read_later.say()
        while len(said) + lost < LINES:
            line = read_later.line()
            if line["event"] == "said":
                said.append(line["lines"])
            else:
                assert line["event"] == "lines of the log were lost, for nobody read them"
                lost += int(line["lines"])
    assert len(said) + lost == LINES and lost > 0
    assert said == sorted(said, key=lambda words: int(words.split()[-1])), "what is kept stays in order"


def test_a_reader_that_is_gone_stops_nobody() -> None:
    with pipe(10_000) as gone:
        gone.reader.close()
        gone.say()
        gone.writer.flush()  # everything was tried, and nothing raised


def test_a_process_ends_without_a_reader() -> None:
    """The interpreter waits for nobody who holds its own standard error."""
    child = (  # 130 KiB
        "import logging; from ringfence.bootstrap.log_form import log_as_json; log_as_json()\n"
        "for n in range(1_000): logging.getLogger('ringfence').info('said', extra={'number': n})"
    )
    with subprocess.Popen([sys.executable, "-c", child], stderr=subprocess.PIPE) as process:
        assert process.wait() == 0
