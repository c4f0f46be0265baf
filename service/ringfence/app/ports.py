"""What the use cases need from the world, and the errors each part of it may raise.

Adapters (`asterisk/`, `probes/`, `store/`) implement these; `bootstrap` puts them together; `tests/fakes` has
in-memory ones. Every error says in `fix` what a person can do, and `retry` whether trying again is worth it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringfence.app.once_mark import OnceMark
from ringfence.app.paging import Before
from ringfence.domain.calls import CallRecord, PlatformAnswered
from ringfence.domain.health import EvidenceKind, Observation, TargetId
from ringfence.domain.history import HistoryRow
from ringfence.domain.identities import Rung
from ringfence.domain.moment import Moment
from ringfence.domain.outage import ScopeState, Transition
from ringfence.domain.outcomes import CallOutcome
from ringfence.domain.outgoing import OutgoingCall
from ringfence.domain.override import Override, OverrideTarget


class RingfenceError(Exception):
    """Base of every expected error: a sentence for people, the fix, and whether a retry is worth it."""

    retry = False

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message} {fix}".strip())
        self.message = message
        self.fix = fix


class StoreError(RingfenceError):
    """The database did not do what was asked."""


class StoreUnavailable(StoreError):
    """Locked, gone, full or slow: the change was not stored and may be tried again."""

    retry = True


class StoreCorrupt(StoreError):
    """The database file is damaged."""


class VersionConflict(StoreError):
    """Somebody else changed the row: the caller's state is stale and must be loaded anew."""


class AsteriskError(RingfenceError):
    """Asterisk did not do what was asked."""


class AsteriskUnavailable(AsteriskError):
    """No connection, or no answer within the deadline: frozen, restarting, gone."""

    retry = True


class AsteriskLoginRefused(AsteriskError):
    """Wrong user or secret, or a privilege is missing. Retrying cannot help."""


class AsteriskRefused(AsteriskError):
    """Asterisk answered and refused this one action."""


class Clock(Protocol):
    """Both clocks. Taken once at the edge."""

    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...


class Probe(Protocol):
    """Asks one target once. Never raises for "no answer"; gives `passed=None` when it cannot tell."""

    target: TargetId
    kind: EvidenceKind

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        """Whether the target answered, and the detail in words."""
        ...


@dataclass(frozen=True, slots=True)
class OutageChange:
    """One commit: a scope's new state with its transition, or an override set or released.

    `key` is unique for each change: storing the same change twice (after a spool file was replayed) stores it once.
    `expired`: the override was released because its time was over, by nobody's word. `by` is how `who` had signed in,
    empty where that is not known. `once`: the request that ordered it carried an idempotency key.
    """

    key: str
    state: ScopeState | None = None
    transition: Transition | None = None
    override_set: Override | None = None
    override_released: OverrideTarget | None = None
    who: str = "ringfence"
    why: str = ""
    at: datetime | None = None
    expired: bool = False
    by: str = ""
    once: OnceMark | None = None


class OutageStore(Protocol):
    """Scope states, transitions (history and outbox in one) and overrides. May raise StoreError."""

    async def load_states(self, now: Moment) -> dict[str, ScopeState]: ...

    async def load_overrides(self) -> list[Override]: ...

    async def commit(self, change: OutageChange) -> None:
        """One transaction. A state whose stored version is not `state.version - 1` raises VersionConflict, unless this
        very change (`key`) is stored already."""
        ...

    async def history(self, limit: int, before: Before | None = None, scope: str | None = None) -> list[HistoryRow]: ...


class Spool(Protocol):
    """Changes that are decided and published but not yet stored, on disk and synced, oldest first."""

    async def append(self, change: OutageChange) -> None:
        """May raise StoreUnavailable (disk full): the change is then kept in memory only."""
        ...

    async def waiting(self, now: Moment) -> list[OutageChange]: ...

    async def remove(self, keys: Sequence[str]) -> None: ...


