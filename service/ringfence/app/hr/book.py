"""The roster in memory and the store behind it. Whoever changes it holds `lock` and goes through `commit`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ringfence.app.directory_import import DirectoryStore, StoredDirectory
from ringfence.app.hr.ports import Committed, HrRun, PlanRow, RosterCommit, RosterNote, RosterStore
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.employment import zones_of
from ringfence.domain.hr.erasure import ended_by
from ringfence.domain.hr.guard import Category, SourceIndex
from ringfence.domain.hr.index import Draft
from ringfence.domain.hr.roster import Roster, RosterChange, RosterPolicy, SourceState, Tenure
from ringfence.domain.numbers import Did

log = logging.getLogger(__name__)

MANY_RECORDS: Final = 1_000
"""From so many changed records on, indexing them takes long enough to be done in a thread."""
MAX_OPEN_PLANS: Final = 1_000
STORE_AGAIN_SECONDS: Final = 2.0


class RosterBook:
    """What is known, stored first. Readers on the event loop may read at any time."""

    def __init__(
        self,
        store: RosterStore,
        directories: DirectoryStore,
        clock: Clock,
        policy: RosterPolicy,
        sources: Sequence[str],
    ) -> None:
        """`sources`: those that are configured."""
        self.store = store
        self.directories = directories
        self.clock = clock
        self.policy = policy
        self.lock = asyncio.Lock()
        self.loaded = asyncio.Event()
        self.loaded_at: datetime | None = None
        self.roster = Roster()
        self.base = StoredDirectory(Directory(), 0)
        self.zones = zones_of(Directory(), policy)
        self.indexes: dict[str, SourceIndex] = {}
        self.open_plans: dict[str, PlanRow] = {}
        self.left: frozenset[PersonKey] = frozenset()
        """People whose employment had ended when last looked."""
        self.tenure_changes = 0
        self._sources = tuple(sources)
        self._runs: dict[str, list[HrRun]] = {}
        self._unstored: dict[Did, tuple[Tenure, ...]] = {}
        self._unstored_wake = asyncio.Event()

    async def load(self) -> None:
        """Everything from the stores. Raises StoreError; then nothing has changed."""
        async with self.lock:
            now = self.now()
            base = await self.directories.load()
            roster = await self.store.load()
            runs = await self.store.runs_since(now - self.policy.guard_window)
            plans = await self.store.plans(MAX_OPEN_PLANS, only_open=True)
            self.roster, self.loaded_at, self._runs = roster, now, {}
            for run in sorted(runs, key=lambda run: run.at):
                self._runs.setdefault(run.source, []).append(run)
            self.open_plans = {row.source: row for row in plans}
            await self.rebase(base)
            self.loaded.set()

    async def rebase(self, base: StoredDirectory) -> None:
        """The imported directory has changed. The caller holds the lock."""
        zones = await asyncio.to_thread(zones_of, base.directory, self.policy)
        names = {*self._sources, *self.roster.sources}
        now = self.now()
        indexes = {
            name: await asyncio.to_thread(SourceIndex.of, self.roster, name, self.policy, zones, now)
            for name in sorted(names)
        }
        self.left = await asyncio.to_thread(ended_by, self.roster, zones, now)
        self.base, self.zones, self.indexes = base, zones, indexes

    def now(self) -> datetime:
        return self.clock.now().wall

    def state(self, source: str) -> SourceState:
        return self.roster.sources.get(source) or SourceState(source)

    def index(self, source: str) -> SourceIndex:
        """A source that nobody has heard of yet has an empty one."""
        if source not in self.indexes:
            self.indexes[source] = SourceIndex.of(self.roster, source, self.policy, self.zones, self.now())
        return self.indexes[source]

    def up_to_date(self, source: str) -> SourceIndex:
        """The index with whatever time alone has changed. Nobody else holds the lock."""
        index = self.index(source)
        index.advance(self.zones, self.now())
        return index

    def recent(self, source: str, now: datetime) -> Mapping[Category, int]:
        """People accepted from a source within the guard's window, by category."""
        since = now - self.policy.guard_window
        self._runs[source] = [run for run in self._runs.get(source, []) if run.at > since]
        counts: dict[Category, int] = {}
        for run in self._runs[source]:
            for category, people in run.accepted.items():
                counts[category] = counts.get(category, 0) + people
        return counts

    def last_run(self, source: str, within: timedelta) -> HrRun | None:
        """The source's newest run, if it is no older than that."""
        runs = self._runs.get(source)
        return runs[-1] if runs and self.now() - runs[-1].at < within else None

    async def commit(
        self,
        change: RosterChange,
        run: HrRun | None = None,
        plans: Sequence[PlanRow] = (),
        notes: Sequence[RosterNote] = (),
        draft: Draft | None = None,
    ) -> Committed:
        """Stores, then applies. The caller holds the lock. `draft`: what an index becomes by this change, where that is
        known already. Raises StoreError; then nothing has changed."""
        tenures = dict(self._unstored)
        whole = replace(change, tenures={**tenures, **change.tenures}) if tenures else change
        runs = () if run is None else (run,)
        stored = await self.store.commit(RosterCommit(whole, runs, tuple(plans), tuple(notes)))
        self._stored_tenures(tenures)
        self.roster.apply(change)
        if change.tenures:
            self.tenure_changes += 1
        if run is not None:
            self._remember(replace(run, id=stored.runs[0]))
        for row, id_ in zip(plans, stored.plans, strict=True):
            self._keep_plan(replace(row, id=id_))
        await self._index(change, draft)
        return stored

    def told(self, state: SourceState) -> None:
        """A source's state that is shown even when it cannot be stored."""
        self.roster.apply(RosterChange(sources={state.name: state}))

    def tenures_are(self, tenures: Mapping[Did, tuple[Tenure, ...]]) -> None:
        """What a derivation found, at once in force and stored soon (`keep_tenures`). It may be found again at any
        time, so that nothing waits for the store."""
        self.roster.apply(RosterChange(tenures=tenures))
        self._unstored.update(tenures)
        self._unstored_wake.set()

    async def keep_tenures(self) -> None:
        """Stores them until it succeeds, for ever. Begins with what an earlier attempt that broke has left."""
        told = False
        while True:
            self._unstored_wake.clear()
            while self._unstored:
                try:
                    async with self.lock:
                        if self._unstored:
                            await self.commit(RosterChange())
                except StoreError as error:
                    if not told:
                        log.error("who holds which DID cannot be stored yet", extra={"reason": str(error)})
                    told = True
                    await self.clock.sleep(STORE_AGAIN_SECONDS)
                else:
                    if told:
                        log.info("who holds which DID is stored again")
                    told = False
            await self._unstored_wake.wait()

    def _stored_tenures(self, stored: Mapping[Did, tuple[Tenure, ...]]) -> None:
        for did, tenures in stored.items():
            # A derivation may have found newer ones while these were written.
            if self._unstored.get(did) is tenures:
                del self._unstored[did]

    async def _index(self, change: RosterChange, draft: Draft | None) -> None:
        now = self.now()
        # An old key is one for every source.
        for name in {id_.source for id_ in change.records} | (self.indexes.keys() if change.aliases else set()):
            index = self.index(name)
            if draft is not None and draft.index is index:
                step = partial(index.take_over, draft)
            else:
                step = partial(index.update, change, self.policy, self.zones, now)
            if len(change.records) > MANY_RECORDS:
                await asyncio.to_thread(step)
            else:
                step()

    def _keep_plan(self, row: PlanRow) -> None:
        if row.closed_at is None:
            self.open_plans[row.source] = row
        elif (standing := self.open_plans.get(row.source)) is not None and standing.id == row.id:
            del self.open_plans[row.source]

    def _remember(self, run: HrRun) -> None:
        runs = self._runs.setdefault(run.source, [])
        if runs and runs[-1].id == run.id:
            runs[-1] = run
        else:
            runs.append(run)
