"""Orders about much that a second person has to agree to, where the configuration asks for one.

An order waits here until somebody else approves it; what is said then has the order's id, and storing it ends the
waiting in the same transaction: whenever the daemon dies, it waits or is carried out. Whoever asked may carry it out
alone after a while, for at 02:00 there may be nobody else; that is marked and told, so that it is looked at in the
morning. What waits is in memory and in the database: a restart forgets nothing, and a database that is away keeps
nobody from ordering.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import uuid4

from ringfence.app.audit_facts import SIGNED_IN_BY
from ringfence.app.once_mark import ONCE_MARK, OnceMark
from ringfence.app.operator import NotNow, NotOurs
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.audit import AuditFact, AuditKind, masked
from ringfence.domain.override import Level, OverrideKind, OverrideTarget

log = logging.getLogger(__name__)

LOAD_AGAIN_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 10.0

_NOBODY: Final = frozenset({SignedInBy.TOKEN, SignedInBy.KEY})


@dataclass(frozen=True, slots=True)
class WordOrder:
    """What a person wants said. `lasts` counts from the moment it is carried out; at most one of it and `until` is
    given. `expected`: the id of the word that they saw standing for the target, see `orders.NO_WORD`."""

    kind: OverrideKind
    target: OverrideTarget
    why: str
    until: datetime | None = None
    lasts: timedelta | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An order that waits. `by`, `session` and `person` are the asker's, to know them again."""

    id: str
    order: WordOrder
    who: str
    by: SignedInBy
    session: str
    person: str | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class SecondPersonPolicy:
    """`levels`: how wide an order has to be to need a second person. `alone_after`: when whoever asked may carry it out
    alone. `kept`: how long an order waits."""

    levels: frozenset[Level] = frozenset()
    alone_after: timedelta = timedelta(seconds=120)
    kept: timedelta = timedelta(minutes=30)


class PendingStore(Protocol):
    """Pending orders. May raise StoreError."""

    async def load_pending(self) -> list[PendingOrder]: ...

    async def save_pending(self, pending: PendingOrder, asked: AuditFact, once: OnceMark | None = None) -> None:
        """All, or nothing; `once`: of the request that asks for it."""
        ...

    async def mark_pending(self, pending: PendingOrder, once: OnceMark, at: datetime) -> None:
        """The request `once` asked for what waits already: no more than that is stored of it."""
        ...

    async def remove_pending(
        self, pending: PendingOrder, rejected: AuditFact | None = None, once: OnceMark | None = None
    ) -> None:
        """All, or nothing; `once`: of the request that rejects it."""
        ...


