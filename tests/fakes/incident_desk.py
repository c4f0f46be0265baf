"""The real incident desk and evidence room on stores in memory, for the doors of a fake node."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.app.incident_evidence import EvidenceRoom
from ringfence.app.incidents import IncidentDesk, IncidentPolicy
from ringfence.domain.audit import AuditFact
from ringfence.domain.directory import Directory
from ringfence.domain.notice import Notice
from ringfence.web.ports import IncidentDoor
from tests.fakes.clock import FakeClock
from tests.fakes.incident_store import FakeGapStore, FakeIncidentStore
from tests.fakes.stores import FakeJournalStore

SCOPE = "uc"


class FakeTeller:
    """Implements `TellsEnds`."""

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.ended: list[str] = []

    async def tell(self, notice: Notice) -> None:
        if notice.key not in [one.key for one in self.told]:
            self.told.append(notice)

    async def over(self, key: str) -> None:
        self.ended.append(key)


class FakeIncidents:
    """`store` and `gaps` are the test's to fill; `exports` are the facts of packs that were taken."""

    def __init__(
        self, clock: FakeClock, journal: FakeJournalStore, directory: Callable[[], Directory | None] = lambda: None
    ) -> None:
        self.store, self.gaps = FakeIncidentStore(journal), FakeGapStore(journal)
        self.teller = FakeTeller()
        self.exports: list[AuditFact] = []
        policy = IncidentPolicy({SCOPE: 10.0}, keep_days=730, keep_calls_days=90, zone="Europe/London")
        self.desk = IncidentDesk(self.store, self.gaps, clock, policy, lambda: self.teller)
        self.evidence = EvidenceRoom(self.desk, directory, self._note)

    @property
    def door(self) -> IncidentDoor:
        return IncidentDoor(self.desk, self.evidence)

    async def _note(self, fact: AuditFact) -> None:
        self.exports.append(fact)
