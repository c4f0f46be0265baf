"""What the HTTP API needs besides the operator's use cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ringfence.app.directory_import import ImportPlan, StoredDirectory
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFiles

if TYPE_CHECKING:
    from ringfence.app.access.desk import AccessDesk
    from ringfence.app.audit import AuditBook, Auditor
    from ringfence.app.audit_anchors import AnchorKeeper
    from ringfence.app.coverage_watch import CoverageWatch
    from ringfence.app.hr.desk import RosterDesk
    from ringfence.app.hr.sync import HrSync
    from ringfence.app.incident_evidence import EvidenceRoom
    from ringfence.app.incidents import IncidentDesk
    from ringfence.app.notify.desk import NoticeDesk
    from ringfence.app.once import Once
    from ringfence.app.operator import Operator
    from ringfence.app.outgoing_watch import OutgoingWatch
    from ringfence.app.override_desk import OverrideDesk
    from ringfence.app.override_preview import OverridePreview
    from ringfence.app.reveal import Revealer
    from ringfence.app.shadow_report import ShadowDesk
    from ringfence.app.simulating import Simulator
    from ringfence.web.sign_in_door import SignInDoor


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

    desk: RosterDesk
    sync: HrSync
    coverage: CoverageWatch
    rules: CsvRules
    directory: Callable[[], Directory | None]
    zone: str
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True)
class WordsDoor:
    """What the operations about overrides need; one for all doors of a daemon."""

    desk: OverrideDesk
    once: Once
    preview: OverridePreview


@dataclass(frozen=True, slots=True)
class AuditDoor:
    """The audit record, what notes in it, the way to a number in clear (None: no roster, so none), and who anchors it
    (None: nobody)."""

    book: AuditBook
    auditor: Auditor
    revealer: Revealer | None
    anchors: AnchorKeeper | None = None


@dataclass(frozen=True, slots=True)
class IncidentDoor:
    """What the operations about incidents need."""

    desk: IncidentDesk
    evidence: EvidenceRoom


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases behind the doors of one daemon: the same for all of them. What is None is not there, and neither
    are its operations and pages."""

    operator: Operator
    importer: Importer
    roster: RosterDoor | None = None
    words: WordsDoor | None = None
    sign_in: SignInDoor | None = None
    audit: AuditDoor | None = None
    access: AccessDesk | None = None
    incidents: IncidentDoor | None = None
    notices: NoticeDesk | None = None
    simulator: Simulator | None = None
    outgoing: OutgoingWatch | None = None
    shadow: ShadowDesk | None = None
