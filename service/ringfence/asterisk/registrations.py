"""Asterisk's own registrations with trunks, read at an interval: it tells nobody of them by ARI.

"Registered" stays so until a renewal fails, which may take an hour. So it counts as an answer only when it is new: when
it was not registered at the reading before, or when the time to the next renewal has grown, which only a renewal does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.app.ports import AsteriskError, Clock
from ringfence.asterisk.ami_link import AmiLink
from ringfence.domain.health import EvidenceKind, Observation, TargetId

INTERVAL_SECONDS: Final = 5.0
ACTION: Final = "PJSIPShowRegistrationsOutbound"
NONE_THERE: Final = "no outbound registrations found"
_LOST: Final = {
    "unregistered": "Asterisk is not registered there",
    "rejected": "it rejects Asterisk's registration",
    "stopped": "Asterisk has stopped its registration there",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """One registration at one reading. `next_seconds`: until the renewal; None: not told."""

    status: str
    next_seconds: int | None

    def renewed_since(self, before: _Seen | None) -> bool:
        if before is None or before.status != self.status:
            return True
        return self.next_seconds is not None and (before.next_seconds or 0) < self.next_seconds


class RegistrationReader:
    """Reads the registrations that are of interest (name -> the target it speaks for) and emits observations."""

    def __init__(
        self,
        link: AmiLink,
        registrations: Mapping[str, TargetId],
        clock: Clock,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._link = link
        self._registrations = registrations
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._before: dict[str, _Seen] = {}

    async def run(self, emit: Callable[[Observation], None]) -> None:
        """Reads until cancelled. While Asterisk does not answer nothing is emitted: that says nothing of a target."""
        while self._registrations:
            try:
                await self.read_all(emit)
            except AsteriskError:
                pass  # the link tells its own edge
            await self._clock.sleep(self._interval_seconds)
        await asyncio.Event().wait()  # nothing to read, and no reason to end

    async def read_all(self, emit: Callable[[Observation], None]) -> None:
        """Once over all of them. May raise AsteriskError."""
        reply = await self._link.ask(ACTION, {})
        if not reply.success and NONE_THERE not in reply.message.lower():
            return
        found = {row["objectname"]: _read(row) for row in reply.rows if row.get("objectname")}
        for name, target in self._registrations.items():
            passed, words = self._judged(found.get(name), self._before.get(name))
            emit(Observation(target, EvidenceKind.REGISTRATION, passed, self._clock.now(), words))
        self._before = found

    @staticmethod
    def _judged(seen: _Seen | None, before: _Seen | None) -> tuple[bool | None, str]:
        if seen is None:
            return None, "Asterisk has no registration of this name"
        if seen.status == "registered":
            left = "" if seen.next_seconds is None else f", the next time in {seen.next_seconds} s"
            return True if seen.renewed_since(before) else None, f"Asterisk is registered there{left}"
        if seen.status in _LOST:
            return False, _LOST[seen.status]
        return None, "in a state this release of Ringfence does not know"


def _read(row: Mapping[str, str]) -> _Seen:
    left = row.get("nextreg", "").strip()
    return _Seen(row.get("status", "").strip().lower(), int(left) if left.isascii() and left.isdecimal() else None)
