"""The daemon's schedule at work: makes a backup when one is due, and knows how old the newest is.

It never touches a call: what goes wrong here is told to people, and tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from ringfence.app.backup.schedule import BackupTimes, is_due, is_late, next_due
from ringfence.app.ports import Clock, RingfenceError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """`size` in bytes, `rows` in all tables together; unknown (0) of one that was only found."""

    at: datetime
    size: int
    rows: int = 0


class Maker(Protocol):
    """Makes one backup and removes the oldest."""

    async def make(self) -> MadeBackup:
        """Raises RingfenceError."""
        ...


class Shelf(Protocol):
    """Where the backups lie."""

    async def newest(self) -> MadeBackup | None:
        """Raises RingfenceError when nobody can tell."""
        ...


@dataclass(frozen=True, slots=True)
class BackupView:
    """`newest`: None while none is known. `late`: there is none young enough. `fault`: why the last attempt failed,
    empty when it did not."""

    newest: MadeBackup | None = None
    due: datetime | None = None
    late: bool = False
    fault: str = ""
    max_age_seconds: float = 0.0


class BackupKeeper:
    """Runs for as long as the node. `on_change` is told when what is shown has changed."""

    def __init__(
        self, times: BackupTimes, maker: Maker, shelf: Shelf, clock: Clock, on_change: Callable[[], None]
    ) -> None:
        self._times = times
        self._maker = maker
        self._shelf = shelf
        self._clock = clock
        self._on_change = on_change
        self._view = BackupView(max_age_seconds=times.max_age.total_seconds())

    @property
    def view(self) -> BackupView:
        return self._view

    async def run(self) -> None:
        """For ever. A failure is logged once, until it succeeds again."""
        while True:
            pause = await self.look()
            await self._clock.sleep(pause)

    async def look(self) -> float:
        """One round; how long to wait for the next, in seconds."""
        now = self._clock.now().wall
        try:
            newest = await self._shelf.newest()
            if is_due(self._times, None if newest is None else newest.at, now):
                newest = await self._maker.make()
                log.info("backup made", extra={"bytes": newest.size, "rows": newest.rows})
        except RingfenceError as error:
            if not self._view.fault:
                log.error("no backup could be made", extra={"reason": str(error)})
            self._show(self._view.newest, str(error))
            return AGAIN_SECONDS
        self._show(newest, "")
        return LOOK_SECONDS

    def _show(self, newest: MadeBackup | None, fault: str) -> None:
        now = self._clock.now().wall
        late = is_late(self._times, None if newest is None else newest.at, now)
        view = replace(self._view, newest=newest, due=next_due(self._times, now), late=late, fault=fault)
        if view != self._view:
            self._view = view
            self._on_change()
