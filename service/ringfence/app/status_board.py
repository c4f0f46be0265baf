"""Builds the snapshot from the parts, when something changed and once a second, so that ages and words stay true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ringfence.app.backup.keeper import BackupView
from ringfence.app.coverage_watch import Measured
from ringfence.app.failover import Failover
from ringfence.app.hr.views import RosterSummary
from ringfence.app.ledger import Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import Clock
from ringfence.app.snapshot import LinkView, ScopeView, SnapshotHolder, TableView, TargetView
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.identities import LearntIdentity
from ringfence.domain.override import standing_override
from ringfence.domain.refusals import RefusalCounts
from ringfence.domain.usual_words import UsualView

REFRESH_SECONDS = 1.0
# Many things change in one moment; watchers get them together.
GATHER_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Sources:
    """What the other parts know of themselves, asked for each time anew; none of these waits or fails."""

    table: Callable[[], TableView]
    late: Callable[[], int]
    """How many misses were not counted because we ourselves were late."""
    roster: Callable[[], RosterSummary]
    coverage: Callable[[], Measured | None]
    telling: Callable[[], tuple[str, ...]]
    """What keeps notices from being told."""
    refusals: Callable[[], RefusalCounts]
    identities: Callable[[], tuple[LearntIdentity, ...]]
    no_dialplan: Callable[[], bool]
    missing_modules: Callable[[], frozenset[str]]
    usual: Callable[[], UsualView]


class StatusBoard:
    """Swaps the snapshot. Its inputs are read, never awaited."""

    def __init__(
        self,
        clock: Clock,
        holder: SnapshotHolder,
        failover: Failover,
        modes: ModePublisher,
        ledger: Ledger,
        sources: Sources,
        worst_cases: Mapping[TargetId, float],
    ) -> None:
        """`worst_cases`: most seconds from a target's fault to its verdict, for those that promise any."""
        self._clock = clock
        self._holder = holder
        self._failover = failover
        self._modes = modes
        self._ledger = ledger
        self._sources = sources
        self._worst_cases = worst_cases
        self._links: dict[str, LinkView] = {}
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Something that is shown has changed."""
        self._poked.set()

    def link(self, name: str, up: bool, detail: str) -> None:
        """A connection to Asterisk came up or went down."""
        self._links[name] = LinkView(up, detail, self._clock.now())
        self.poke()

    def warn_of_http(self, words: str) -> None:
        """What is wrong with the certificate that the HTTP door shows; empty: nothing any more."""
        self._holder.swap(replace(self._holder.current, http=words))
        self.poke()

    def show_backup(self, view: BackupView | None) -> None:
        self._holder.swap(replace(self._holder.current, backup=view))
        self.poke()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._poked.wait()
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                pass
            self._poked.clear()
            self.refresh()

    def refresh(self) -> None:
        """Swaps in a snapshot of this moment."""
        failover, before, ask = self._failover, self._holder.current, self._sources
        self._holder.swap(
            replace(
                before,
                at=self._clock.now(),
                scopes={scope: self._scope(scope) for scope in failover.states},
                targets={
                    target: TargetView(target, verdict, self._worst_cases.get(target))
                    for target, verdict in failover.verdicts.items()
                },
                overrides=tuple(failover.overrides.values()),
                asterisk=self._asterisk(),
                store=self._ledger.link,
                table=ask.table(),
                roster=ask.roster(),
                coverage=ask.coverage(),
                telling=ask.telling(),
                refusals=ask.refusals(),
                identities=ask.identities(),
                no_dialplan=ask.no_dialplan(),
                missing_modules=ask.missing_modules(),
                usual=ask.usual(),
                unstored_changes=self._ledger.unstored,
                late_observations=ask.late(),
                dropped_items=failover.dropped,
            )
        )

    def _scope(self, scope: str) -> ScopeView:
        failover = self._failover
        state = failover.states[scope]
        return ScopeView(
            state=state,
            verdict=failover.verdicts[TargetId(TargetRole.PLATFORM, scope)],
            decision=failover.decision(scope),
            override=standing_override(failover.overrides.values(), scope),
            published=self._modes.published(f"mode/{scope}"),
        )

    def _asterisk(self) -> LinkView:
        """Up when every connection is up; else the words of the first that is not."""
        down = [view for view in self._links.values() if not view.up]
        if down or not self._links:
            return down[0] if down else LinkView(False, "not connected yet")
        newest = max((v.since for v in self._links.values() if v.since), key=lambda m: m.monotonic, default=None)
        return LinkView(True, "connected", newest)