class JournalStore(Protocol):
    """Call records. May raise StoreError."""

    async def append(self, calls: Sequence[CallRecord]) -> None: ...

    async def recent(self, limit: int, did: str | None = None, before: Before | None = None) -> list[CallRecord]: ...

    async def find(self, call_id: str) -> CallRecord | None: ...

    async def prune(self, before: datetime) -> int: ...


class CallSpool(Protocol):
    """Call records that the store would not take, on disk and synced, bounded. May raise StoreUnavailable: then nothing
    has changed."""

    async def append(self, calls: Sequence[CallRecord]) -> Sequence[CallRecord]:
        """Behind all others. Returns those that were given up for them: the oldest, when there are too many."""
        ...

    async def oldest(self) -> Sequence[CallRecord] | None:
        """A batch of the oldest, the same at each call until it is removed; None: there are none. May be empty, for one
        in which nothing can be read."""
        ...

    async def remove_oldest(self) -> None:
        """The batch that `oldest` gave last."""
        ...


@dataclass(frozen=True, slots=True)
class Passed:
    """When one kind of evidence about a target last passed, and where the target lived then."""

    at: datetime
    host_port: str


class MemoryStore(Protocol):
    """What must outlive a restart for evidence to be weighed. May raise StoreError."""

    async def load_passed(self, since: datetime) -> dict[tuple[TargetId, EvidenceKind], Passed]: ...

    async def save_passed(self, passed: Mapping[tuple[TargetId, EvidenceKind], Passed]) -> None: ...

    async def load_delivered(self, since: datetime) -> dict[str, datetime]:
        """When the platform last put a call through, per DID."""

    async def save_delivered(self, delivered: Mapping[str, datetime]) -> None: ...

    async def prune_delivered(self, before: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Put:
    """One AstDB write: `key` below the family `ringfence`, such as `did/12/+441134960012`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One channel from Asterisk to the platform. `endpoint` is the PJSIP endpoint it was dialled through, `did` the
    called DID, empty where it is not known."""

    channel: str
    endpoint: str
    answered: bool
    ringing: bool
    did: str = ""


class AstDb(Protocol):
    """AstDB, family `ringfence`, over one AMI connection. May raise AsteriskError."""

    async def put(self, key: str, value: str) -> None: ...

    async def get(self, key: str) -> str | None: ...

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        """Many writes in small pipelined windows with a yield after each. Puts come before deletes."""
        ...

    async def read_tree(self, key: str) -> dict[str, str]:
        """Every entry below `key`, at most 5,000 rows: AstDB is locked while the answer is written. A `_` at the end of
        `key` stands for any one character."""
        ...


class Switchboard(Protocol):
    """Legs to a platform or an egress trunk. May raise AsteriskError."""

    async def platform_legs(self, endpoint: str) -> list[Leg]:
        """Whoever has waited longest comes first."""
        ...

    async def free(self, leg: Leg) -> bool:
        """Hangs up one unanswered leg with cause 34: its caller's plan goes on. False: it had gone."""
        ...


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The connection to Asterisk came up (events may have been lost before) or went down."""

    up: bool
    detail: str
    at: Moment


@dataclass(frozen=True, slots=True)
class CarrierCalled:
    """A call came in and its platform leg began: the carrier reaches us. Later legs, which our own timers begin, do not
    count."""

    at: Moment


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The journal's record of one finished call."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class LegRefused:
    """The dialplan did not let a leg out. `what` is one of `domain.refusals.REFUSALS`; `limit` says which rule it was,
    `did` and `trunk` may be empty."""

    what: str
    limit: str
    did: str
    trunk: str
    at: Moment


@dataclass(frozen=True, slots=True)
class IdentityLearnt:
    """A carrier refused an identity with `status`; `rung`, a lower one, rang or was answered."""

    trunk: str
    rung: Rung
    status: int
    at: Moment


AsteriskEvent = (
    LinkChanged
    | CarrierCalled
    | CallEnded
    | PlatformAnswered
    | LegRefused
    | IdentityLearnt
    | OutgoingCall
    | CallOutcome
    | Observation
)
