"""The immutable view of everything, and the holder that swaps it. Doors read it; only the one writer swaps it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.app.backup.keeper import BackupView
from ringfence.app.coverage_watch import Measured
from ringfence.app.hr.views import RosterSummary
from ringfence.domain.health import TargetId
from ringfence.domain.identities import LearntIdentity
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Decision, ScopeState
from ringfence.domain.override import Override
from ringfence.domain.refusals import RefusalCounts
from ringfence.domain.usual_words import UsualView
from ringfence.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One platform scope: its stored state, what is decided now and why, and whether Asterisk has been told."""

    state: ScopeState
    verdict: Verdict
    decision: Decision
    override: Override | None
    published: bool


@dataclass(frozen=True, slots=True)
class TargetView:
    """One probed target. `worst_case_seconds` is the documented bound from its death to a verdict by probes."""

    target: TargetId
    verdict: Verdict
    worst_case_seconds: float | None


@dataclass(frozen=True, slots=True)
class LinkView:
    """Whether something we depend on answers, since when, in words."""

    up: bool
    detail: str
    since: Moment | None = None


@dataclass(frozen=True, slots=True)
class TableView:
    """The published table as Asterisk holds it. `state`: unknown, publishing, equal, differs, no directory.
    `lost_scopes`: platforms that its DIDs belong to and that are not configured. `would_loop`: sentences on numbers
    that are left out of it because calls would come back to us, loops first, at most 50."""

    state: str = "unknown"
    generation: int = 0
    rows: int = 0
    verified_at: Moment | None = None
    detail: str = ""
    lost_scopes: frozenset[str] = frozenset()
    would_loop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the doors show."""

    node: str
    started_at: Moment
    at: Moment
    scopes: Mapping[str, ScopeView] = field(default_factory=dict)
    targets: Mapping[TargetId, TargetView] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    asterisk: LinkView = LinkView(False, "not connected yet")
    no_dialplan: bool = False  # Asterisk says that it has none of ours
    missing_modules: frozenset[str] = frozenset()  # of Asterisk's, without which calls fail
    store: LinkView = LinkView(False, "not opened yet")
    table: TableView = TableView()
    roster: RosterSummary = field(default_factory=RosterSummary)
    coverage: Measured | None = None  # as it was measured last
    telling: tuple[str, ...] = ()  # what is wrong with telling people
    refusals: RefusalCounts = field(default_factory=RefusalCounts)  # legs the dialplan did not let out
    identities: tuple[LearntIdentity, ...] = ()  # what carriers have taught the dialplan, by trunk
    usual: UsualView = field(default_factory=UsualView)  # what becomes of calls, against the same hour's usual
    unstored_changes: int = 0
    late_observations: int = 0
    dropped_items: int = 0
    shadow: bool = False  # nothing is done to calls
    handed_over: Mapping[str, str] = field(default_factory=dict)  # trunk -> the site's context that gets its calls
    backup: BackupView | None = None  # None: the daemon makes none
    http: str = ""  # what is wrong with its certificate; empty: nothing


class SnapshotHolder:
    """Holds the current snapshot and wakes those who wait for the next one."""

    def __init__(self, first: Snapshot) -> None:
        self._current = first
        self._changed = asyncio.Event()

    @property
    def current(self) -> Snapshot:
        return self._current

    def swap(self, new: Snapshot) -> None:
        self._current = new
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> Snapshot:
        """Waits for the next swap."""
        event = self._changed
        await event.wait()
        return self._current
