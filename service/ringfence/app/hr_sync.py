"""Reads the HR sources on their timetable, and on a person's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.app.hr_ports import HrRun, HrSource, Progress
from ringfence.app.ports import Clock
from ringfence.app.roster_desk import RosterDesk
from ringfence.app.roster_views import Rehearsal


@dataclass(frozen=True, slots=True)
class Timetabled:
    """A source and how often it is read."""

    source: HrSource
    every_seconds: float


class HrSync:
    """Sources that are read; one that pushes (SCIM) is not among them."""

    def __init__(self, desk: RosterDesk, sources: Sequence[Timetabled], clock: Clock) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Reads every source when it is due, each for itself: a slow one does not delay the others."""
        raise NotImplementedError

    async def sync(
        self, name: str | None, *, dry_run: bool, progress: Progress = lambda _done, _all: None
    ) -> list[HrRun | Rehearsal]:
        """Reads one source now, or all of them (None), one after the other. A source with nothing new gives an
        UNCHANGED run that is not stored; one that fails gives its FAILED or REFUSED run and does not stop the others.
        Raises NotOurs for a name that is not configured."""
        raise NotImplementedError
