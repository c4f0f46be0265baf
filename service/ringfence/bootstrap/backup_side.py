"""The backups' side of the node: the schedule, and the alarm when the newest is too old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from ringfence.app.backup.faults import BackupFault
from ringfence.app.backup.keeper import BackupKeeper, BackupView, MadeBackup
from ringfence.app.backup.schedule import BackupTimes
from ringfence.app.notify.alarms import Alarm
from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.backup.files import found_in
from ringfence.bootstrap.backup_aside import BackupAside
from ringfence.config import Settings


class BackupSide:
    """Wired, not yet running. Without recipients nothing runs and nothing is shown."""

    def __init__(self, settings: Settings, config: Path | None, clock: Clock, on_change: Callable[[], None]) -> None:
        """`config`: the file that the settings are from; None where they are from none, and no other process can read
        them."""
        self._keeper: BackupKeeper | None = None
        said = settings.backup
        if said.recipients and config is not None:
            times = BackupTimes(said.times, settings.hr.time_zone, timedelta(hours=said.max_age_hours))
            shelf = FolderShelf(said.place(settings.state_dir), settings.node)
            self._keeper = BackupKeeper(times, BackupAside(config), shelf, clock, on_change)

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node, each by its name."""
        if self._keeper is not None:
            yield "backups", self._keeper.run

    def view(self) -> BackupView | None:
        return None if self._keeper is None else self._keeper.view

    def alarms(self) -> Iterator[Alarm]:
        view = self.view()
        if view is None or not view.late:
            return
        hours = round(view.max_age_seconds / 3600)
        newest = "There is none" if view.newest is None else f"The newest is of {view.newest.at:%Y-%m-%d %H:%M} UTC"
        why = f" {view.fault}" if view.fault else ""
        yield Alarm("backup", f"no backup is younger than {hours} hours", f"{newest}.{why}")


class FolderShelf:
    """Implements `app.backup.keeper.Shelf`."""

    def __init__(self, directory: Path, node: str) -> None:
        self._directory = directory
        self._node = node

    async def newest(self) -> MadeBackup | None:
        try:
            found = await asyncio.to_thread(found_in, self._directory, self._node)
        except OSError as error:
            raise BackupFault(
                f"{self._directory}: {error.strerror}.",
                "Give it to the service's account, or change [backup] directory.",
            ) from None
        return MadeBackup(found[0].at, found[0].size) if found else None
