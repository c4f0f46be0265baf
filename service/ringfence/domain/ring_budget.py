"""How a plan's steps share the ring budget, for `routing`: who rings how long, and who not at all."""

from __future__ import annotations

from dataclasses import replace

from ringfence.domain.directory import MAX_RING_SECONDS, MIN_RING_SECONDS
from ringfence.domain.numbers import mask
from ringfence.domain.policy import Refusal
from ringfence.domain.route_plan import LeftOut, Omission, PlannedStep, StepKind


def within_budget(allowed: list[PlannedStep], ring_budget_seconds: int) -> tuple[list[PlannedStep], list[LeftOut]]:
    """The ringing of places is set aside first, for somebody is on duty there, then one attempt of the team. A person
    is rung for as long as he asked for or not at all, except the first: better short than never. After one that does
    not fit, no later one is tried, so that the order people see is the order they gave. The team has what is left."""
    team = any(item.step.kind is StepKind.TEAM for item in allowed)
    if not team and sum(item.step.ring_seconds for item in allowed) <= ring_budget_seconds:
        return allowed, []  # as nearly every plan
    allowed = _places_within(allowed, ring_budget_seconds)
    steps: list[PlannedStep] = []
    left_out: list[LeftOut] = []
    people = [item for item in allowed if item.step.kind is StepKind.PERSON]
    remaining = ring_budget_seconds - _ringing(allowed, StepKind.SITE)
    team_seconds = min(_ringing(allowed, StepKind.TEAM), remaining)
    remaining -= team_seconds
    spent = False
    for planned in allowed:
        step = planned.step
        if step.kind is not StepKind.PERSON:
            steps.append(planned)
            continue
        if planned is people[0]:
            step = replace(step, ring_seconds=min(step.ring_seconds, remaining))
        if spent or not MIN_RING_SECONDS <= step.ring_seconds <= remaining:
            left_out.append(left_out_of(planned, Omission.RING_BUDGET_SPENT))
            spent = True
            continue
        remaining -= step.ring_seconds
        steps.append(PlannedStep(step, planned.reason))
    return _with_team(steps, team_seconds + remaining, left_out), left_out


def _places_within(allowed: list[PlannedStep], ring_budget_seconds: int) -> list[PlannedStep]:
    """Two places share the budget where both do not fit."""
    places = sum(item.step.kind is StepKind.SITE for item in allowed)
    if _ringing(allowed, StepKind.SITE) <= ring_budget_seconds:
        return allowed
    share = ring_budget_seconds // places
    return [
        replace(item, step=replace(item.step, ring_seconds=min(item.step.ring_seconds, share)))
        if item.step.kind is StepKind.SITE
        else item
        for item in allowed
    ]


def _with_team(steps: list[PlannedStep], seconds: int, left_out: list[LeftOut]) -> list[PlannedStep]:
    found = []
    for planned in steps:
        if planned.step.kind is not StepKind.TEAM:
            found.append(planned)
        elif seconds < MIN_RING_SECONDS:
            left_out.append(LeftOut("", Omission.RING_BUDGET_SPENT))
        else:
            found.append(replace(planned, step=replace(planned.step, ring_seconds=min(seconds, MAX_RING_SECONDS))))
    return found


def _ringing(steps: list[PlannedStep], kind: StepKind) -> int:
    return sum(item.step.ring_seconds for item in steps if item.step.kind is kind)


def left_out_of(planned: PlannedStep, omission: Omission, refusal: Refusal | None = None) -> LeftOut:
    step = planned.step
    return LeftOut(mask(step.target) if step.kind is StepKind.PERSON else step.target, omission, refusal)
