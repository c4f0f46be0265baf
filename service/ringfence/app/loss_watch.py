"""Whether Asterisk still has what calls need of it: it may be gone while all of ours looks well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ringfence.app.ports import AsteriskError, Clock

LOOK_SECONDS: Final = 10.0
"""Nobody tells us, of a reload, say, so it is asked for again and again."""
SURE_SECONDS: Final = 5.0
"""An Asterisk that starts lets us in before it has read and loaded everything: what is missing is looked for twice."""
RETRY_SECONDS: Final = 1.0

_NONE: Final[frozenset[str]] = frozenset()


class LossWatch:
    """`run` in the daemon's task group. While nobody can say, nothing is said to be missing."""

    def __init__(
        self,
        look: Callable[[], Awaitable[frozenset[str] | None]],
        tell: Callable[[frozenset[str], frozenset[str]], None],
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        """`look` says what is missing, None: Asterisk cannot say; it may raise AsteriskError. `tell` is given what is
        missing now, and what is back; `changed` is told each edge and must not block."""
        self._look = look
        self._tell = tell
        self._clock = clock
        self._changed = changed
        self._seen_missing = _NONE
        self.missing = _NONE

    def forget(self) -> None:
        """Asterisk went away, and comes back with who knows what."""
        self._seen_missing = _NONE
        if self.missing:
            self.missing = _NONE
            self._changed()

    async def run(self) -> None:
        while True:
            try:
                found = await self._look()
            except AsteriskError:
                # The connection reports its own edge.
                self.forget()
                await self._clock.sleep(RETRY_SECONDS)
                continue
            if found is None:
                self.forget()
            else:
                self._take(found)
            await self._clock.sleep(SURE_SECONDS if self._seen_missing != self.missing else LOOK_SECONDS)

    def _take(self, found: frozenset[str]) -> None:
        missing, self._seen_missing = found & (self._seen_missing | self.missing), found
        if missing == self.missing:
            return
        self._tell(missing - self.missing, self.missing - missing)
        self.missing = missing
        self._changed()
