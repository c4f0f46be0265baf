"""THE loop: the one writer of the mode.

Probe answers, call outcomes, a person's orders and the clock's ticks go into one queue; this alone takes them out,
decides, commits (with a deadline), publishes and swaps the snapshot. Slow work, the sweep and the table publish, runs
outside its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from ringfence.app.judge import Judge
from ringfence.app.ledger import Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.orders import AdoptStored, ForgetExpired, Order, OrderFailback, Overtaken, adopt, carried_out, told
from ringfence.app.ports import CarrierCalled, Clock, OutageChange
from ringfence.domain.audit import masked
from ringfence.domain.health import Observation, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outage import (
    Decision,
    Mode,
    OutagePolicy,
    ScopeState,
    Transition,
    decide,
    effective,
    first_state,
)
from ringfence.domain.outcomes import CallOutcome, OutcomeClass
from ringfence.domain.override import Override, OverrideKind, OverrideTarget, standing_override
from ringfence.domain.records import ModeRecord, encode_egress, encode_mode
from ringfence.domain.verdict import Cause, Verdict, VerdictState

log = logging.getLogger(__name__)

QUEUE_ITEMS = 10_000
TICK_SECONDS = 0.25

Item = Observation | CallOutcome | CarrierCalled | Order | None  # None: only look at the clock


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the loop sets in motion and never waits for."""

    sweep: Callable[[str, bool], None]  # key of the mode or egress state that is published first; spare ringing legs
    narrow_changed: Callable[[Sequence[OverrideTarget]], None]  # words about sites, teams or DIDs came or went
    swapped: Callable[[], None]  # something the snapshot shows has changed
    undecided: Callable[[], None]  # a platform has begun to miss


