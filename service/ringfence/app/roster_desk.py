"""The one writer of the roster: hears the sources, takes people's decisions and entries, and derives what is routed by.

One lock. What changes is stored first and applied to the roster in memory afterwards, so that a store that fails leaves
everything as it was. The directory in force is derived in the background (`roster_force`), at most one derivation at a
time: nobody who says something waits for it, except a person who decides or enters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from ringfence.app.directory_import import DirectoryStore, StoredDirectory
from ringfence.app.hr_ports import HrRun, RosterNote, RosterStore, SourceError
from ringfence.app.ports import Clock
from ringfence.app.roster_views import EntryField, PlanView, Rehearsal, RosterSummary, SourceSpec, SourceView
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.derivation import Conflict, Effective
from ringfence.domain.directory import Directory
from ringfence.domain.hr_record import Batch
from ringfence.domain.provenance import PersonView
from ringfence.domain.roster import Origin, RosterPolicy


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
    ) -> None:
        """`poke`: something that the status shows has changed."""
        raise NotImplementedError

    async def load(self) -> None:
        """The roster and the imported directory from the stores, derived and adopted. A directory that nobody ever
        imported (version 0) is never published. Raises StoreError; then nothing has changed and it may be called
        again."""
        raise NotImplementedError

    async def run(self) -> None:
        """Derives and adopts whenever something has changed or `next_change_at` has come, and watches the sources'
        ages. Waits for `load`."""
        raise NotImplementedError

    async def hear(self, batch: Batch, label: str = "", cursor: str = "") -> HrRun:
        """Stores what a source said, accepts what may be accepted, and has it routed by. Does not wait for the
        derivation. Raises FeedRefused when the batch cannot be trusted, StoreError; then nothing has changed."""
        raise NotImplementedError

    async def rehearse(self, batch: Batch, label: str = "") -> Rehearsal:
        """What `hear` would do; stores nothing. Raises FeedRefused, StoreError when nothing has been loaded."""
        raise NotImplementedError

    async def failed(self, source: str, error: SourceError, label: str = "") -> HrRun:
        """A source could not be read: kept in its state and in the history, once for each edge."""
        raise NotImplementedError

    def seen(self, source: str) -> None:
        """A source that pushes has shown that it is alive, without saying anything new. In memory only; stored with
        whatever it says next."""
        raise NotImplementedError

    def sources(self) -> tuple[SourceView, ...]:
        """The configured sources in their order."""
        raise NotImplementedError

    def summary(self) -> RosterSummary:
        """For the snapshot; cheap."""
        raise NotImplementedError

    async def plans(self, limit: int = 100, *, only_open: bool = True) -> list[PlanView]:
        """Newest first. Raises StoreError unless only open ones are asked for."""
        raise NotImplementedError

    async def plan(self, id_: int) -> PlanView:
        """Raises NotOurs, StoreError."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def runs(self, limit: int, source: str | None = None) -> list[HrRun]:
        """Newest first. Raises StoreError."""
        raise NotImplementedError

    async def notes(self, limit: int, person: str | None = None) -> list[RosterNote]:
        """Newest first. Raises StoreError."""
        raise NotImplementedError

    def person(self, key: str) -> PersonView:
        """Raises NotOurs."""
        raise NotImplementedError

    def find(self, text: str, limit: int = 20) -> list[PersonView]:
        """By key, by DID (E.164), or by a part of the name."""
        raise NotImplementedError

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
        facts: NumberFacts of `number`). Returns once it is routed by. Raises OrderRefused, NotOurs, StoreError."""
        raise NotImplementedError

    async def forget(self, key: str, who: str, why: str) -> None:
        """Erases the private numbers of somebody who is not employed, everywhere. Raises OrderRefused, NotOurs, NotNow
        (still employed), StoreError."""
        raise NotImplementedError

    async def release_did(self, did: str, who: str, why: str) -> bool:
        """Lifts the quarantine of a DID. False: it has none. Raises OrderRefused, NotOurs, StoreError."""
        raise NotImplementedError

    def conflicts(self) -> tuple[Conflict, ...]:
        """DIDs with two equal claims, as of the last derivation."""
        raise NotImplementedError

    async def rebase(self, stored: StoredDirectory) -> None:
        """The imported directory has changed: derives and adopts. Returns once it is in force."""
        raise NotImplementedError

    async def effective_with(self, base: Directory) -> Effective:
        """What would be in force with another imported directory: to prove it publishable before it is stored."""
        raise NotImplementedError
