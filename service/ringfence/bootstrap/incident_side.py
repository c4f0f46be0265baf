"""The incidents' side of the node: the desk, the evidence, and the watch over calls that end unheard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from ringfence.app.incident_evidence import EvidenceRoom
from ringfence.app.incident_gaps import GapWatch
from ringfence.app.incidents import IncidentDesk, IncidentPolicy
from ringfence.app.notify.ports import TellsEnds
from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.asterisk.call_records import CdrFile
from ringfence.config import Settings
from ringfence.config.detection import detections
from ringfence.domain.audit import AuditFact
from ringfence.domain.directory import Directory
from ringfence.domain.health import TargetRole
from ringfence.domain.incident import Span
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.gap_store import SqlGapStore
from ringfence.store.incident_store import SqlIncidentStore
from ringfence.store.journal_store import SqlJournalStore
from ringfence.web.ports import IncidentDoor


class IncidentSide:
    """Wired, not yet running. `directory`: the one in force, None while there is none. `lost`: `Journal.take_lost`."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        directory: Callable[[], Directory | None],
        teller: TellsEnds,
        lost: Callable[[], Span | None],
    ) -> None:
        gaps = SqlGapStore(database)
        records = CdrFile(settings.asterisk.cdr_csv)
        self.watch = GapWatch(gaps, SqlJournalStore(database), records, clock, lost)
        self.desk = IncidentDesk(
            SqlIncidentStore(database),
            gaps,
            clock,
            incident_policy(settings),
            lambda: teller,
            lambda: self.watch.deaf_since,
        )
        self._evidence = EvidenceRoom(self.desk, directory, _noted_in(SqlAuditStore(database)))

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node, each by its name."""
        yield "incidents", self.desk.run
        yield "unheard calls", self.watch.run

    def door(self) -> IncidentDoor:
        return IncidentDoor(self.desk, self._evidence)


def incident_policy(settings: Settings) -> IncidentPolicy:
    """A verdict by silence takes as long as the probes do, one by refused calls as long as their window."""
    silent = {
        found.target.name: found.worst_case_seconds or 0.0
        for found in detections(settings)
        if found.target.role is TargetRole.PLATFORM
    }
    bounds = {p.name: max(p.refusing_window_seconds, silent.get(p.name, 0.0)) for p in settings.platform}
    return IncidentPolicy(bounds, settings.keep_incidents_days, settings.keep_calls_days, settings.hr.time_zone)


def _noted_in(store: SqlAuditStore) -> Callable[[AuditFact], Awaitable[None]]:
    async def note(fact: AuditFact) -> None:
        await store.append([fact])

    return note