class Failover:
    """Holds every scope's state and every override; all changes happen in `run`."""

    def __init__(
        self,
        policies: Mapping[str, OutagePolicy],
        judge: Judge,
        ledger: Ledger,
        publisher: ModePublisher,
        clock: Clock,
        hooks: Hooks,
        egress_trunks: Iterable[str] = (),
        marks: Iterable[str] = (),
    ) -> None:
        """`marks` stand among the evidence of every change of a mode."""
        now = clock.now()
        self._policies = policies
        self._judge = judge
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._hooks = hooks
        self._egress_trunks = frozenset(egress_trunks)
        self._marks = tuple(marks)
        self._trunks = tuple(t for t in judge.targets if t.role is TargetRole.TRUNK)
        self.states: dict[str, ScopeState] = {scope: first_state(scope, now) for scope in policies}
        self.overrides: dict[OverrideTarget, Override] = {}
        self.verdicts: dict[TargetId, Verdict] = {t: judge.verdict(t, now) for t in judge.targets}
        self._told: dict[str, Decision] = {}
        self._decided_at: dict[str, Moment] = {}
        self._queue: asyncio.Queue[Item] = asyncio.Queue(QUEUE_ITEMS)
        self.dropped = 0
        self.restored = False
        self.turned_at: Moment | None = None  # when the latest turn ended

    def restore(self, states: Mapping[str, ScopeState], overrides: Iterable[Override]) -> None:
        """Takes what an earlier process stored, before `run`."""
        self.states.update({scope: state for scope, state in states.items() if scope in self._policies})
        self.overrides.update({o.target: o for o in overrides})
        self.restored = True

    def decision(self, scope: str) -> Decision:
        """What is decided for a scope at this moment."""
        return effective(self.states[scope], standing_override(self.overrides.values(), scope))

    def submit(self, item: Item) -> bool:
        """Puts an item into the queue; False when it is full and the item was dropped (and counted)."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped += 1
            return False
        return True

    async def order(self, order: Order) -> None:
        """A person's order; returns when it is decided and handed to the publisher."""
        await self._queue.put(order)
        await order.done

    async def tick(self) -> None:
        """Looks at the clock: hold-downs and overrides end by time alone."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            self.submit(None)

    async def run(self) -> None:
        """Takes items one at a time, for ever."""
        for scope in self._policies:
            self._publish(scope, self._clock.now())
        while True:
            await self.take(await self._queue.get())
            self.turned_at = self._clock.now()

    async def take(self, item: Item) -> None:
        """One turn."""
        now = self._clock.now()
        match item:
            case Observation() if item.target in self.verdicts:
                self._judge.observe(item)
                await self._weigh_after(item.target, now)
            case Observation():
                pass  # a trunk that was taken out of the configuration and still carries calls
            case CallOutcome():
                self._observe_call(item)
                await self._weigh_scope(item.scope, now)
            case CarrierCalled():
                self._judge.carrier_called(item.at)
            case None:
                await self._look_at_the_clock(now)
            case _:
                await self._obey(item, now)

    async def _weigh_after(self, target: TargetId, now: Moment) -> None:
        if target.role is TargetRole.PLATFORM:
            await self._weigh_scope(target.name, now)
            if self._judge.undecided(target):
                self._hooks.undecided()
            return
        self._weigh_trunk(target, now)
        # A witness was heard or missed: that may be what a silent platform's verdict was waiting for.
        for scope in self._policies:
            await self._weigh_scope(scope, now)

    def _weigh_trunk(self, target: TargetId, now: Moment) -> None:
        verdict, before = self._judge.verdict(target, now), self.verdicts.get(target)
        if verdict != before:
            self._note(target, verdict)
        if target.name in self._egress_trunks and target.role is TargetRole.TRUNK:
            key, down = f"egress/{target.name}", verdict.state is VerdictState.DOWN
            self._publisher.want(key, encode_egress(not down))
            if down and before is not None and before.state is not VerdictState.DOWN:
                # Whoever waits there goes on to the next trunk. A person who rings may yet answer.
                self._hooks.sweep(key, True)

    async def _look_at_the_clock(self, now: Moment) -> None:
        for override in list(self.overrides.values()):
            if override.expired(now.wall):
                await self._obey(ForgetExpired(override), now)
        for target in self._trunks:
            self._weigh_trunk(target, now)
        for scope in self._policies:
            await self._weigh_scope(scope, now)

    def _observe_call(self, outcome: CallOutcome) -> None:
        if outcome.outcome is not OutcomeClass.PUT_THROUGH and self._told.get(outcome.scope) is Decision.DIVERT:
            # No call is sent there now. What still comes back are the legs our own sweep freed: no evidence.
            return
        counts = self._judge.observe_call(outcome)
        state = self.states.get(outcome.scope)
        if state is None or state.mode is not Mode.TRIAL:
            return
        good = counts and outcome.outcome is OutcomeClass.PUT_THROUGH
        bad = counts and outcome.outcome in (OutcomeClass.FAILURE, OutcomeClass.UNDELIVERABLE)
        if good or bad:
            self.states[outcome.scope] = replace(state, trial=state.trial.another(good))

    async def _weigh_scope(self, scope: str, now: Moment, order: OrderFailback | None = None) -> None:
        if scope not in self._policies:
            return
        target = TargetId(TargetRole.PLATFORM, scope)
        verdict = self._judge.verdict(target, now)
        if verdict != self.verdicts.get(target):
            self._note(target, verdict)
        override = standing_override(self.overrides.values(), scope)
        frozen = override is not None and override.kind is OverrideKind.FREEZE
        step = decide(self.states[scope], verdict, now, self._policies[scope], frozen, order is not None)
        if step.transition is None:
            self.states[scope] = step.state
            return
        moved = replace(step.transition, evidence=(*step.transition.evidence, *self._marks))
        change = OutageChange(uuid4().hex, state=step.state, transition=moved, at=now.wall)
        if order is not None:
            change = replace(change, who=order.who, why=masked(order.why), by=order.signed_in_by)
        await self._move(step.state, moved, change, now)

    async def _move(self, state: ScopeState, transition: Transition, change: OutageChange, now: Moment) -> None:
        self.states[state.scope] = state
        if state.mode is Mode.TRIAL:
            self._judge.forget_calls(state.scope)
        log.warning(
            "mode changed",
            extra={
                "scope": state.scope,
                "before": transition.before.value,
                "after": transition.after.value,
                "reason": transition.reason.value,
                "sentence": transition.reason.sentence,
            },
        )
        await self._ledger.commit(change)
        self._publish(state.scope, now)

    def _publish(self, scope: str, now: Moment) -> None:
        """Hands the scope's decision to the publisher and starts the sweep that belongs to it."""
        state = self.states[scope]
        override = standing_override(self.overrides.values(), scope)
        decision = self.decision(scope)
        before = self._told.get(scope)
        if before is not decision:
            self._decided_at[scope] = now
        self._told[scope] = decision
        record = ModeRecord(
            decision=decision,
            one_in=self._policies[scope].trial_one_in if decision is Decision.TRIAL else 0,
            mode=state.mode,
            override=override.kind if override else None,
            unix_time=int(self._decided_at[scope].wall.timestamp()),
        )
        self._publisher.want(f"mode/{scope}", encode_mode(record))
        if decision is Decision.DIVERT and before is not Decision.DIVERT and before is not None:
            self._hooks.sweep(f"mode/{scope}", override is None and state.cause is Cause.REFUSING)
        self._hooks.swapped()

    async def _obey(self, order: Order, now: Moment) -> None:
        safe = None
        if isinstance(order, OrderFailback):
            await self._weigh_scope(order.scope, now, order)
        elif isinstance(order, AdoptStored):
            targets, changes = adopt(order, self.overrides, now.wall)
            self._overridden(targets, now)
            for state in told(order, self.states):
                self.states[state.scope] = state
                self._publish(state.scope, now)
            for found in changes:
                safe = await self._ledger.commit(found)
        else:
            try:
                change = carried_out(order, self.overrides, now.wall)
            except Overtaken as error:
                order.fail(error)
                return
            if change is not None:
                # A person waits, and callers do: what is said is published first, and stored all the same.
                also = () if change.override_released is None else (change.override_released,)
                self._overridden([order.about, *also], now)
                safe = await self._ledger.commit(change)
        order.finish(safe)
        self._hooks.swapped()

    def _overridden(self, targets: Sequence[OverrideTarget], now: Moment) -> None:
        for target in targets:
            kind = self.overrides[target].kind.value if target in self.overrides else "released"
            about = {"target_level": target.level.name.lower(), "scope": target.scope, "kind": kind}
            log.warning("override changed", extra=about)
        for scope in self._policies:
            if any(target.concerns(scope) for target in targets):
                self._publish(scope, now)
        if narrow := [target for target in targets if not target.is_wide]:
            self._hooks.narrow_changed(narrow)

    def _note(self, target: TargetId, verdict: Verdict) -> None:
        before = self.verdicts.get(target)
        self.verdicts[target] = verdict
        if before is None or (before.state, before.reason) != (verdict.state, verdict.reason):
            log.info(
                "verdict changed",
                extra={
                    "target": str(target),
                    "state": verdict.state.value,
                    "reason": verdict.reason.value,
                    "evidence": [f"{line.kind}: {line.speaks}: {line.words}" for line in verdict.evidence],
                },
            )
            self._hooks.swapped()
