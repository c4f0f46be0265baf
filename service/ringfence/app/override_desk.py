"""People's words about platforms, sites, teams and DIDs, whatever the door: validated, approved where that is asked
for, handed to the one writer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import uuid4

from ringfence.app.failover import Failover
from ringfence.app.notify.ports import Tells
from ringfence.app.operator import NotNow, NotOurs, OrderRefused, check_words
from ringfence.app.orders import ReleaseOverride, SetOverride
from ringfence.app.override_targets import OverrideTargets
from ringfence.app.ports import Clock, RingfenceError
from ringfence.app.second_person import PendingOrder, SecondPerson, WordOrder
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.access import Caller
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.override import (
    Override,
    OverrideKind,
    OverrideTarget,
    standing_override,
)

MAX_OVERRIDE: Final = timedelta(days=31)
UNDO_WITHIN: Final = timedelta(hours=24)


class Undone(NamedTuple):
    """What an undo left: `standing` is the word that stands again, None where the automatic decides."""

    target: OverrideTarget
    standing: Override | None


class OverrideDesk(OverrideTargets):
    """The orders about overrides. Each returns once it is decided and on its way to Asterisk."""

    def __init__(
        self,
        clock: Clock,
        failover: Failover,
        keeper: TableKeeper,
        second_person: SecondPerson,
        tells: Tells,
    ) -> None:
        super().__init__(failover, keeper)
        self._clock = clock
        self._second_person = second_person
        self._tells = tells

    def now(self) -> datetime:
        """The time a person's "in two hours" counts from."""
        return self._clock.now().wall

    def words(self) -> tuple[Override, ...]:
        """Everything that people have said and that stands, the newest last."""
        return tuple(sorted(self._failover.overrides.values(), key=lambda word: word.set_at))

    def pending(self) -> tuple[PendingOrder, ...]:
        """What waits for a second person, oldest first."""
        return self._second_person.waiting()

    def expires_at(self, pending: PendingOrder) -> datetime:
        """Until when it waits."""
        return pending.asked_at + self._second_person.policy.kept

    def alone_from(self, pending: PendingOrder) -> datetime:
        """From when whoever asked may carry it out alone."""
        return self._second_person.alone_from(pending)

    def needs_second_person(self, target: OverrideTarget) -> bool:
        """Whether an order about this waits for somebody to approve it."""
        return self._second_person.needed(target)

    async def order(self, order: WordOrder, caller: Caller) -> Override | PendingOrder:
        """Says it, or keeps it for a second person to approve. Raises OrderRefused, NotNow, NotOurs, Overtaken."""
        self.check(order, caller.name)
        if not self.needs_second_person(order.target):
            return await self._say(order, caller.name, caller.by, _new_id())
        pending = await self._second_person.ask(order, caller)
        await self._tell(
            f"pending:{pending.id}",
            Severity.WARNING,
            f"{order.target.words}: {caller.name} asks for {order.kind}, a second person has to approve it",
            f"Why: {order.why}. Approve it with `ringfence dr approve {pending.id}`, or reject it; from "
            f"{self.alone_from(pending):%H:%M:%S} UTC {caller.name} may carry it out alone.",
            order.target,
        )
        return pending

    async def approve(self, id_: str, caller: Caller) -> Override:
        """Carries out what waits. Raises NotOurs, NotNow (whoever asked, too early), OrderRefused, Overtaken; after the
        last two it no longer waits."""
        pending, alone = self._second_person.take(id_, caller)
        # By another name, whoever carries it out is named, even where that proves no second person.
        approved_by = "" if caller.name == pending.who else caller.name
        try:
            self.check(pending.order, pending.who)
            # Asked for in another request than this one.
            word = await self._say(pending.order, pending.who, pending.by, pending.id, approved_by, alone)
        except RingfenceError:
            await self._second_person.forget(pending)
            raise
        if alone:
            await self._tell(
                f"alone:{word.id}",
                Severity.WARNING,
                f"{word.target.words}: {word.who} forced {word.kind} alone",
                f"A second person was asked for and did not come. Why: {word.why}. Please look at it.",
                word.target,
            )
        return word

    async def reject(self, id_: str, who: str, why: str) -> PendingOrder:
        """It is not carried out, and told. Raises NotOurs."""
        pending = await self._second_person.reject(id_, who, why)
        title = f"{pending.order.target.words}: {who} rejected what {pending.who} asked for ({pending.order.kind})"
        await self._tell(f"rejected:{id_}", Severity.INFO, title, f"Why: {why}.", pending.order.target)
        return pending

    async def release(self, target: OverrideTarget, who: str, why: str, expected: str | None = None) -> bool:
        """Gives the target back to the automatic. False: nothing was set, and nothing has changed. Raises OrderRefused,
        NotOurs, Overtaken."""
        check_words(who, why)
        if self._failover.restored and target not in self._failover.overrides and expected is None:
            # Checked only here: a word about a DID that has left the directory since must not outlive it for ever.
            self.check_target(target)
            return False
        order = ReleaseOverride(target, who, why, expected)
        await self._failover.order(order)
        return order.released

    async def undo(self, id_: str, who: str, why: str) -> Undone:
        """Takes a word back: what stood for its target before stands again, unless its time is over. It was agreed to
        once, so that no second person is asked. Raises OrderRefused, NotOurs, NotNow."""
        check_words(who, why)
        word, now = self.word(id_), self._clock.now().wall
        if now - word.set_at > UNDO_WITHIN:
            raise NotNow(
                "id",
                f"{word.words}, which is more than 24 hours ago",
                "Release it with `dr auto`, or say what shall be.",
            )
        before = word.replaced
        if before is None or before.expired(now):
            await self._failover.order(ReleaseOverride(word.target, who, why, expected=id_))
            return Undone(word.target, None)
        again = replace(before, who=who, why=why, set_at=now, id=_new_id(), approved_by="", alone=False)
        await self._failover.order(SetOverride(again, expected=id_))
        return Undone(word.target, again)

    def word(self, id_: str) -> Override:
        """The word with this id. Raises NotOurs when none stands."""
        found = next((word for word in self._failover.overrides.values() if word.id == id_ and id_), None)
        if found is None:
            raise NotOurs(
                f"id: no override {id_[:32]!r} stands.",
                "It was released, replaced by a newer one, or has ended; `ringfence status` lists those that stand.",
                "id",
            )
        return found

    def check(self, order: WordOrder, who: str) -> None:
        """Says nothing yet: whether it could be said now. Raises OrderRefused, NotNow, NotOurs."""
        now, target = self._clock.now().wall, order.target
        check_words(who, order.why)
        self.check_target(target)
        until = now + order.lasts if order.lasts is not None else order.until
        if until is not None and until.tzinfo is None:
            raise OrderRefused("until", "has no time zone", "Write it as 2030-01-31T18:00:00+00:00.")
        if until is not None and not now < until <= now + MAX_OVERRIDE:
            raise OrderRefused(
                "until", f"{until.isoformat()} is not between now and 31 days ahead", "Choose another end."
            )
        if order.kind is OverrideKind.FREEZE:
            self._check_freeze(target)

    def _check_freeze(self, target: OverrideTarget) -> None:
        if not target.is_wide:
            what = "a single DID" if target.did is not None else target.words
            raise OrderRefused("mode", f"{what} cannot be frozen", "Freeze its scope, or force it to dr or normal.")
        standing = self._failover.overrides.get(target) or self._standing_for(target)
        if standing is not None and standing.kind is not OverrideKind.FREEZE:
            raise NotNow(
                "mode",
                f"{standing.target} is overridden ({standing.kind.value}) by {standing.who}; a freeze would end that "
                "and move its calls",
                "Release it first with `dr auto`, or leave it as it is.",
            )

    def _standing_for(self, target: OverrideTarget) -> Override | None:
        """A word that decides for any platform of this target now."""
        scopes = [target.scope] if target.scope is not None else list(self._failover.states)
        standing = (standing_override(self._failover.overrides.values(), scope) for scope in scopes)
        return next((word for word in standing if word is not None and word.kind is not OverrideKind.FREEZE), None)

    async def _say(
        self, order: WordOrder, who: str, by: str, id_: str, approved_by: str = "", alone: bool = False
    ) -> Override:
        now = self._clock.now().wall
        until = now + order.lasts if order.lasts is not None else order.until
        word = Override(order.target, order.kind, who, order.why, now, until, id_, approved_by=approved_by, alone=alone)
        said = SetOverride(word, order.expected, signed_in_by=by)
        await self._failover.order(said)
        return said.override

    async def _tell(self, key: str, severity: Severity, title: str, text: str, target: OverrideTarget) -> None:
        now = self._clock.now().wall
        await self._tells.tell(Notice(key, NoticeKind.OVERRIDE, severity, now, title, text, target.scope or ""))


def _new_id() -> str:
    return uuid4().hex[:12]
