"""Changes that are decided and published but not yet stored, in one small synced file beside the database.

The file keeps its size: it is filled with spaces when it is made, so that a full disk cannot refuse the one line that
matters. Lines are JSON, oldest first; a torn last line, from a crash in mid-write, is skipped and counted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from ringfence.app.once_mark import OnceMark
from ringfence.app.ports import OutageChange, StoreUnavailable
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, ScopeState, Signal, Transition
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause
from ringfence.store.override_json import aware, override_json, read_override, read_target, target_json

log = logging.getLogger(__name__)

RESERVED_BYTES = 256 * 1024
_T = TypeVar("_T")


class FileSpool:
    """The `Spool` port on a file. All of it is rewritten each time: it holds a handful of lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def append(self, change: OutageChange) -> None:
        async with self._lock:
            self._lines[change.key] = json.dumps(_to_json(change), separators=(",", ":"))
            await self._in_thread(self._write)

    async def waiting(self, now: Moment) -> list[OutageChange]:
        async with self._lock:
            text = await self._in_thread(self._read)
            changes = []
            for line in text.splitlines():
                if not line.strip():
                    continue
                try:
                    change = _from_json(json.loads(line), now)
                except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError) as error:
                    log.error("a spooled change cannot be read and is skipped", extra={"reason": str(error)})
                    continue
                self._lines[change.key] = line
                changes.append(change)
            return changes

    async def remove(self, keys: Sequence[str]) -> None:
        async with self._lock:
            gone = [key for key in keys if self._lines.pop(key, None) is not None]
            if gone:
                await self._in_thread(self._write)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise StoreUnavailable(
                f"The spool {self._path} cannot be used: {error.strerror}.", "Check the disk and the file's owner."
            ) from error

    def _read(self) -> str:
        self._reserve()
        return self._path.read_bytes().decode(errors="replace")

    def _reserve(self) -> None:
        """Takes the room while there is some. A file that is there already keeps its content."""
        if self._path.exists() and self._path.stat().st_size >= RESERVED_BYTES:
            return
        held = self._path.read_bytes() if self._path.exists() else b""
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.write(held.ljust(RESERVED_BYTES))
            file.flush()
            os.fsync(file.fileno())

    def _write(self) -> None:
        # In place: a new file and a rename would need room that a full disk does not have.
        content = "".join(f"{line}\n" for line in self._lines.values()).encode()
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.write(content.ljust(RESERVED_BYTES))
            file.flush()
            os.fdatasync(file.fileno())


def _to_json(change: OutageChange) -> dict[str, Any]:
    state, transition, override, released = (
        change.state,
        change.transition,
        change.override_set,
        change.override_released,
    )
    return {
        "key": change.key,
        "who": change.who,
        "why": change.why,
        "at": _time(change.at),
        "state": state
        and {
            "scope": state.scope,
            "mode": state.mode,
            "since": _time(state.since.wall),
            "reason": state.reason,
            "cause": state.cause,
            "bad_trials": state.bad_trials,
            "version": state.version,
        },
        "transition": transition
        and {
            "scope": transition.scope,
            "before": transition.before,
            "after": transition.after,
            "signal": transition.signal,
            "reason": transition.reason,
            "at": _time(transition.at.wall),
            "evidence": transition.evidence,
            "version": transition.version,
        },
        "set": override and override_json(override),
        "released": released and target_json(released),
        "expired": change.expired,
        "by": change.by,
        "once": change.once and {"key": change.once.key, "request": change.once.request},
    }


def _from_json(raw: dict[str, Any], now: Moment) -> OutageChange:
    state, transition, override, released = (raw[name] for name in ("state", "transition", "set", "released"))
    once = raw.get("once")
    return OutageChange(
        key=str(raw["key"]),
        who=str(raw["who"]),
        why=str(raw["why"]),
        at=_read_time(raw["at"]),
        state=state
        and ScopeState(
            scope=state["scope"],
            mode=Mode(state["mode"]),
            since=now.at_wall(aware(state["since"])),
            reason=Reason(state["reason"]),
            cause=state["cause"] and Cause(state["cause"]),
            bad_trials=int(state["bad_trials"]),
            version=int(state["version"]),
        ),
        transition=transition
        and Transition(
            scope=transition["scope"],
            before=Mode(transition["before"]),
            after=Mode(transition["after"]),
            signal=Signal(transition["signal"]),
            reason=Reason(transition["reason"]),
            at=now.at_wall(aware(transition["at"])),
            evidence=tuple(transition["evidence"]),
            version=int(transition["version"]),
        ),
        override_set=override and read_override(override),
        override_released=released and read_target(released),
        expired=bool(raw.get("expired", False)),  # an earlier version did not write it
        by=str(raw.get("by", "")),
        once=once and OnceMark(key=str(once["key"]), request=str(once["request"])),
    )


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
