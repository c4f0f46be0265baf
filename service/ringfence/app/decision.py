"""What is done with a call to one DID now, and why, in the words of the dialplan: what `explain` tells people and the
FastAGI door tells a dialplan that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from ringfence.app.operator import Explanation
from ringfence.app.snapshot import Snapshot
from ringfence.domain.outage import Decision
from ringfence.domain.override import OverrideKind
from ringfence.domain.records import Forced, RouteRecord, record_of
from ringfence.domain.route_plan import StepKind


class Answer(StrEnum):
    """What a dialplan that asks shall do."""

    PLATFORM = "platform"
    PLAN = "plan"
    ANNOUNCEMENT = "announcement"
    """The plan, which has nothing but its announcement."""


@dataclass(frozen=True, slots=True)
class Decided:
    """`reason` as in the dialplan's events. `steps`: the kinds of the plan's steps, and no number."""

    answer: Answer
    decision: Decision
    reason: str
    scope: str
    forced: Forced
    steps: tuple[str, ...]


def lost_scope(explanation: Explanation, snapshot: Snapshot) -> str | None:
    """The platform it belongs to when that is not configured: the dialplan passes its record over, whatever it says."""
    known = explanation.held or explanation.plan
    if known is None or not snapshot.scopes or known.scope in snapshot.scopes:
        return None
    return known.scope


def decision_of(explanation: Explanation, snapshot: Snapshot) -> Decision | None:
    """The DID's own word beats its scope's decision. None: it is not ours, or its platform is not configured."""
    forced = _forced(explanation)
    if forced is not Forced.NONE:
        return Decision(forced.value)
    known = explanation.held or explanation.plan
    view = None if known is None else snapshot.scopes.get(known.scope)
    if view is None:
        return None
    critical_in_trial = view.decision is Decision.TRIAL and known is not None and known.critical
    return Decision.DIVERT if critical_in_trial else view.decision


def decided(explanation: Explanation, snapshot: Snapshot, one_in: Mapping[str, int], random: Random) -> Decided | None:
    """The answer for one call. None: no opinion, what the dialplan knows by itself holds. `one_in`, by scope, 1 to 100:
    in a trial one call in so many goes to the platform."""
    decision, record = decision_of(explanation, snapshot), _record(explanation)
    if decision is None or record is None or lost_scope(explanation, snapshot) is not None:
        return None
    forced = _forced(explanation)
    reason = f"forced-{forced}" if forced is not Forced.NONE else f"scope-{snapshot.scopes[record.scope].decision}"
    kinds = tuple(step.kind for step in record.plan)
    drawn = decision is Decision.TRIAL and random.randrange(one_in.get(record.scope, 1)) == 0
    if drawn or decision in (Decision.NORMAL, Decision.PINNED):
        answer = Answer.PLATFORM
    else:
        answer = Answer.ANNOUNCEMENT if kinds == (StepKind.ANNOUNCEMENT,) else Answer.PLAN
    return Decided(answer, decision, reason, record.scope, forced, tuple(kind.name.lower() for kind in kinds))


def _forced(explanation: Explanation) -> Forced:
    word = explanation.override
    if word is None or word.kind is OverrideKind.FREEZE:
        return Forced.NONE
    return Forced.DIVERT if word.kind is OverrideKind.DR else Forced.PINNED


def _record(explanation: Explanation) -> RouteRecord | None:
    """What the dialplan would run; the directory's plan where Asterisk could not be asked for it."""
    if explanation.equal is None and explanation.plan is not None:
        return record_of(explanation.plan)
    return explanation.held
