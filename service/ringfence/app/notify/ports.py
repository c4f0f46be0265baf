"""What telling people needs from the world: channels, and the outbox. `app.ports` has the base errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Protocol

from ringfence.app.ports import RingfenceError
from ringfence.domain.notice import Notice, NoticeKind, Severity

MAX_NOTICES: Final = 500  # in one answer
OVER: Final = "ringfence (it is over)"  # who acknowledges what has ended


class ChannelError(RingfenceError):
    """A notice did not reach its channel. The message holds the channel's own words, and no secret."""


class ChannelUnavailable(ChannelError):
    """Not reachable, too slow or busy: tried again. `retry_after_seconds`: the receiver's own wish."""

    retry = True

    def __init__(self, message: str, fix: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(message, fix)
        self.retry_after_seconds = retry_after_seconds


class ChannelRefused(ChannelError):
    """The receiver understood and does not want it, or we are set up wrongly: given up after a few tries."""


class Channel(Protocol):
    """One way of telling people. `channels/` has one file for each kind."""

    async def send(self, notice: Notice, delivery_id: str) -> str:
        """Hands the notice over, within a deadline of its own; the receiver's own words (`202 Accepted`).
        `delivery_id` is the same however often the same notice is sent to the same route: a receiver may know a
        repetition by it. Raises ChannelUnavailable, ChannelRefused."""
        ...

    async def close(self) -> None:
        """Gives back what it holds open."""
        ...


class DeliveryState(StrEnum):
    """What became of one notice on one route."""

    WAITING = "waiting"
    GROUPED = "grouped"  # waits for the summary of its group
    SUMMED_UP = "summed_up"  # the summary says it
    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


FAILED: Final = frozenset({DeliveryState.REFUSED, DeliveryState.GIVEN_UP})
OPEN: Final = frozenset({DeliveryState.WAITING, DeliveryState.GROUPED})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one route. `tries` were begun, `refusals` of them refused for good. `next_at`: not to be
    tried before."""

    id: str
    notice: Notice
    route: str
    tries: int
    refusals: int
    created_at: datetime
    next_at: datetime
    first_tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """For people: what became of a notice on one route. `said`: the receiver's words, or why it failed."""

    route: str
    state: DeliveryState
    tries: int
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    said: str
    escalated_from: str


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice of the outbox with its deliveries."""

    id: int
    notice: Notice
    stored_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    deliveries: tuple[DeliveryView, ...]


@dataclass(frozen=True, slots=True)
class NoticeQuery:
    """Which notices, newest first: those older than the one with the number `before`, each filter only where given.
    `open`: with a delivery that is not done."""

    limit: int = 100
    before: int | None = None
    kind: NoticeKind | None = None
    severity: Severity | None = None
    scope: str | None = None
    route: str | None = None
    state: DeliveryState | None = None
    unacknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """One stored line of history that nobody was told of. `signal` is `override` for a person's word, `stored` for a
    state without a change, else what moved the mode."""

    id: int
    key: str
    at: datetime
    scope: str
    before: str
    after: str
    signal: str
    reason: str
    who: str
    why: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm that people were told of and that has not ended. `key` is that of its notice."""

    name: str
    key: str
    title: str
    scope: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OutboxLevel:
    """How full the outbox of one route is. `failed`: of the last day."""

    waiting: int = 0
    oldest: datetime | None = None
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Escalation:
    """Notices of route `source` that are critical, not acknowledged, and older than `before` or failed, are also for
    the route `target`."""

    source: str
    target: str
    before: datetime


@dataclass(frozen=True, slots=True)
class ToTell:
    """One notice with the routes that it is for."""

    notice: Notice
    routes: tuple[str, ...]
    sent: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    """Routes that were told already, while the outbox could not take it."""
    ends: bool = False
    """Calls go to the platform again: what was critical of it need not be acknowledged any more."""


class NoticeStore(Protocol):
    """The outbox. May raise StoreError. Every method is one transaction."""

    async def add(self, told: Sequence[ToTell], at: datetime) -> None:
        """A notice whose key is known is not stored again; neither is one for a route that has it."""
        ...

    async def untold(self, limit: int) -> list[Untold]:
        """Lines of history that nobody was told of, oldest first."""
        ...

    async def tell(self, told: Mapping[int, ToTell | None], at: datetime) -> None:
        """Marks lines of history as told, and adds their notices, in one: after a crash it is both or neither."""
        ...

    async def due(self, route: str, at: datetime, only_critical: bool, limit: int) -> list[Delivery]:
        """What may be tried now, critical first, then oldest first."""
        ...

    async def next_due(self, route: str) -> datetime | None:
        """When the next one may be tried; may lie in the past."""
        ...

    async def begin(self, delivery: str, at: datetime, next_at: datetime) -> None:
        """A try begins. `next_at`: when the next would, should this one never end."""
        ...

    async def sent(self, delivery: str, at: datetime, said: str) -> None: ...

    async def failed(self, delivery: str, state: DeliveryState, next_at: datetime, said: str, refused: bool) -> None:
        """A try has failed: it waits for the next one, or is done with."""
        ...

    async def sum_up(self, at: datetime) -> int:
        """Makes one notice of each group whose window is over; how many."""
        ...

    async def escalate(self, rules: Collection[Escalation], at: datetime) -> int:
        """Adds deliveries to the routes that come next; how many."""
        ...

    async def acknowledge(self, notice: int, who: str, at: datetime, by: str = "") -> NoticeView | None:
        """Somebody has seen to it; the first keeps the honour, and stands in the audit record. None: there is no such
        notice."""
        ...

    async def acknowledge_key(self, key: str, who: str, at: datetime) -> None:
        """As `acknowledge`, by the notice's key; nothing where it is not known."""
        ...

    async def listed(self, query: NoticeQuery) -> list[NoticeView]: ...

    async def levels(self, failed_since: datetime) -> dict[str, OutboxLevel]:
        """How full each route's outbox is, and how many of what came since then were given up."""
        ...

    async def give_up_all_but(self, routes: Collection[str], before: datetime) -> int:
        """Gives up what has waited since before that for any other route than these; how many."""
        ...

    async def prune(self, before: datetime) -> int:
        """Deletes notices from before, once nothing of them waits; how many."""
        ...


class Tells(Protocol):
    """Whoever tells people: `app.notifier.Notifier`. Never raises, never waits for a channel."""

    async def tell(self, notice: Notice) -> None: ...


class TellsEnds(Tells, Protocol):
    """Tells, too, that what it has told of is over."""

    async def over(self, key: str) -> None: ...


class AlarmStore(Protocol):
    """Which alarms people were told of: a daemon that starts anew neither repeats one nor forgets to say that it is
    over. May raise StoreError."""

    async def standing(self) -> list[StandingAlarm]: ...

    async def begins(self, alarm: StandingAlarm) -> None: ...

    async def ends(self, name: str) -> None: ...


def delivery_id(key: str, route: str) -> str:
    """The same for the same notice and route for ever, even after a backup was put back."""
    return sha256(f"{key}\x00{route}".encode()).hexdigest()[:32]
