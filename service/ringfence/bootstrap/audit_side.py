"""The audit side of the node: the record with its anchors, reveals, and how long callers' numbers are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from ringfence.app.audit import AuditBook, Auditor
from ringfence.app.audit_anchors import AnchorKeeper
from ringfence.app.caller_retention import CallerRetention
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.journal import Journal
from ringfence.app.ports import Clock
from ringfence.app.reveal import Revealer
from ringfence.app.supervisor import Part
from ringfence.config import Settings
from ringfence.domain.directory import Directory
from ringfence.domain.notice import Notice
from ringfence.store.audit_anchors import FileAnchors
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore
from ringfence.web.ports import AuditDoor

ANCHOR_FILE: Final = "audit-anchors.jsonl"
"""In the state directory."""


class AuditSide:
    """Wired, not yet running."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        people: RosterDesk,
        journal: Journal,
        tell: Callable[[Notice], Awaitable[None]],
        directory: Callable[[], Directory | None],
    ) -> None:
        """`directory`: the one in force, None while there is none."""
        store, anchors = SqlAuditStore(database), FileAnchors(settings.state_dir / ANCHOR_FILE)
        self._directory = directory
        self.auditor = Auditor(store)
        self.book = AuditBook(store, anchors, self.auditor, self._keys)
        self.revealer = Revealer(people, journal, self.auditor, clock, tell, settings.reveals_per_hour)
        self._anchors = AnchorKeeper(store, anchors, clock)
        self._retention = CallerRetention((SqlJournalStore(database),), clock, settings.callers_days)

    def door(self) -> AuditDoor:
        return AuditDoor(self.book, self.auditor, self.revealer, self._anchors)

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node, each by its name."""
        yield "audit anchors", self._anchors.run
        yield "callers' retention", self._retention.run

    def _keys(self) -> Iterable[str]:
        directory = self._directory()
        return () if directory is None else list(directory.people)
