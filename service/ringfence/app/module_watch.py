"""Whether Asterisk still has the modules that calls depend on: one may be unloaded, or be gone after an upgrade, and
every call that needs it fails while all of ours looks well.

It is told and nothing more: what a platform is worth says no module of ours, and another mode would need it as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from ringfence.app.ports import AsteriskError, Clock

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
"""Nobody tells us, so it is asked for again and again."""
SURE_SECONDS: Final = 5.0
"""An Asterisk that starts lets us in before it has loaded everything: what is missing is looked for twice."""
RETRY_SECONDS: Final = 1.0

_NONE: Final[frozenset[str]] = frozenset()


class Modules(Protocol):
    """The modules in Asterisk. May raise AsteriskError."""

    async def missing(self) -> frozenset[str] | None:
        """Those that are needed and not loaded. None: Asterisk does not say."""
        ...


class ModuleWatch:
    """`run` in the daemon's task group. While nobody can say, nothing is said to be missing."""

    def __init__(self, modules: Modules, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is told each edge and must not block."""
        self._modules = modules
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
                found = await self._modules.missing()
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
        if new := missing - self.missing:
            log.error("asterisk has not loaded a module that calls need", extra={"modules": sorted(new)})
        if back := self.missing - missing:
            log.info("asterisk has a module again that calls need", extra={"modules": sorted(back)})
        self.missing = missing
        self._changed()
