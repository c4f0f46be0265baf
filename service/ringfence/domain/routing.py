"""From the directory to the route plan of one DID: which steps, and in which order.

`route_table` compiles every DID with this. What a line kind may reach is one table, `line_kinds`.

Every plan ends in an announcement, holds at most `MAX_STEPS` steps and no target twice, and all its ringing
stays within the ring budget: a step that the carrier's own timeout would cut off helps nobody.

Where a DID is a team's line, the team stands where its place does, before the number that takes over when nobody of
the team did; and it is asked first whether the site is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ringfence.domain.directory import (
    DEFAULT_ANNOUNCEMENT,
    DidAssignment,
    Directory,
    Person,
    Site,
)
from ringfence.domain.line_kinds import SOURCES, SPOKEN, Source
from ringfence.domain.numbers import mask
from ringfence.domain.policy import Refusal
from ringfence.domain.ring_budget import left_out_of, within_budget
from ringfence.domain.route_plan import (
    MAX_STEPS,
    NUMBERS,
    PRIVATE,
    LeftOut,
    Omission,
    PlannedStep,
    RoutePlan,
    Step,
    StepKind,
    StepReason,
)
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLines
from ringfence.domain.team import record_id
from ringfence.domain.team_records import team_target


@dataclass(frozen=True, slots=True)
class TrunkFallback:
    """What becomes of a DID without a record that came in on `trunk`, when its calls cannot go to `scope`."""

    trunk: str
    scope: str
    fallback_number: str | None = None
    announcement: str = DEFAULT_ANNOUNCEMENT


def plan_for(
    assignment: DidAssignment, directory: Directory, policy: RoutingPolicy, teams: TeamLines | None = None
) -> RoutePlan:
    """The plans of one DID of this directory. `teams`, of the same directory and policy: for whoever asks for many."""
    site = directory.sites[assignment.site]
    teams = teams or TeamLines(directory, policy)
    candidates = list(_candidates(assignment, directory, site, policy, teams))
    steps, left_out = _choose(candidates, directory, policy)
    last = PlannedStep(Step(StepKind.ANNOUNCEMENT, site.announcement, 0), StepReason.LAST_RESORT)
    public = tuple(planned for planned in steps if planned.step.kind not in PRIVATE)
    return RoutePlan(
        did=assignment.did,
        scope=assignment.scope,
        kind=assignment.kind,
        critical=assignment.critical,
        plan=(*steps, last),
        undeliverable=(*public, last),
        left_out=(*_absences(assignment, directory, site, teams), *left_out),
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
    assignment: DidAssignment, directory: Directory, site: Site, policy: RoutingPolicy, teams: TeamLines
) -> Iterator[PlannedStep]:
    """Everything that might be a step, in order; a team's ring_seconds are those of one attempt still."""
    if assignment.divert_number is not None:
        yield _public(assignment.divert_number, policy, StepReason.DIVERT_NUMBER)
    sources = SOURCES[assignment.kind]
    is_team_line = bool(assignment.team) and Source.SITE in sources
    rings_team = is_team_line and assignment.kind in SPOKEN
    if rings_team and site.opening:
        yield PlannedStep(Step(StepKind.OPENING, record_id(site.name), 0), StepReason.OPENING_HOURS, site.name)
    for source in sources:
        if source is Source.SITE:
            if rings_team and teams.line(assignment.team).is_staffed:
                rung = teams.line(assignment.team).team.ring_seconds
                step = Step(StepKind.TEAM, team_target(assignment.team), rung)
                yield PlannedStep(step, StepReason.TEAM, assignment.team)
            backstop = directory.teams[assignment.team].backstop_number if is_team_line else None
            if backstop is not None:
                yield _public(backstop, policy, StepReason.TEAM_BACKSTOP)
            elif site.fallback_number is not None:
                yield _public(site.fallback_number, policy, StepReason.SITE_FALLBACK)
        elif assignment.owner is not None and assignment.hold is None:
            answers, reason = _who_answers(directory.people[assignment.owner], directory)
            for number in answers.default_numbers:
                asks = policy.press_one.asks(number)
                yield PlannedStep(Step(StepKind.PERSON, number.e164, number.ring_seconds, number.hours, asks), reason)
    if site.voicemail and assignment.kind in SPOKEN:
        yield PlannedStep(Step(StepKind.VOICEMAIL, site.voicemail, 0), StepReason.SITE_VOICEMAIL)


def _public(number: str, policy: RoutingPolicy, reason: StepReason) -> PlannedStep:
    return PlannedStep(Step(StepKind.SITE, number, policy.site_ring_seconds), reason)


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
    steps, late = within_budget(allowed, policy.ring_budget_seconds)
    left_out += late
    while len(steps) > MAX_STEPS - 1:
        latest = max(index for index, item in enumerate(steps) if item.step.kind is StepKind.PERSON)
        left_out.append(left_out_of(steps.pop(latest), Omission.TOO_MANY_STEPS))
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
        if planned.step.kind not in NUMBERS:
            allowed.append(planned)
            continue
        refusal = policy.gate.why_not(target, directory.assignments)
        if refusal is not None:
            left_out.append(_refused(planned, refusal, policy, directory))
        elif target in seen or (planned.step.kind is StepKind.PERSON and target in public):
            left_out.append(left_out_of(planned, Omission.ALREADY_IN_PLAN))
        else:
            seen.add(target)
            allowed.append(planned)
    return allowed, left_out


def _refused(planned: PlannedStep, refusal: Refusal, policy: RoutingPolicy, directory: Directory) -> LeftOut:
    way = policy.gate.way_back(planned.step.target, directory.assignments)
    left_out = left_out_of(planned, Omission.NUMBER_REFUSED if way is None else Omission.WOULD_LOOP, refusal)
    return left_out if way is None or len(way.numbers) == 1 else replace(left_out, way=way.words)


def _absences(assignment: DidAssignment, directory: Directory, site: Site, teams: TeamLines) -> Iterator[LeftOut]:
    sources = SOURCES[assignment.kind]
    if not sources:
        if assignment.divert_number is None:
            yield LeftOut("", Omission.KIND_NEVER_DIVERTED)
        return
    if Source.OWNER not in sources:
        if not assignment.team or assignment.kind not in SPOKEN:
            yield LeftOut("", Omission.KIND_NEVER_TO_A_PERSON)
    elif assignment.hold is not None:
        yield LeftOut("", Omission(assignment.hold.value), until=assignment.hold_until)
    elif assignment.owner is None:
        if not assignment.team:  # a team's line needs no owner
            yield LeftOut("", Omission.VACANT)
    else:
        yield from _owners_absences(directory.people[assignment.owner], directory)
    team = directory.teams.get(assignment.team) if Source.SITE in sources else None
    if team is not None and assignment.kind in SPOKEN and not teams.line(team.name).is_staffed:
        yield LeftOut(team.name, Omission.TEAM_BELOW_FLOOR)
    if site.fallback_number is None and (team is None or team.backstop_number is None):
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
