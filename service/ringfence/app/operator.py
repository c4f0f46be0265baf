"""What a person may do and ask, whatever the door: the local socket, HTTP, and later the page. Validates, then hands
an order to the one writer; never changes anything itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ringfence.app.failover import Failover
from ringfence.app.journal import Journal
from ringfence.app.orders import OrderFailback
from ringfence.app.paging import Before
from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageStore, RingfenceError
from ringfence.app.snapshot import Snapshot, SnapshotHolder
from ringfence.app.table_keeper import TableKeeper, TeamView
from ringfence.domain.calls import CallRecord
from ringfence.domain.directory import Directory
from ringfence.domain.history import HistoryRow
from ringfence.domain.outage import Mode
from ringfence.domain.override import Override, OverrideKind, standing_override, words_about
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import RouteRecord, decode_route
from ringfence.domain.route_plan import RoutePlan
from ringfence.domain.route_table import did_path

MAX_WHY_CHARACTERS = 300
MAX_ASKED_ROWS = 1_001  # a page of a thousand, and one more that tells whether it is the last
MAX_WHO_CHARACTERS = 64


class OrderRefused(RingfenceError):
    """The order cannot be carried out as given. `field` names the part that has to change."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}.", fix)
        self.field = field


class NotNow(OrderRefused):
    """The order is sound and does not fit the state of this moment."""


class NotOurs(RingfenceError):
    """The DID or scope is not in the directory or the configuration. `field` says which of the two was meant."""

    def __init__(self, message: str, fix: str, field: str = "did") -> None:
        super().__init__(message, fix)
        self.field = field


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a call to one DID would go where it goes, decoded from what Asterisk holds, not from what we believe."""

    did: str
    plan: RoutePlan | None  # compiled from the directory, with reasons; None: not ours
    held: RouteRecord | None  # as read back from AstDB; None: none there, or unreadable
    held_words: str
    equal: bool | None  # None: Asterisk could not be asked
    words: tuple[Override, ...] = ()
    """Every person's word about it or its platform: first the one that counts, then those it beats."""

    @property
    def override(self) -> Override | None:
        """The word that decides for this DID and not for all of its platform."""
        return self.words[0] if self.words and not self.words[0].target.is_wide else None


class Operator:
    """The use cases of the doors."""

    def __init__(
        self,
        clock: Clock,
        failover: Failover,
        holder: SnapshotHolder,
        keeper: TableKeeper,
        astdb: AstDb,
        journal: Journal,
        outage_store: OutageStore,
        refresh: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._failover = failover
        self._holder = holder
        self._keeper = keeper
        self._astdb = astdb
        self._journal = journal
        self._outage_store = outage_store
        self._refresh = refresh

    def now(self) -> datetime:
        """The time a person's "in two hours" counts from."""
        return self._clock.now().wall

    def status(self) -> Snapshot:
        """The snapshot of this moment."""
        self._refresh()
        return self._holder.current

    @property
    def current(self) -> Snapshot:
        """The snapshot as it was swapped in last: looking at it wakes nobody."""
        return self._holder.current

    @property
    def calls_seen(self) -> int:
        """How many calls have ended since the start."""
        return self._journal.added

    async def changed(self) -> Snapshot:
        """Waits for the next change of the snapshot."""
        return await self._holder.changed()

    async def order_failback(self, scope: str, who: str, why: str) -> Mode:
        """Ends the hold-down (goes to trial) or the trial (goes to normal); returns the mode that follows. Raises
        OrderRefused, NotOurs, NotNow."""
        check_words(who, why)
        if scope not in self._failover.states:
            known = ", ".join(sorted(self._failover.states))
            raise NotOurs(f"scope: there is no platform {scope[:64]!r}.", f"Known: {known}.", "scope")
        mode = self._failover.states[scope].mode
        if mode not in (Mode.HOLD_DOWN, Mode.TRIAL):
            raise NotNow(
                "scope",
                f"{scope} is in {mode.value}, there is no failback to order",
                "Use `dr off` to force normal mode against the verdict." if mode is Mode.FAILED_OVER else "",
            )
        standing = standing_override(self._failover.overrides.values(), scope)
        if standing is not None and standing.kind is OverrideKind.FREEZE:
            raise NotNow("scope", f"{scope} is frozen by {standing.who}", "Release the freeze with `dr auto` first.")
        await self._failover.order(OrderFailback(scope, who, why))
        return self._failover.states[scope].mode

    async def explain(self, did: str) -> Explanation:
        """What Asterisk holds for one DID (E.164), compared with the table. Raises NotOurs when neither knows it."""
        plan = self._keeper.plan_of(did)
        words = self._words_about(did)
        try:
            text = await self._astdb.get(did_path(did))
        except AsteriskError as error:
            if plan is None:
                raise NotOurs(f"{did} is not in the directory, and {error.message}.", error.fix) from error
            return Explanation(did, plan, None, f"Asterisk cannot be asked: {error.message}", None, words)
        wanted = self._keeper.wanted_record(did)
        if text is None and plan is None:
            raise NotOurs(
                f"{did} is not a DID of ours.",
                "Calls to it go to the platform as they come; in DR mode to the fallback number of their trunk.",
            )
        if text is None:
            return Explanation(did, plan, None, "Asterisk holds no record: transparent", False, words)
        try:
            return Explanation(did, plan, decode_route(text), "as Asterisk holds it", text == wanted, words)
        except RecordError as error:
            return Explanation(did, plan, None, f"unreadable in Asterisk: {error}", False, words)

    @property
    def directory(self) -> Directory:
        """The directory in force; empty while there is none."""
        return self._keeper.directory or Directory()

    async def teams(self) -> list[TeamView]:
        """The team lines of the directory in force, by name."""
        return await asyncio.to_thread(self._keeper.teams)

    async def calls(self, limit: int, did: str | None = None, before: Before | None = None) -> list[CallRecord]:
        """Recent calls, newest first; `limit` 1 to 1001."""
        return await self._journal.recent(max(1, min(limit, MAX_ASKED_ROWS)), did, before)

    async def history(self, limit: int, before: Before | None = None, scope: str | None = None) -> list[HistoryRow]:
        """Mode changes and people's orders, newest first; `scope`: only those about it. Raises StoreError."""
        return await self._outage_store.history(max(1, min(limit, MAX_ASKED_ROWS)), before, scope)

    def _words_about(self, did: str) -> tuple[Override, ...]:
        directory = self._keeper.directory
        item = None if directory is None else directory.assignment(did)
        if directory is None or item is None:
            return ()
        return tuple(words_about(self._failover.overrides.values(), item, directory))


def check_words(who: str, why: str) -> None:
    """Raises OrderRefused for a name or a reason that could not be read by the others."""
    for field, text, limit in (("who", who, MAX_WHO_CHARACTERS), ("reason", why, MAX_WHY_CHARACTERS)):
        if not text.strip():
            raise OrderRefused(field, "is empty", "Say it in a few words: it is what the others will read.")
        if len(text) > limit:
            raise OrderRefused(field, f"has {len(text)} characters", f"At most {limit}.")
        if not text.isprintable():
            raise OrderRefused(field, "holds control characters", "Write one line of plain text.")
