"""From the directory to the route plan of one DID: which steps, and in which order.

`route_table` compiles every DID with this. What a line kind may reach is one table, `SOURCES`.

Every plan ends in an announcement, holds at most `MAX_STEPS` steps and no target twice, and all its ringing
stays within the ring budget: a step that the carrier's own timeout would cut off helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ringfence.domain.directory import (
    DEFAULT_ANNOUNCEMENT,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    DidAssignment,
    Directory,
    LineKind,
    Person,
    Site,
)
from ringfence.domain.numbers import mask
from ringfence.domain.policy import EgressGate, Refusal
from ringfence.domain.route_plan import (
    MAX_STEPS,
    LeftOut,
    Omission,
    PlannedStep,
    RoutePlan,
    Step,
    StepKind,
    StepReason,
)


class Source(StrEnum):
    """Where the steps before the announcement come from."""

    OWNER = "owner"
    SITE = "site"


# Machines that talk to machines (fax, alarm) have nothing to say to a person: they get the announcement
# alone, so that their own second path takes over. A lift, a telecare alarm, a door and a child or adult at
# risk need somebody on duty who answers: the site, and never somebody's mobile at home. A switchboard is
# asked for by its place before its owner.
SOURCES: Final[dict[LineKind, tuple[Source, ...]]] = {
    LineKind.VOICE: (Source.OWNER, Source.SITE),
    LineKind.SWITCHBOARD: (Source.SITE, Source.OWNER),
    LineKind.SAFEGUARDING: (Source.SITE,),
    LineKind.LIFT: (Source.SITE,),
    LineKind.TELECARE: (Source.SITE,),
    LineKind.DOOR: (Source.SITE,),
    LineKind.FAX: (),
    LineKind.ALARM: (),
}


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`ring_budget_seconds` is 30 to 150: carriers cut a ringing call off after 120 to 180 s, and the
    announcement has to be heard before. `site_ring_seconds` is 5 to 120 and at least 5 below the budget."""

    gate: EgressGate
    ring_budget_seconds: int = 90
    site_ring_seconds: int = 30

    def __post_init__(self) -> None:
        assert MIN_RING_SECONDS <= self.site_ring_seconds <= MAX_RING_SECONDS
        assert self.site_ring_seconds + MIN_RING_SECONDS <= self.ring_budget_seconds


@dataclass(frozen=True, slots=True)
class TrunkFallback:
    """What becomes of a DID without a record that came in on `trunk`, when its calls cannot go to `scope`."""

    trunk: str
    scope: str
    fallback_number: str | None = None
    announcement: str = DEFAULT_ANNOUNCEMENT


def plan_for(assignment: DidAssignment, directory: Directory, policy: RoutingPolicy) -> RoutePlan:
    """The plans of one DID of this directory."""
    site = directory.sites[assignment.site]
    candidates = list(_candidates(assignment, directory, site, policy))
    steps, left_out = _choose(candidates, directory, policy)
    last = PlannedStep(Step(StepKind.ANNOUNCEMENT, site.announcement, 0), StepReason.LAST_RESORT)
    public = tuple(planned for planned in steps if planned.step.kind is not StepKind.PERSON)
    return RoutePlan(
        did=assignment.did,
        scope=assignment.scope,
        kind=assignment.kind,
        critical=assignment.critical,
        plan=(*steps, last),
        undeliverable=(*public, last),
        left_out=(*_absences(assignment, directory, site), *left_out),
    )


def fallback_steps(fallback: TrunkFallback, directory: Directory, policy: RoutingPolicy) -> tuple[PlannedStep, ...]:
    """The plan of a trunk's unknown DIDs; the undeliverable plan is the same, for it holds no private
    number."""
    candidates = []
    if fallback.fallback_number is not None:
        step = Step(StepKind.SITE, fallback.fallback_number, policy.site_ring_seconds)
        candidates.append(PlannedStep(step, StepReason.TRUNK_FALLBACK))
    steps, _ = _choose(candidates, directory, policy)
    last = PlannedStep(Step(StepKind.ANNOUNCEMENT, fallback.announcement, 0), StepReason.LAST_RESORT)
    return (*steps, last)


def _candidates(
    assignment: DidAssignment, directory: Directory, site: Site, policy: RoutingPolicy
) -> Iterator[PlannedStep]:
    for source in SOURCES[assignment.kind]:
        if source is Source.SITE and site.fallback_number is not None:
            step = Step(StepKind.SITE, site.fallback_number, policy.site_ring_seconds)
            yield PlannedStep(step, StepReason.SITE_FALLBACK)
        if source is Source.OWNER and assignment.owner is not None and assignment.hold is None:
            answers, reason = _who_answers(directory.people[assignment.owner], directory)
            for number in answers.default_numbers:
                step = Step(StepKind.PERSON, number.e164, number.ring_seconds, number.hours)
                yield PlannedStep(step, reason)


