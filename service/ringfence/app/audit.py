"""The audit record's use cases: a fact that stands for itself, what the record says, and whether it still holds.

Facts about changes of the database are appended in the change's own transaction (`store.audit_rows`); here is what has
no transaction of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from ringfence.domain.audit import PSEUDONYM, AuditFact, AuditKind
from ringfence.domain.audit_chain import Anchor, AuditReport, AuditRow, Verification

MAX_PAGE_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows: all that are given must hold. `before`: only rows with smaller numbers. `about` is what a fact was
    about, or a person's key."""

    before: int | None = None
    kind: AuditKind | None = None
    who: str | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. `pseudonyms` gives the keys of those people in it who are still known."""

    rows: tuple[AuditRow, ...]
    more: bool
    pseudonyms: dict[str, str] = field(default_factory=dict)


class AuditStore(Protocol):
    """The chain. May raise StoreError."""

    async def append(self, facts: Sequence[AuditFact]) -> None:
        """In a transaction of its own."""
        ...

    async def head(self) -> Anchor:
        """What the database takes for the end: number 0 while there are no rows."""
        ...

    async def page(self, query: AuditQuery, limit: int) -> tuple[AuditRow, ...]:
        """Newest first."""
        ...

    def chain(self) -> AsyncIterator[tuple[Sequence[AuditRow], Anchor]]:
        """Every row by number, in portions, all of one consistent state; with each portion the end as stored. At least
        one portion."""
        ...

    async def pseudonyms(self, keys: Sequence[str]) -> dict[str, str]:
        """Pseudonym -> key."""
        ...


class AnchorFile(Protocol):
    """Anchors kept outside the database. May raise StoreError."""

    async def read(self) -> list[Anchor]:
        """Oldest first."""
        ...

    async def add(self, anchor: Anchor) -> None:
        """On the disk when this returns."""
        ...


class Auditor:
    """For what has no transaction of its own: a reveal, an export, a sign-in."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def note(self, fact: AuditFact) -> None:
        """Returns once the fact is stored. Raises StoreError: then what it is about must not happen."""
        await self._store.append([fact])


async def verified(store: AuditStore, anchors: Sequence[Anchor]) -> AuditReport:
    """Reads the whole chain. Raises StoreError."""
    check, head = Verification(anchors), None
    async for rows, end in store.chain():
        head = end
        for row in rows:
            check.feed(row)
    return check.report(head)


class AuditBook:
    """The record as people read it."""

    def __init__(
        self, store: AuditStore, anchors: AnchorFile, auditor: Auditor, keys: Callable[[], Iterable[str]]
    ) -> None:
        """`keys`: of everybody who is known now; whoever was erased stays a pseudonym."""
        self._store = store
        self._anchors = anchors
        self._auditor = auditor
        self._keys = keys

    async def page(self, query: AuditQuery, limit: int) -> AuditPage:
        """Newest first; `limit` 1 to 1,000. Raises StoreError."""
        wanted = max(1, min(limit, MAX_PAGE_ROWS))
        rows = await self._store.page(query, wanted + 1)
        shown = rows[:wanted]
        about = {row.about for row in shown if row.about.startswith(PSEUDONYM)}
        known = await self._store.pseudonyms(list(self._keys())) if about else {}
        return AuditPage(shown, len(rows) > wanted, {name: known[name] for name in about if name in known})

    async def verify(self) -> AuditReport:
        """Against the anchors beside the database. Raises StoreError."""
        return await verified(self._store, await self._anchors.read())

    async def export(self, query: AuditQuery, fact: AuditFact) -> AsyncIterator[tuple[AuditRow, ...]]:
        """All rows that were asked for, newest first, in portions. The export is itself noted, by `fact`, before
        anything is given. Raises StoreError."""
        await self._auditor.note(fact)
        return self._portions(query)

    async def _portions(self, query: AuditQuery) -> AsyncIterator[tuple[AuditRow, ...]]:
        while rows := await self._store.page(query, MAX_PAGE_ROWS):
            yield rows
            # Each portion by itself: whoever reads slowly must not hold the database.
            query = replace(query, before=rows[-1].number)
