"""Import and export of the directory: files read elsewhere, planned here, applied all or nothing.

`plan` changes nothing and is what `--dry-run` shows; `apply` stores exactly the plan that was shown, or refuses when
the directory has changed since. Reading and comparing 10,000 rows takes about a second, so it runs in a thread: the
event loop has calls to watch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ringfence.app.ports import Clock, RingfenceError
from ringfence.domain.audit import masked
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.csv_text import Problem
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import (
    CsvFiles,
    Reading,
    read_directory,
    render_dids,
    render_people,
    render_sites,
    render_teams,
)
from ringfence.domain.directory_diff import DirectoryDiff, compare

MAX_TOLD_ERRORS: Final = 20
GREAT_CHANGE_PERCENT: Final = 20
GREAT_CHANGE_MIN: Final = 10


@dataclass(frozen=True, slots=True)
class StoredDirectory:
    """A directory and the version under which it is stored; 0 is the empty one of a new database."""

    directory: Directory
    version: int


class DirectoryStore(Protocol):
    """The directory. May raise StoreError."""

    async def load(self) -> StoredDirectory: ...

    async def replace(
        self, before: StoredDirectory, after: Directory, who: str, why: str, at: datetime
    ) -> StoredDirectory:
        """All or nothing. Raises VersionConflict when the stored directory is no longer `before`."""
        ...


class ImportRefused(RingfenceError):
    """The files hold errors; nothing was stored."""

    def __init__(self, errors: Sequence[Problem]) -> None:
        told = "\n".join(str(problem) for problem in errors[:MAX_TOLD_ERRORS])
        rest = f"\n... and {len(errors) - MAX_TOLD_ERRORS} more" if len(errors) > MAX_TOLD_ERRORS else ""
        super().__init__(f"{told}{rest}\n{counted(len(errors))}, nothing was imported.", "Correct and try again.")
        self.errors = tuple(errors)


def counted(errors: int) -> str:
    """`1 error`, `2 errors`."""
    return "1 error" if errors == 1 else f"{errors} errors"


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. `diff` is None when `reading` holds an error; `cautions` are sentences about the
    whole."""

    before: StoredDirectory
    reading: Reading
    diff: DirectoryDiff | None
    cautions: tuple[str, ...] = ()


class DirectoryImport:
    """The use case behind `ringfence import` and `ringfence export`."""

    def __init__(self, store: DirectoryStore, clock: Clock, rules: CsvRules) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules

    async def plan(self, files: CsvFiles) -> ImportPlan:
        """Reads and compares; stores nothing. May raise StoreError."""
        before = await self._store.load()
        reading, diff = await asyncio.to_thread(_read, files, before.directory, self._rules)
        after = reading.directory
        cautions = () if diff is None or after is None else tuple(_cautions(before.directory, after, diff))
        return ImportPlan(before, reading, diff, cautions)

    async def apply(self, plan: ImportPlan, who: str, why: str) -> StoredDirectory:
        """Stores what the plan showed. Raises ImportRefused, VersionConflict, StoreError."""
        if plan.reading.directory is None:
            raise ImportRefused(plan.reading.errors)
        # What people write is read by everybody who may see the history.
        return await self._store.replace(plan.before, plan.reading.directory, who, masked(why), self._clock.now().wall)

    async def export(self) -> dict[str, str]:
        """File name -> CSV text, private numbers in clear. May raise StoreError."""
        directory = (await self._store.load()).directory
        return await asyncio.to_thread(_render, directory)


def _read(files: CsvFiles, current: Directory, rules: CsvRules) -> tuple[Reading, DirectoryDiff | None]:
    reading = read_directory(files, current, rules)
    return reading, None if reading.directory is None else compare(current, reading.directory)


def _render(directory: Directory) -> dict[str, str]:
    return {
        "people.csv": render_people(directory),
        "dids.csv": render_dids(directory),
        "sites.csv": render_sites(directory),
        "teams.csv": render_teams(directory),
    }


def _cautions(before: Directory, after: Directory, diff: DirectoryDiff) -> list[str]:
    """A file that was cut short looks like many leavers at once. DIDs count one by one, also those of a range."""
    gone = before.assignments.keys() - after.assignments.keys()
    found = []
    for what, removed, held in (
        ("people", len(diff.people.removed), len(before.people)),
        ("DIDs", len(gone), len(before.assignments)),
        ("sites", len(diff.sites.removed), len(before.sites)),
        ("teams", len(diff.teams.removed), len(before.teams)),
    ):
        if removed >= GREAT_CHANGE_MIN and removed * 100 > held * GREAT_CHANGE_PERCENT:
            found.append(f"removes {removed} of {held} {what}: is the file whole?")
    return found