class SecondPerson:
    """What waits, and who may carry it out."""

    def __init__(
        self, policy: SecondPersonPolicy, store: PendingStore, clock: Clock, changed: Callable[[], None] = lambda: None
    ) -> None:
        """`changed`: what waits is another; cheap."""
        self.policy = policy
        self._store = store
        self._clock = clock
        self._changed = changed
        self._waiting: dict[str, PendingOrder] = {}

    def needed(self, target: OverrideTarget) -> bool:
        return target.level in self.policy.levels

    async def ask(self, order: WordOrder, caller: Caller) -> PendingOrder:
        """Keeps the order. One that the same person has asked for already is not kept twice, whatever keys both came
        with; each key is answered by the one that waits, and never begins another when that has been carried out."""
        now, order = self._clock.now().wall, replace(order, why=masked(order.why))
        for known in self.waiting():
            if known.order == order and _same_person(known, caller):
                await self._mark(known, now)
                return known
        pending = PendingOrder(
            uuid4().hex[:12],
            order,
            caller.name,
            caller.by,
            caller.session,
            caller.person,
            asked_at=now,
        )
        self._waiting[pending.id] = pending
        self._changed()
        try:
            asked = fact_of_pending(pending, "asked for", pending.who, order.why, now)
            await self._store.save_pending(pending, asked, ONCE_MARK.get())
        except StoreError as error:
            log.error("an order that waits cannot be stored, keeping it in memory", extra={"reason": str(error)})
        return pending

    def waiting(self) -> tuple[PendingOrder, ...]:
        """What may still be carried out, oldest first."""
        now = self._clock.now().wall
        return tuple(pending for pending in self._waiting.values() if now < pending.asked_at + self.policy.kept)

    def alone_from(self, pending: PendingOrder) -> datetime:
        return pending.asked_at + self.policy.alone_after

    def get(self, id_: str) -> PendingOrder:
        """Raises NotOurs."""
        found = next((pending for pending in self.waiting() if pending.id == id_), None)
        if found is None:
            raise NotOurs(
                f"id: no order {id_[:32]!r} waits.",
                "It was carried out, rejected, or waited too long; `ringfence dr pending` lists those that wait.",
                "id",
            )
        return found

    def take(self, id_: str, caller: Caller) -> tuple[PendingOrder, bool]:
        """Takes an order out, to be carried out by whoever asks now; whether that is alone. Of two who ask at once one
        gets it. Stored, it waits until it is carried out, or `forget` is told that it cannot be. Raises NotOurs,
        NotNow."""
        pending = self.get(id_)
        alone = _same_person(pending, caller)
        if alone and self._clock.now().wall < self.alone_from(pending):
            raise NotNow(
                "id",
                f"{pending.who} asked for this, and another person has to approve it",
                f"Alone you may carry it out from {self.alone_from(pending):%H:%M:%S} UTC; it is marked then.",
            )
        del self._waiting[id_]
        self._changed()
        return pending, alone

    async def reject(self, id_: str, who: str, why: str) -> PendingOrder:
        """Raises NotOurs."""
        pending = self.get(id_)
        await self._drop(pending, fact_of_pending(pending, "rejected", who, why, self._clock.now().wall))
        return pending

    async def forget(self, pending: PendingOrder, rejected: AuditFact | None = None) -> None:
        """It was taken out, and cannot be carried out any more."""
        # Whoever rejects has done what was asked; an approval that ends here was refused.
        once = None if rejected is None else ONCE_MARK.get()
        try:
            await self._store.remove_pending(pending, rejected, once)
        except StoreError as error:
            # It may come back after a restart, for as long as it would have waited.
            log.error("an order that no longer waits cannot be removed", extra={"reason": str(error)})

    async def run(self) -> None:
        """Reads what an earlier process left, then forgets what waits too long; for ever."""
        while True:
            try:
                for pending in await self._store.load_pending():
                    self._waiting.setdefault(pending.id, pending)
                break
            except StoreError:
                await self._clock.sleep(LOAD_AGAIN_SECONDS)
        self._changed()
        while True:
            kept = {pending.id for pending in self.waiting()}
            for pending in list(self._waiting.values()):
                if pending.id not in kept:
                    await self._drop(pending)
            await self._clock.sleep(LOOK_SECONDS)

    async def _mark(self, pending: PendingOrder, at: datetime) -> None:
        if (once := ONCE_MARK.get()) is None:
            return
        try:
            await self._store.mark_pending(pending, once, at)
        except StoreError as error:
            log.error("a key cannot be stored, keeping its answer in memory", extra={"reason": str(error)})

    async def _drop(self, pending: PendingOrder, rejected: AuditFact | None = None) -> None:
        del self._waiting[pending.id]
        self._changed()
        await self.forget(pending, rejected)


def fact_of_pending(pending: PendingOrder, what: str, who: str, why: str, at: datetime) -> AuditFact:
    """What the audit record says of an order that changes nothing yet."""
    order = pending.order
    detail = {"id": pending.id, "asked by": pending.who}
    action, about = f"override {order.kind} {what}", str(order.target)
    return AuditFact(at, AuditKind.OVERRIDE, action, about, who, why, SIGNED_IN_BY.get(), detail)


def _same_person(pending: PendingOrder, caller: Caller) -> bool:
    """Whether both may be one person. A token or a key says nothing of who holds it: it is nobody's second person, and
    nobody is its."""
    if not _NOBODY.isdisjoint((pending.by, caller.by)):
        return True
    if pending.session and pending.session == caller.session:
        return True
    if pending.person is not None and pending.person == caller.person:
        return True
    return not _names(pending.who).isdisjoint(_names(caller.name))


def _names(name: str) -> frozenset[str]:
    """By what somebody may be called elsewhere: `Ada Example (ada@example.org)` on the page is `ada` on the node."""
    whole = name.strip().casefold()
    shown, _, login = whole.removesuffix(")").rpartition(" (")
    found = (whole, shown, login, login.partition("@")[0])
    return frozenset(part.strip() for part in found if part.strip())
