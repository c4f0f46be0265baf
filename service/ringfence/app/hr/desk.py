"""The one writer of the roster: hears the sources, takes people's decisions and entries, and derives what is routed by.

One lock. What changes is stored first and applied to the roster in memory afterwards, so that a store that fails leaves
everything as it was. The directory in force is derived in the background (`force`), at most one derivation at a
time: nobody who says something waits for it, except a person who decides or enters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any, Final

from ringfence.app.collector import resting
from ringfence.app.directory_import import DirectoryStore, StoredDirectory
from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.force import InForce
from ringfence.app.hr.hand import ByHand
from ringfence.app.hr.hearing import Hearing, failed_run
from ringfence.app.hr.plans import Decision, HeldPlans
from ringfence.app.hr.ports import HrRun, KeepsNumbers, RosterNote, RosterStore, RunOutcome, SourceError
from ringfence.app.hr.retention import Eraser, Retention
from ringfence.app.hr.views import EntryField, PlanView, Rehearsal, RosterSummary, SourceSpec, SourceView
from ringfence.app.hr.watch import SourceWatch
from ringfence.app.paging import Before, from_here
from ringfence.app.ports import Clock, StoreUnavailable
from ringfence.app.supervisor import supervise
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.directory_diff import compare
from ringfence.domain.hr.derivation import Conflict, Effective
from ringfence.domain.hr.mail import mail_addresses
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.hr.record import Batch
from ringfence.domain.hr.roster import Origin, RosterPolicy
from ringfence.domain.numbers import Did

log = logging.getLogger(__name__)

MAX_LINES: Final = 1_000


class RosterDesk:
    """Everything that is done with the roster goes through here."""

    def __init__(
        self,
        store: RosterStore,
        directories: DirectoryStore,
        keeper: TableKeeper,
        clock: Clock,
        policy: RosterPolicy,
        sources: Sequence[SourceSpec] = (),
        poke: Callable[[], None] = lambda: None,
        keepers: Sequence[KeepsNumbers] = (),
        owners_changed: Callable[[Set[Did]], None] = lambda _: None,
    ) -> None:
        """`poke`: something that the status shows has changed. `keepers`: who else keeps private numbers.
        `owners_changed`: the owners of these DIDs have left or lost them; cheap."""
        self._book = RosterBook(store, directories, clock, policy, [spec.name for spec in sources])
        self._force = InForce(self._book, keeper, clock, poke, owners_changed)
        self._plans = HeldPlans(self._book)
        self._hearing = Hearing(self._book, self._plans, lambda urgent: self._force.want(urgent=urgent))
        self._watch = SourceWatch(self._book, sources)
        eraser = Eraser(self._book, self._force, keepers)
        self._retention = Retention(self._book, eraser, clock)
        self._by_hand = ByHand(self._book, self._force, eraser, keeper.policy.gate)
        self._poke = poke

    async def load(self) -> None:
        """The roster and the imported directory from the stores, derived and adopted. A directory that nobody ever
        imported (version 0) is never published. Raises StoreError; then nothing has changed and it may be called
        again."""
        await self._book.load()
        await self._force.catch_up()
        if self._book.base.version == 0:
            log.warning("no directory has been imported, asterisk keeps the table it has")
        async with self._book.lock:
            for source in sorted(self._book.indexes):
                # A header that could not be stored before the restart.
                await self._plans.follow(source, None, complete=False)

    async def run(self) -> None:
        """Derives and adopts whenever something has changed or `next_change_at` has come, stores what was found,
        watches the sources' ages, erases what is due. Waits for `load`. Each by itself: a fault in one must not keep
        somebody who left ringing."""
        async with asyncio.TaskGroup() as group:
            for name, work in (
                ("roster in force", self._force.run),
                ("roster tenures", self._book.keep_tenures),
                ("roster sources", self._watch.run),
                ("roster retention", self._retention.run),
            ):
                group.create_task(supervise(name, work, self._book.clock), name=name)

    def check_loaded(self) -> None:
        """Raises StoreUnavailable before the roster was read."""
        if not self._book.loaded.is_set():
            raise StoreUnavailable("The roster has not been read yet.", "Check the database.")

    async def wait_loaded(self) -> None:
        await self._book.loaded.wait()

    async def settled(self) -> None:
        """Returns once everything that was said is in force."""
        await self._force.catch_up()

    async def hear(self, batch: Batch, label: str = "", cursor: str = "", *, fresh: bool = True) -> HrRun:
        """Stores what a source said, accepts what may be accepted, and has it routed by. Does not wait for the
        derivation. `fresh` False: it is told again from what was stored, and no sign that the source lives. Raises
        FeedRefused when the batch cannot be trusted, StoreError; then nothing has changed."""
        self.check_loaded()
        with resting():
            run = await self._hearing.take(batch, label, cursor, fresh=fresh)
        self._poke()
        return run

    async def rehearse(self, batch: Batch, label: str = "") -> Rehearsal:
        """What `hear` would do; stores nothing. Raises FeedRefused, StoreError when nothing has been loaded."""
        self.check_loaded()
        run, roster = await self._hearing.rehearse(batch, label)
        held = await self._plans.items(roster, batch.source)
        now, then = await self._force.with_roster(self._book.roster.copy()), await self._force.with_roster(roster)
        lines = await asyncio.to_thread(lambda: list(compare(now.directory, then.directory).lines()))
        return Rehearsal(run, held, tuple(lines[:MAX_LINES]), max(0, len(lines) - MAX_LINES))

    async def failed(self, source: str, error: SourceError, label: str = "") -> HrRun:
        """A source could not be read: kept in its state and in the history, once for each edge. A store that fails as
        well is no error here."""
        run = await self._hearing.failed(source, error, label)
        self._poke()
        return run

    def failed_run(self, source: str, error: SourceError, label: str = "") -> HrRun:
        """The same, of a dry run: nothing is kept."""
        return failed_run(source, error, label, self._book.now())

    def nothing_new(self, source: str, *, good: bool) -> HrRun:
        """The source was reached, and nothing new came. `good`: that is a good run. The run is not stored."""
        self._hearing.nothing_new(source, good=good)
        return self.unchanged_run(source)

    def unchanged_run(self, source: str) -> HrRun:
        """The same, of a dry run: nothing is kept."""
        return HrRun(source, self._book.now(), RunOutcome.UNCHANGED)

    def active_ids(self, source: str) -> frozenset[str]:
        """Identifiers that this source said are active, or of which it said nothing to the contrary."""
        states = self._book.roster.of_source(source)
        return frozenset(id_.id for id_, state in states if state.said.active is not False)

    def cursor(self, source: str) -> str:
        """The bookmark of the source's last batch."""
        return self._book.state(source).cursor

    def sources(self) -> tuple[SourceView, ...]:
        """The configured sources in their order."""
        return self._watch.views()

    def summary(self) -> RosterSummary:
        """For the snapshot; cheap."""
        force = self._force
        effective = force.effective
        return RosterSummary(
            sources=self.sources(),
            open_plans=len(self._book.open_plans),
            conflicts=len(self.conflicts()),
            people=0 if effective is None else len(effective.directory.people),
            employed=0 if effective is None else effective.employed,
            next_change_at=None if effective is None else effective.next_change_at,
            fault=force.fault,
        )

    async def plans(self, limit: int = 100, *, only_open: bool = True, before: Before | None = None) -> list[PlanView]:
        """Newest first. Raises StoreError unless only open ones are asked for."""
        if only_open:
            newest = sorted(self._book.open_plans.values(), key=lambda row: (row.opened_at, row.id), reverse=True)
            rows = from_here(newest, lambda row: row.opened_at, before)[:limit]
        else:
            rows = await self._book.store.plans(limit, before=before)
        return [await self._plans.view(row) for row in rows]

    async def plan(self, id_: int) -> PlanView:
        """Raises NotOurs, StoreError."""
        return await self._plans.view(await self._plans.row(id_))

    async def decide(
        self,
        plan_id: int,
        approve: bool,
        who: str,
        why: str,
        items: Collection[str] | None = None,
        fingerprint: str | None = None,
    ) -> PlanView:
        """Approves or rejects the whole plan, or the items with these identifiers; the rest then stays open as a plan
        of its own (`row.superseded_by`). Returns the plan as it was closed, with the items that were decided, once the
        directory in force is the new one. Raises OrderRefused, NotOurs, NotNow (closed, or other items than
        `fingerprint` names), StoreError."""
        self.check_loaded()
        with resting():
            async with self._book.lock:
                view = await self._plans.decide(Decision(plan_id, approve, who, why, items, fingerprint))
            self._force.want(urgent=True)
            await self._force.catch_up()
            return view

    async def runs(self, limit: int, source: str | None = None, before: Before | None = None) -> list[HrRun]:
        """Newest first. Raises StoreError."""
        return await self._book.store.runs(limit, source, before)

    async def notes(self, limit: int, person: str | None = None, before: Before | None = None) -> list[RosterNote]:
        """Newest first. Raises StoreError."""
        return await self._book.store.notes(limit, person, before)

    async def person(self, key: str) -> PersonView:
        """Raises NotOurs."""
        return await self._by_hand.person(key)

    async def find(self, text: str, limit: int = 20) -> list[PersonView]:
        """By key, by DID (E.164), or by a part of the name."""
        return await self._by_hand.find(text, limit)

    async def enter(
        self,
        key: str,
        field: EntryField,
        value: Any,
        *,
        origin: Origin,
        who: str,
        why: str,
        number: str | None = None,
    ) -> PersonView:
        """Enters something by hand; None clears it. `value` is of the type that `PersonEntries` has in `field`
        (numbers: tuple[HrNumber, ...]; dids: tuple[Did, ...]; left_at, on_call_until: aware datetime; away: Away;
        facts: NumberFacts of `number`). Returns once it is routed by. Raises OrderRefused, NotOurs, NotNow (a person
        of themselves, after they have left), StoreError."""
        self.check_loaded()
        return await self._by_hand.enter(key, field, value, origin, who, why, number)

    async def left_among(self, people: Set[str]) -> frozenset[str]:
        """Those of these people who have left; nobody before the roster was read."""
        return await self._by_hand.left_among(people) if people and self._book.loaded.is_set() else frozenset()

    async def forget(self, key: str, who: str, why: str) -> None:
        """Erases the private numbers of somebody who is not employed, everywhere. Raises OrderRefused, NotOurs, NotNow
        (still employed), StoreError."""
        self.check_loaded()
        await self._by_hand.forget(key, who, why)

    async def release_did(self, did: str, who: str, why: str) -> bool:
        """Lifts the quarantine of a DID. False: it has none. Raises OrderRefused, NotOurs, StoreError."""
        self.check_loaded()
        return await self._by_hand.release_did(did, who, why)

    async def addresses(self, people: frozenset[PersonKey]) -> Mapping[PersonKey, str]:
        """Mail addresses of those among them of whom HR states one. In a thread, for it looks at every record."""
        roster, sources = self._book.roster.copy(), self._book.policy.sources
        return await asyncio.to_thread(mail_addresses, roster, sources, people)

    def conflicts(self) -> tuple[Conflict, ...]:
        """DIDs with two equal claims, as of the last derivation."""
        return () if self._force.effective is None else self._force.effective.conflicts

    def unknown_dids(self) -> tuple[tuple[PersonKey, Did], ...]:
        """DIDs that employed people claim and that the imported directory does not know, as of the last derivation."""
        return () if self._force.effective is None else self._force.effective.unknown_dids

    async def rebase(self, stored: StoredDirectory) -> None:
        """The imported directory has changed: derives and adopts. Returns once it is in force. Before `load` it does
        nothing: the roster has to be known first, or those who left would ring again."""
        async with self._book.lock:
            if not self._book.loaded.is_set():
                return
            await self._book.rebase(stored)
        self._force.want()
        await self._force.catch_up()

    async def effective_with(self, base: Directory) -> Effective:
        """What would be in force with another imported directory: to prove it publishable before it is stored."""
        return await self._force.with_base(base)
