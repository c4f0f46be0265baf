"""Call records that the database would not take, in files beside it until it does (`ports.CallSpool`).

Files of at most SEGMENT_ROWS lines of JSON, oldest first by their names: the newest is appended to and synced, the
oldest is read, stored and removed. So what waits costs disk and no memory, and outlives the daemon. An hour at ten
calls a second is some 15 MB. A torn last line, from a crash in mid-write, is skipped.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.store.json_fields import (
    as_fields,
    as_moment,
    as_object,
    as_one_of,
    as_string,
    as_whole,
    of_text,
    or_nothing,
)

log = logging.getLogger(__name__)

SEGMENT_ROWS: Final = 500
MAX_SEGMENTS: Final = 600  # some 100 MB: eight hours at ten calls a second

_T = TypeVar("_T")


class FileCallSpool:
    """One directory. Whatever else lies in it is left alone."""

    def __init__(self, directory: Path, max_segments: int = MAX_SEGMENTS) -> None:
        self._directory = directory
        self._max_segments = max_segments
        self._rows: dict[Path, int] = {}  # of the segments of this life; one found at the start is never added to
        self._lock = asyncio.Lock()

    async def append(self, calls: Sequence[CallRecord]) -> Sequence[CallRecord]:
        return await self._alone(lambda: self._append(calls))

    async def oldest(self) -> Sequence[CallRecord] | None:
        return await self._alone(self._oldest)

    async def remove_oldest(self) -> None:
        await self._alone(lambda: self._remove_oldest())

    async def _alone(self, work: Callable[[], _T]) -> _T:
        async with self._lock:
            try:
                return await asyncio.to_thread(work)
            except OSError as error:
                raise StoreUnavailable(
                    f"Call records cannot be kept in {self._directory}: {error.strerror}.",
                    "Check the disk and the folder's owner.",
                ) from error

    def _append(self, calls: Sequence[CallRecord]) -> Sequence[CallRecord]:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        lines = "".join(f"{_line(call)}\n" for call in calls).encode()
        segment = self._open_segment()
        with os.fdopen(os.open(segment, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
            length = file.seek(0, os.SEEK_END)
            try:
                file.write(lines)
                os.fdatasync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), length)  # a full disk took a part: none of it is to be stored twice
                raise
        self._rows[segment] = self._rows.get(segment, 0) + len(calls)
        given_up: list[CallRecord] = []
        for old in self._segments()[: -self._max_segments]:
            given_up += _read(old)
            self._drop(old)
        return given_up

    def _open_segment(self) -> Path:
        """The newest while it is ours and has room, else a new one behind all others."""
        segments = self._segments()
        if segments and 0 < self._rows.get(segments[-1], 0) < SEGMENT_ROWS:
            return segments[-1]
        number = int(segments[-1].stem) + 1 if segments else 1
        return self._directory / f"{number:010}.jsonl"

    def _oldest(self) -> Sequence[CallRecord] | None:
        segments = self._segments()
        if not segments:
            return None
        self._rows.pop(segments[0], None)  # nothing is added to it any more
        return _read(segments[0])

    def _remove_oldest(self) -> None:
        if segments := self._segments():
            self._drop(segments[0])

    def _drop(self, segment: Path) -> None:
        segment.unlink(missing_ok=True)
        self._rows.pop(segment, None)

    def _segments(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        return sorted(path for path in self._directory.glob("*.jsonl") if path.stem.isdigit())


def _line(call: CallRecord) -> str:
    return json.dumps({name: getattr(call, name) for name in CallRecord.__slots__}, default=datetime.isoformat)


def _read(segment: Path) -> list[CallRecord]:
    calls = []
    for line in segment.read_bytes().decode(errors="replace").splitlines():
        try:
            calls.append(CallRecord(**as_fields(_LATER | as_object(of_text(line)), _FIELDS, required=True)))
        except ValueError as error:
            log.error("a call record that waited cannot be read and is skipped", extra={"reason": type(error).__name__})
    return calls


_LATER: Final = {"would": "", "answered_after_ms": None}
"""What the versions before did not write."""
_FIELDS: Final = {
    **dict.fromkeys(
        ("call_id", "did", "trunk", "scope", "caller", "decision", "path", "reason", "result", "would"), as_string
    ),
    **dict.fromkeys(("step", "duration_ms"), as_whole),
    **dict.fromkeys(("platform_status", "ringing_after_ms", "answered_after_ms"), or_nothing(as_whole)),
    "ended_at": as_moment,
    "answered_by": as_one_of(AnsweredBy),
}
