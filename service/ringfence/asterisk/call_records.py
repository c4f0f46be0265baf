"""Asterisk's own call records, read for a time in which nobody heard its events (`incident_ports.CallRecords`).

The dialplan writes into each call's `userfield` what it also tells by an event (docs/reference/events.md). The file may
be gigabytes long and go on growing: only its end is read, in a thread, and never all of it at once. Whatever else is in
a row may have been chosen by a stranger's telephone, so the columns are taken by their place and nothing else.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final, cast
from urllib.parse import quote

from ringfence.app.incident_ports import Found, RecordsUnreadable
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.events import call_record
from ringfence.asterisk.vocabulary import Field
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import Span
from ringfence.domain.moment import Moment

SCHEMA: Final = "rf1"
OUR_CONTEXTS: Final = "ringfence-"

MAX_BYTES: Final = 512 << 20  # read in all for one time: over a million calls
MAX_FILES: Final = 20
MAX_LINE_BYTES: Final = 16 << 10
PORTION_CALLS: Final = 200  # few enough that storing one holds nobody up
STEP_BYTES: Final = 1 << 20  # how far apart the places are at which a file is asked how old it is
PROBE_BYTES: Final = 64 << 10
# Rows are written as calls end, but not quite in that order.
DISORDER: Final = timedelta(minutes=2)

# The columns of cdr_csv (src is the second), and of our three alone through cdr_custom.
_COLUMNS: Final = dict.fromkeys(range(18, 22), (1, 16, 17)) | {3: (0, 1, 2)}
_CONTEXT_COLUMN: Final = 3
_UNIQUE_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}")
_ROTATED: Final = re.compile(r"(\.[0-9]{1,3}|-[0-9]{6,12})(\.gz)?")
_FIELDS: Final = (
    Field.DID,
    Field.TRUNK,
    Field.SCOPE,
    Field.DECISION,
    Field.PATH,
    Field.REASON,
    Field.STEP,
    Field.ANSWERED_BY,
    Field.RESULT,
    Field.PLATFORM_STATUS,
    Field.STARTED,
    Field.RINGING,
    Field.ENDED,
)
_NOBODYS_TIME: Final = Moment(datetime(1970, 1, 1, tzinfo=UTC), 0.0)


class CdrFile:
    """The file that `cdr_csv` or `cdr_custom` writes, with those it was rotated to."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes

    async def read(self, span: Span) -> AsyncIterator[Sequence[CallRecord] | Found]:
        """Implements `incident_ports.CallRecords`."""
        reading = _Reading(self._path, span, self._max_bytes)
        portions = reading.portions()
        while (portion := await asyncio.to_thread(_next, portions, self._path)) is not None:
            yield portion
        yield Found(reading.trouble())


def _next(portions: Iterator[list[CallRecord]], path: Path) -> list[CallRecord] | None:
    try:
        return next(portions, None)
    except (OSError, EOFError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecordsUnreadable(
            f"Asterisk's call records in {path} cannot be read: {words}.",
            "See docs/howto/after-an-outage.md for how to have them written.",
        ) from error


def read_row(line: str) -> CallRecord | None:
    """The call that one line tells of; None for every other line, whole or torn."""
    fields = _split(line)
    columns = _COLUMNS.get(len(fields))
    if columns is None:
        return None
    src, unique_id, ours = (fields[column] for column in columns)
    values = ours.split("|")
    if values[0] != SCHEMA or len(values) != len(_FIELDS) + 2 or not _UNIQUE_ID.fullmatch(unique_id):
        return None
    told = dict(zip(_FIELDS, values[1:], strict=False))
    if not told[Field.ENDED]:
        return None
    told[Field.CALL] = unique_id
    told[Field.CALLER] = "" if values[-1] else src
    try:
        return call_record({name: quote(value, safe="") for name, value in told.items()}, _NOBODYS_TIME)
    except MalformedEvent:
        return None


def _opened(file: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file, "rb")) if file.suffix == ".gz" else file.open("rb")


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


@dataclass(slots=True)
class _Reading:
    """One pass over the files that may hold something of the span."""

    path: Path
    span: Span
    budget_bytes: int
    exhausted: bool = False
    calls: int = 0
    ours_without: int = 0
    last_written: datetime | None = None

    def portions(self) -> Iterator[list[CallRecord]]:
        """Calls that ended within the span. Raises OSError."""
        portion: list[CallRecord] = []
        for file in self._files():
            for line in self._lines(file):
                record = read_row(line)
                if record is None:
                    fields = _split(line)
                    self.ours_without += len(fields) > _CONTEXT_COLUMN and fields[_CONTEXT_COLUMN].startswith(
                        OUR_CONTEXTS
                    )
                    continue
                self.calls += 1
                if self.span.since <= record.ended_at <= self.span.until:
                    portion.append(record)
                if len(portion) == PORTION_CALLS:
                    yield portion
                    portion = []
        if portion:
            yield portion

    def trouble(self) -> str:
        """Why the calls of the span may not all be there."""
        if self.exhausted:
            return f"{self.path} holds more than can be read: the end of this time is missing"
        if self.ours_without and not self.calls:
            return f"{self.path} has no column of ours: set loguniqueid and loguserfield in cdr.conf to yes"
        if self.last_written is not None and self.last_written < self.span.since:
            return (
                f"{self.path} was last written to at {self.last_written:%Y-%m-%d %H:%M:%S} UTC, before this time began"
            )
        return ""

    def _files(self) -> list[Path]:
        """Those that were still written to when the span began, oldest first. Raises OSError when there is none."""
        self.path.stat()
        rotated = [
            file
            for file in self.path.parent.iterdir()
            if file.name.startswith(self.path.name) and _ROTATED.fullmatch(file.name.removeprefix(self.path.name))
        ]
        since = self.span.since.timestamp()
        written = [(file.stat().st_mtime, file) for file in (*rotated, self.path)]
        self.last_written = datetime.fromtimestamp(max(at for at, _ in written), UTC)
        recent = sorted((at, file) for at, file in written if at >= since)
        return [file for _, file in recent][-MAX_FILES:]

    def _lines(self, file: Path) -> Iterator[str]:
        """From shortly before the span to the end. A line without an end is being written, or was torn: left out."""
        compressed = file.suffix == ".gz"
        with _opened(file) as stream:
            if not compressed:
                stream.seek(self._start(stream))
            while self.budget_bytes > 0:
                line = stream.readline(MAX_LINE_BYTES)
                self.budget_bytes -= len(line)
                if not line:
                    return
                if line.endswith(b"\n"):
                    yield line.decode(errors="replace")
        self.exhausted = True

    def _start(self, stream: IO[bytes]) -> int:
        """A place from which on nothing of the span is missed: step by step back from the end, until a row is older."""
        end = stream.seek(0, os.SEEK_END)
        for place in range(end - STEP_BYTES, 0, -STEP_BYTES):
            stream.seek(place)
            found = self._first_call(stream.read(PROBE_BYTES))
            if found is not None and found.ended_at < self.span.since - DISORDER:
                return place
        return 0

    def _first_call(self, block: bytes) -> CallRecord | None:
        lines = block.decode(errors="replace").split("\n")[1:-1]  # the outer two are torn by us
        return next((record for line in lines if (record := read_row(line)) is not None), None)
