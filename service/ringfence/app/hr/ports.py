"""What keeping the roster needs from the world: sources that are read, and the store. `ports` has the base errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from ringfence.app.paging import Before
from ringfence.app.ports import RingfenceError
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.record import Batch, RowProblem
from ringfence.domain.hr.roster import Origin, Roster, RosterChange

Progress = Callable[[int, int | None], None]
"""Called with rows done and, where it is known, rows in all. Cheap, and from any thread."""


class SourceError(RingfenceError):
    """A source could not be read. Nothing has changed."""


class SourceUnavailable(SourceError):
    """Not reachable, or too slow: the next attempt may succeed."""

    retry = True


class FeedRefused(SourceError):
    """Something came and cannot be trusted: empty, cut off, the wrong checksum, columns that are not there, too many
    rows that cannot be read. `problems` are the first of them."""

    def __init__(self, message: str, fix: str = "", problems: Sequence[RowProblem] = ()) -> None:
        super().__init__(message, fix)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Feed:
    """What one reading gave. `label` names it for people (`people-2026-11-22.csv`); `cursor` is stored with the batch
    and given back at the next reading; `token` is the source's own, for `settle`."""

    batch: Batch
    label: str
    cursor: str = ""
    token: object = None


class HrSource(Protocol):
    """A source that is read on a timetable. `hr/` has one file for each kind."""

    @property
    def name(self) -> str: ...

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        """None: nothing new. `cursor` is the one of the last batch that was stored, empty at first. Changes nothing at
        the source, so that a dry run may call it. Raises SourceUnavailable, FeedRefused."""
        ...

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        """After the batch was stored (or the feed refused): archive the file, write the reject file. With neither: the
        reading gave nothing new. Never raises for what can be done again at the next reading; raises SourceUnavailable
        otherwise."""
        ...


class KeepsNumbers(Protocol):
    """Something of one source that keeps private numbers beside the roster: pushed resources, archived files."""

    @property
    def source(self) -> str: ...

    async def erase(self, ids: Collection[str], before: datetime) -> None:
        """Removes the private numbers of these identifiers (`HrRecord.id`), and whatever is no longer needed from
        before that moment. Called again and again with the same ones. Raises StoreError, SourceUnavailable."""
        ...


class RunOutcome(StrEnum):
    """How one run of a source ended."""

    APPLIED = "applied"
    PARTLY_HELD = "partly_held"
    HELD = "held"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HrRun:
    """One line of `hr history`. `accepted` and `held` count people by category, `leavers` those whom an explicit fact
    ended. `detail` is the error's sentence, masked. `id` is 0 until it is stored."""

    source: str
    at: datetime
    outcome: RunOutcome
    label: str = ""
    rows: int = 0
    rejected: int = 0
    leavers: int = 0
    accepted: Mapping[Category, int] = field(default_factory=lambda: MappingProxyType({}))
    held: Mapping[Category, int] = field(default_factory=lambda: MappingProxyType({}))
    detail: str = ""
    plan: int | None = None
    id: int = 0


class PlanStatus(StrEnum):
    """What became of a held plan."""

    OPEN = "open"
    APPROVED = "approved"
    PARTLY = "partly"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    RESOLVED = "resolved"  # the source itself said otherwise since: nothing is held any more


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The header of one held plan; at most one a source is open. The items of an open plan are computed from the roster
    (`domain.hr.items`); when it is decided or superseded its lines (masked, at most 1,000) are kept here. `first_load`:
    it is the source's first. `id` is 0 until it is stored."""

    source: str
    opened_at: datetime
    first_load: bool
    status: PlanStatus = PlanStatus.OPEN
    closed_at: datetime | None = None
    who: str = ""
    why: str = ""
    superseded_by: int | None = None
    summary: str = ""
    lines: tuple[str, ...] = ()
    id: int = 0


@dataclass(frozen=True, slots=True)
class RosterNote:
    """One line of the roster's log: a decision, an entry by hand, an erasure. `what` is for people, numbers masked.
    `origin`, of an entry by hand, goes to the audit record only."""

    at: datetime
    who: str
    why: str
    what: str
    person: str = ""
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One day's coverage. `reasons` counts the DIDs that are not covered, by reason."""

    at: datetime
    dids: int
    covered: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RosterCommit:
    """One transaction: the change, and what is told of it. Runs and plans with id 0 are new, others are overwritten:
    the pushes of one minute are one run."""

    change: RosterChange
    runs: tuple[HrRun, ...] = ()
    plans: tuple[PlanRow, ...] = ()
    notes: tuple[RosterNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """The identifiers the store gave, in the order of the commit."""

    runs: tuple[int, ...] = ()
    plans: tuple[int, ...] = ()


class RosterStore(Protocol):
    """The roster and its history. May raise StoreError."""

    async def load(self) -> Roster: ...

    async def commit(self, commit: RosterCommit) -> Committed:
        """All or nothing. What a removed or overwritten row held is gone for good after the next `wipe`."""
        ...

    async def runs(self, limit: int, source: str | None = None, before: Before | None = None) -> list[HrRun]:
        """Newest first."""
        ...

    async def runs_since(self, at: datetime) -> list[HrRun]:
        """For the guard's window: from this moment on, newest first, all of them."""
        ...

    async def plans(self, limit: int, *, only_open: bool = False, before: Before | None = None) -> list[PlanRow]:
        """Newest first."""
        ...

    async def plan(self, id_: int) -> PlanRow | None: ...

    async def notes(self, limit: int, person: str | None = None, before: Before | None = None) -> list[RosterNote]:
        """Newest first."""
        ...

    async def add_coverage(self, row: CoverageRow) -> None: ...

    async def coverage(self, limit: int, before: Before | None = None) -> list[CoverageRow]:
        """Newest first."""
        ...

    async def wipe(self) -> None:
        """Nothing that was erased can be read from the database's files any more. Other writers wait meanwhile: half a
        second with 100,000 records. Raises StoreUnavailable while somebody else goes on reading: then it is not done,
        and may be tried again."""
        ...

    async def prune(self, before: datetime) -> int:
        """Deletes runs, closed plans, notes and coverage rows from before this moment; returns how many."""
        ...
