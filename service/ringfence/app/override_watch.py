"""Tells people before an override ends, so that nobody is surprised by the automatic. That it has ended is told from
the history, as every change is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from ringfence.app.notify.ports import Tells
from ringfence.app.ports import Clock
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.override import Override

LOOK_SECONDS: Final = 5.0


class OverrideWatch:
    """`words`: those that stand."""

    def __init__(
        self, clock: Clock, words: Callable[[], Collection[Override]], tells: Tells, before: timedelta
    ) -> None:
        self._clock = clock
        self._words = words
        self._tells = tells
        self._before = before
        self._told: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One round of `run`. A word that is shorter than the time before its end is not told of: whoever gave it has
        just done so. After a restart the same key is told again, which reaches nobody twice."""
        now = self._clock.now().wall
        standing: set[str] = set()
        for word in list(self._words()):
            until = word.until
            if until is None or not until - self._before <= now < until or until - word.set_at <= self._before:
                continue
            key = f"override-ends:{word.id or f'{word.target}:{word.set_at.isoformat()}'}:{until.isoformat()}"
            standing.add(key)
            if key not in self._told:
                self._told.add(key)
                await self._tells.tell(_notice(key, word, now=now))
        self._told &= standing


def _notice(key: str, word: Override, now: datetime) -> Notice:
    assert word.until is not None
    until, since = word.until.astimezone(UTC), word.set_at.astimezone(UTC)
    return Notice(
        key,
        NoticeKind.OVERRIDE_ENDS,
        Severity.INFO,
        now,
        f"{word.target.words}: the override ({word.kind}) ends at {until:%H:%M} UTC",
        f"Set by {word.who}, stands since {since:%Y-%m-%d %H:%M} UTC: {word.why}. It ends at {until:%Y-%m-%d %H:%M} "
        "UTC, then the automatic decides again; to go on, give the order anew with another end.",
        word.target.scope or "",
    )