def _who_answers(owner: Person, directory: Directory) -> tuple[Person, StepReason]:
    """The owner, or the deputy and nobody after the deputy: a chain of absent people would end with a stranger."""
    if owner.deputy is None:
        return owner, StepReason.OWNERS_DEFAULT_NUMBER
    return directory.people[owner.deputy], StepReason.DEPUTY


def _choose(
    candidates: list[PlannedStep], directory: Directory, policy: RoutingPolicy
) -> tuple[list[PlannedStep], list[LeftOut]]:
    """Keep what may be dialled and fits."""
    allowed, left_out = _dialable(candidates, directory, policy)
    steps, late = _within_budget(allowed, policy.ring_budget_seconds)
    left_out += late
    while len(steps) > MAX_STEPS - 1:
        latest = max(index for index, item in enumerate(steps) if item.step.kind is StepKind.PERSON)
        left_out.append(_left_out(steps.pop(latest), Omission.TOO_MANY_STEPS))
    return steps, left_out


def _dialable(
    candidates: list[PlannedStep], directory: Directory, policy: RoutingPolicy
) -> tuple[list[PlannedStep], list[LeftOut]]:
    """Without refused and repeated numbers. A person who gave the site's own fallback number keeps it as the
    site's: only so is it part of the undeliverable plan too."""
    allowed: list[PlannedStep] = []
    left_out: list[LeftOut] = []
    public = {item.step.target for item in candidates if item.step.kind is StepKind.SITE}
    seen: set[str] = set()
    for planned in candidates:
        target = planned.step.target
        refusal = policy.gate.why_not(target, directory.assignments)
        if refusal is not None:
            left_out.append(_left_out(planned, Omission.NUMBER_REFUSED, refusal))
        elif target in seen or (planned.step.kind is StepKind.PERSON and target in public):
            left_out.append(_left_out(planned, Omission.ALREADY_IN_PLAN))
        else:
            seen.add(target)
            allowed.append(planned)
    return allowed, left_out


def _within_budget(allowed: list[PlannedStep], ring_budget_seconds: int) -> tuple[list[PlannedStep], list[LeftOut]]:
    """The site's ringing is set aside first, for somebody is on duty there. A person is rung for as long as
    he asked for or not at all, except the first: better short than never. After one that does not fit, no
    later one is tried, so that the order people see is the order they gave."""
    steps: list[PlannedStep] = []
    left_out: list[LeftOut] = []
    people = [item for item in allowed if item.step.kind is StepKind.PERSON]
    remaining = ring_budget_seconds - sum(item.step.ring_seconds for item in allowed if item.step.kind is StepKind.SITE)
    for planned in allowed:
        step = planned.step
        if step.kind is not StepKind.PERSON:
            steps.append(planned)
            continue
        if planned is people[0]:
            step = replace(step, ring_seconds=min(step.ring_seconds, remaining))
        if step.ring_seconds > remaining:
            left_out.append(_left_out(planned, Omission.RING_BUDGET_SPENT))
            remaining = 0
            continue
        remaining -= step.ring_seconds
        steps.append(PlannedStep(step, planned.reason))
    return steps, left_out


def _absences(assignment: DidAssignment, directory: Directory, site: Site) -> Iterator[LeftOut]:
    sources = SOURCES[assignment.kind]
    if not sources:
        yield LeftOut("", Omission.KIND_NEVER_DIVERTED)
        return
    if Source.OWNER not in sources:
        yield LeftOut("", Omission.KIND_NEVER_TO_A_PERSON)
    elif assignment.hold is not None:
        yield LeftOut("", Omission(assignment.hold.value), until=assignment.hold_until)
    elif assignment.owner is None:
        yield LeftOut("", Omission.VACANT)
    else:
        yield from _owners_absences(directory.people[assignment.owner], directory)
    if site.fallback_number is None:
        yield LeftOut("", Omission.SITE_HAS_NO_FALLBACK)


def _owners_absences(owner: Person, directory: Directory) -> Iterator[LeftOut]:
    for number, why in owner.withheld:
        yield LeftOut(mask(number.e164), Omission(why.value))
    answers, reason = _who_answers(owner, directory)
    if answers.default_numbers:
        return
    if reason is StepReason.DEPUTY:
        yield LeftOut("", Omission.DEPUTY_HAS_NO_DEFAULT_NUMBER)
    elif not owner.withheld:
        yield LeftOut("", Omission.OWNER_HAS_NO_DEFAULT_NUMBER)


def _left_out(planned: PlannedStep, omission: Omission, refusal: Refusal | None = None) -> LeftOut:
    step = planned.step
    return LeftOut(mask(step.target) if step.kind is StepKind.PERSON else step.target, omission, refusal)
