"""What a person may do and ask, whatever the door: the local socket, HTTP, and later the page. Validates, then hands
an order to the one writer; never changes anything itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ringfence.app.failover import Failover
from ringfence.app.journal import Journal
from ringfence.app.orders import OrderFailback, ReleaseOverride, SetOverride
from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageStore, RingfenceError, TransitionRow
from ringfence.app.snapshot import Snapshot, SnapshotHolder
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.calls import CallRecord
from ringfence.domain.outage import Mode
from ringfence.domain.override import Override, OverrideKind, OverrideTarget, standing_override
from ringfence.domain.records import RecordError, RouteRecord, decode_route
from ringfence.domain.route_plan import RoutePlan
from ringfence.domain.route_table import did_path

MAX_WHY_CHARACTERS = 300
MAX_WHO_CHARACTERS = 64
MAX_OVERRIDE = timedelta(days=31)


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
    override: Override | None


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

    async def set_override(
        self,
        kind: OverrideKind,
        target: OverrideTarget,
        who: str,
        why: str,
        until: datetime | None = None,
    ) -> Override:
        """Raises OrderRefused or NotOurs; returns once it is decided and on its way to Asterisk."""
        now = self._clock.now().wall
        check_words(who, why)
        self._check_target(target)
        if until is not None and until.tzinfo is None:
            raise OrderRefused("until", "has no time zone", "Write it as 2030-01-31T18:00:00+00:00.")
        if until is not None and not now < until <= now + MAX_OVERRIDE:
            raise OrderRefused(
                "until", f"{until.isoformat()} is not between now and 31 days ahead", "Choose another end."
            )
        if target.did is not None and kind is OverrideKind.FREEZE:
            raise OrderRefused(
                "mode", "a single DID cannot be frozen", "Freeze its scope, or force it to dr or normal."
            )
        standing = self._failover.overrides.get(target) or self._standing_for(target)
        if kind is OverrideKind.FREEZE and standing is not None and standing.kind is not OverrideKind.FREEZE:
            raise NotNow(
                "mode",
                f"{standing.target} is overridden ({standing.kind.value}) by {standing.who}; a freeze would end that "
                "and move its calls",
                "Release it first with `dr auto`, or leave it as it is.",
            )
        override = Override(target, kind, who, why, now, until)
        await self._failover.order(SetOverride(override))
        return override

    async def release_override(self, target: OverrideTarget, who: str, why: str) -> bool:
        """Gives the target back to the automatic. False: nothing was set, and nothing has changed."""
        check_words(who, why)
        if self._failover.restored and target not in self._failover.overrides:
            # Checked only here: a word about a DID that has left the directory since must not outlive it for ever.
            self._check_target(target)
            return False
        await self._failover.order(ReleaseOverride(target, who, why))
        return True

    async def order_failback(self, scope: str, who: str, why: str) -> Mode:
        """Ends the hold-down (goes to trial) or the trial (goes to normal); returns the mode that follows."""
        check_words(who, why)
        self._check_target(OverrideTarget(scope=scope))
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
        override = self._failover.overrides.get(OverrideTarget(did=did))
        try:
            text = await self._astdb.get(did_path(did))
        except AsteriskError as error:
            if plan is None:
                raise NotOurs(f"{did} is not in the directory, and {error.message}.", error.fix) from error
            return Explanation(did, plan, None, f"Asterisk cannot be asked: {error.message}", None, override)
        wanted = self._keeper.wanted_record(did)
        if text is None and plan is None:
            raise NotOurs(f"{did} is not a DID of ours.", "Calls to it go to the platform as they come.")
        if text is None:
            return Explanation(did, plan, None, "Asterisk holds no record: transparent", False, override)
        try:
            return Explanation(did, plan, decode_route(text), "as Asterisk holds it", text == wanted, override)
        except RecordError as error:
            return Explanation(did, plan, None, f"unreadable in Asterisk: {error}", False, override)

    async def calls(self, limit: int, did: str | None = None) -> list[CallRecord]:
        """Recent calls, newest first; `limit` 1 to 1000."""
        return await self._journal.recent(max(1, min(limit, 1000)), did)

    async def history(self, limit: int) -> list[TransitionRow]:
        """Mode changes and people's orders, newest first. Raises StoreError."""
        return await self._outage_store.history(max(1, min(limit, 1000)))

    def _standing_for(self, target: OverrideTarget) -> Override | None:
        """A word that decides for any scope of this target now."""
        scopes = [target.scope] if target.scope is not None else list(self._failover.states)
        standing = (standing_override(self._failover.overrides.values(), scope) for scope in scopes)
        return next((word for word in standing if word is not None and word.kind is not OverrideKind.FREEZE), None)

    def _check_target(self, target: OverrideTarget) -> None:
        if target.scope is not None and target.scope not in self._failover.states:
            known = ", ".join(sorted(self._failover.states))
            raise NotOurs(f"scope: there is no platform {target.scope[:64]!r}.", f"Known: {known}.", "scope")
        if target.did is not None and self._keeper.plan_of(target.did) is None:
            raise NotOurs(
                f"did: {target.did} is not in the directory.",
                "See `ringfence explain` and `ringfence import`.",
            )


def check_words(who: str, why: str) -> None:
    """Raises OrderRefused for a name or a reason that could not be read by the others."""
    for field, text, limit in (("who", who, MAX_WHO_CHARACTERS), ("reason", why, MAX_WHY_CHARACTERS)):
        if not text.strip():
            raise OrderRefused(field, "is empty", "Say it in a few words: it is what the others will read.")
        if len(text) > limit:
            raise OrderRefused(field, f"has {len(text)} characters", f"At most {limit}.")
        if not text.isprintable():
            raise OrderRefused(field, "holds control characters", "Write one line of plain text.")
