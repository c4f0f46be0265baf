"""The audit record in memory: the real chain, without a database. Set `fault` to have it raise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from ringfence.app.audit import AuditBook, Auditor, AuditQuery
from ringfence.app.audit_anchors import AnchorKeeper
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.journal import Journal
from ringfence.app.reveal import Revealer
from ringfence.domain.audit import PERSON, PSEUDONYM, AuditFact
from ringfence.domain.audit_chain import FIRST_DIGEST, Anchor, AuditRow, row_of, time_text
from ringfence.domain.notice import Notice
from ringfence.web.ports import AuditDoor
from tests.fakes.clock import FakeClock
from tests.fakes.stores import Faulty


def _pseudonym(key: str) -> str:
    """Backwards: enough to be told from the key."""
    return PSEUDONYM + key[::-1]


class FakeAuditStore(Faulty):
    """Implements `audit.AuditStore`."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.facts: list[AuditFact] = []

    async def append(self, facts: Sequence[AuditFact]) -> None:
        self._answer()
        for fact in facts:
            self.facts.append(fact)
            about = _pseudonym(fact.about.removeprefix(PERSON)) if fact.about.startswith(PERSON) else fact.about
            self.rows.append(row_of(replace(fact, about=about), await self.head()))

    async def head(self) -> Anchor:
        self._answer()
        return Anchor(self.rows[-1].number, self.rows[-1].digest) if self.rows else Anchor(0, FIRST_DIGEST)

    async def page(self, query: AuditQuery, limit: int) -> tuple[AuditRow, ...]:
        self._answer()
        found = (row for row in reversed(self.rows) if query.before is None or row.number < query.before)
        found = (row for row in found if query.kind is None or row.kind == query.kind)
        found = (row for row in found if query.who is None or row.who == query.who)
        found = (row for row in found if query.about is None or row.about in (query.about, _pseudonym(query.about)))
        since, until = query.since, query.until
        found = (row for row in found if since is None or row.at >= time_text(since))
        return tuple(row for row in found if until is None or row.at < time_text(until))[:limit]

    async def chain(self) -> AsyncIterator[tuple[Sequence[AuditRow], Anchor]]:
        yield list(self.rows), await self.head()

    async def pseudonyms(self, keys: Sequence[str]) -> dict[str, str]:
        self._answer()
        return {_pseudonym(key): key for key in keys}


class FakeAnchors(Faulty):
    """Implements `audit.AnchorFile`."""

    def __init__(self) -> None:
        self.anchors: list[Anchor] = []

    async def read(self) -> list[Anchor]:
        self._answer()
        return list(self.anchors)

    async def add(self, anchor: Anchor) -> None:
        self._answer()
        self.anchors.append(anchor)


class FakeAudit:
    """The real use cases over the two."""

    def __init__(self, people: RosterDesk, journal: Journal, clock: FakeClock) -> None:
        self.store, self.anchors, self.told = FakeAuditStore(), FakeAnchors(), list[Notice]()
        self.auditor = Auditor(self.store)
        book = AuditBook(self.store, self.anchors, self.auditor, lambda: ["ada", "bob"])
        revealer = Revealer(people, journal, self.auditor, clock, self._tell)
        self.keeper = AnchorKeeper(self.store, self.anchors, clock)
        self.door = AuditDoor(book, self.auditor, revealer, self.keeper)

    async def _tell(self, notice: Notice) -> None:
        self.told.append(notice)
