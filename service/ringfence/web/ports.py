"""What the HTTP API needs besides the operator's use cases."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ringfence.app.coverage_watch import Measured
from ringfence.app.directory_import import ImportPlan, StoredDirectory
from ringfence.app.hr.ports import CoverageRow, HrRun, Progress, RosterNote
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.directory_csv import CsvFiles
from ringfence.domain.hr.derivation import Conflict
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.hr.roster import Origin
from ringfence.domain.numbers import Did

if TYPE_CHECKING:
    from ringfence.app.hr.views import EntryField, PlanView, Rehearsal, SourceView


class Importer(Protocol):
    """Import and export of the directory; `DirectoryImport` is one. `bootstrap` gives one that also has the new
    directory compiled and published once it is stored."""

    async def plan(self, files: CsvFiles) -> ImportPlan:
        """Reads and compares; stores nothing. May raise StoreError."""
        ...

    async def apply(self, plan: ImportPlan, who: str, why: str) -> StoredDirectory:
        """Stores what the plan showed. Raises ImportRefused, VersionConflict, StoreError."""
        ...

    async def export(self) -> dict[str, str]:
        """File name -> CSV text, private numbers in clear. May raise StoreError."""
        ...


class Desk(Protocol):
    """What a person may ask and do with the roster; `app.hr.desk.RosterDesk` is one and says what each raises."""

    def sources(self) -> tuple[SourceView, ...]: ...

    async def plans(self, limit: int = 100, *, only_open: bool = True) -> list[PlanView]: ...

    async def plan(self, id_: int) -> PlanView: ...

    async def decide(
        self,
        plan_id: int,
        approve: bool,
        who: str,
        why: str,
        items: Collection[str] | None = None,
        fingerprint: str | None = None,
    ) -> PlanView: ...

    async def runs(self, limit: int, source: str | None = None) -> list[HrRun]: ...

    async def notes(self, limit: int, person: str | None = None) -> list[RosterNote]: ...

    async def person(self, key: str) -> PersonView: ...

    async def find(self, text: str, limit: int = 20) -> list[PersonView]: ...

    async def enter(
        self,
        key: str,
        field: EntryField,
        value: Any,
        *,
        origin: Origin,
        who: str,
        why: str,
        number: str | None = None,
    ) -> PersonView: ...

    async def forget(self, key: str, who: str, why: str) -> None: ...

    async def release_did(self, did: str, who: str, why: str) -> bool: ...

    def conflicts(self) -> tuple[Conflict, ...]: ...

    def unknown_dids(self) -> tuple[tuple[PersonKey, Did], ...]: ...


class Sync(Protocol):
    """Reads the HR sources on a person's word; `hr_sync.HrSync` is one."""

    async def sync(
        self, name: str | None, *, dry_run: bool, progress: Progress = lambda _done, _all: None
    ) -> list[HrRun | Rehearsal]: ...


class CoverageBook(Protocol):
    """Coverage now and before; `coverage_watch.CoverageWatch` is one."""

    async def current(self) -> Measured | None: ...

    async def history(self, limit: int) -> list[CoverageRow]: ...


@dataclass(slots=True)
class Reading:
    """How far a sync that a person ordered has come. `tell` is called from any thread."""

    busy: bool = False
    rows_done: int = 0
    rows_in_all: int | None = None

    def begin(self) -> None:
        self.busy, self.rows_done, self.rows_in_all = True, 0, None

    def tell(self, rows_done: int, rows_in_all: int | None) -> None:
        self.rows_done, self.rows_in_all = rows_done, rows_in_all

    def end(self) -> None:
        self.busy = False


@dataclass(frozen=True, slots=True)
class RosterDoor:
    """What the operations about people, HR sources and coverage need: one for all doors of a daemon, so that each sees
    the sync that was ordered at another. `rules` are those that numbers are checked by, the same as at an import.
    `directory` gives the directory in force, None while there is none. `zone` is the time zone (IANA) of sites that
    name none."""

    desk: Desk
    sync: Sync
    coverage: CoverageBook
    rules: CsvRules
    directory: Callable[[], Directory | None]
    zone: str
    reading: Reading = field(default_factory=Reading)
