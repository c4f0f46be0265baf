"""Whether Asterisk has our dialplan at all: without it everything of ours is well, and no call comes to us."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from ringfence.app.loss_watch import LossWatch
from ringfence.app.ports import Clock

log = logging.getLogger(__name__)

_GONE: Final = frozenset({"dialplan"})


class LoadedDialplan(Protocol):
    """The dialplan in Asterisk. May raise AsteriskError."""

    async def is_there(self) -> bool | None:
        """None: Asterisk cannot say."""
        ...


def dialplan_watch(dialplan: LoadedDialplan, clock: Clock, changed: Callable[[], None]) -> LossWatch:
    """The dialplan is there or missing as a whole."""

    async def look() -> frozenset[str] | None:
        there = await dialplan.is_there()
        return None if there is None else frozenset() if there else _GONE

    return LossWatch(look, _tell, clock, changed)


def _tell(missing: frozenset[str], back: frozenset[str]) -> None:
    if missing:
        log.error("asterisk runs without our dialplan, no call comes to us")
    if back:
        log.info("asterisk has our dialplan again")
