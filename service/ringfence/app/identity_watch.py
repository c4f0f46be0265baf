"""Knows which identity each egress trunk takes, so that people can see it: the data plane learns it without us.

An event tells at once. What was learnt while we were away, or forgotten, stands in AstDB, which is read at the start
and again at an interval.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from ringfence.app.ports import AstDb, AsteriskError, Clock, IdentityLearnt
from ringfence.domain.identities import LearntIdentity, decode_identity
from ringfence.domain.record_text import RecordError

log = logging.getLogger(__name__)

READ_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 2.0


class IdentityWatch:
    """`retry_hours` by egress trunk: after so many a refused identity is tried again. `changed` must not block."""

    def __init__(self, astdb: AstDb, clock: Clock, retry_hours: Mapping[str, int], changed: Callable[[], None]) -> None:
        self._astdb = astdb
        self._clock = clock
        self._retry = {trunk: timedelta(hours=hours) for trunk, hours in retry_hours.items()}
        self._changed = changed
        self._known: dict[str, LearntIdentity] = {}

    def note(self, learnt: IdentityLearnt) -> None:
        """Told by the event stream. A trunk that was taken out of the configuration is nobody's any more."""
        if (retry := self._retry.get(learnt.trunk)) is not None:
            at = learnt.at.wall
            self._take(LearntIdentity(learnt.trunk, learnt.rung, learnt.status, at, at + retry))

    def learnt(self) -> tuple[LearntIdentity, ...]:
        """What holds now."""
        now = self._clock.now().wall
        return tuple(known for _, known in sorted(self._known.items()) if known.learnt_at <= now < known.until)

    async def run(self) -> None:
        while True:
            try:
                for trunk in self._retry:
                    self._read(trunk, await self._astdb.get(f"identity/{trunk}"))
            except AsteriskError:
                # The connection reports its own edge.
                await self._clock.sleep(RETRY_SECONDS)
                continue
            await self._clock.sleep(READ_SECONDS)

    def _read(self, trunk: str, value: str | None) -> None:
        try:
            found = None if value is None else decode_identity(trunk, value, self._retry[trunk])
        except RecordError:
            found = None  # the dialplan takes it for absent, too
        if found is not None and found.until > self._clock.now().wall:
            self._take(found)
        elif (known := self._known.pop(trunk, None)) is not None:
            log.info("the first identity is tried again", extra={"trunk": trunk, "rung": known.rung})
            self._changed()

    def _take(self, found: LearntIdentity) -> None:
        before = self._known.get(found.trunk)
        self._known[found.trunk] = found
        if before is None or (before.rung, before.status) != (found.rung, found.status):
            log.warning(
                "a carrier refuses our identity, calls by its trunk begin with another",
                extra={"trunk": found.trunk, "rung": found.rung, "status": found.status},
            )
            self._changed()
