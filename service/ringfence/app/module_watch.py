"""Whether Asterisk still has the modules that calls depend on: one may be unloaded, or be gone after an upgrade, and
every call that needs it fails while all of ours looks well.

It is told and nothing more: what a platform is worth says no module of ours, and another mode would need it as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from ringfence.app.loss_watch import LossWatch
from ringfence.app.ports import Clock

log = logging.getLogger(__name__)


class Modules(Protocol):
    """The modules in Asterisk. May raise AsteriskError."""

    async def missing(self) -> frozenset[str] | None:
        """Those that are needed and not loaded. None: Asterisk does not say."""
        ...


def module_watch(modules: Modules, clock: Clock, changed: Callable[[], None]) -> LossWatch:
    """Each module may be missing by itself."""
    return LossWatch(modules.missing, _tell, clock, changed)


def _tell(missing: frozenset[str], back: frozenset[str]) -> None:
    if missing:
        log.error("asterisk has not loaded a module that calls need", extra={"modules": sorted(missing)})
    if back:
        log.info("asterisk has a module again that calls need", extra={"modules": sorted(back)})
