"""Coverage: of how many DIDs the plan ends up with somebody who is known to answer, and why the others' do not.

A DID is covered when a number of its owner (or of the owner's deputy) is in the plan, may be rung as far as consent
goes, and was confirmed lately. Consent that nobody stated is enough unless the configuration requires it; consent that
was withdrawn never is. Hours do not count against a number. A line that goes to a place before any person (a lift, a
door, a switchboard) is covered by the site's fallback number, and a team's line by a number of one of its members or by
the place that takes over. Machines' lines (fax, alarm) count where they have a number of their own to be diverted to,
and are left out where not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from ringfence.domain.directory import Consent, DefaultNumber, DidAssignment, Directory, LineKind, NotRung, Person
from ringfence.domain.line_kinds import SOURCES, SPOKEN, Source
from ringfence.domain.numbers import Did
from ringfence.domain.route_plan import StepKind, StepReason
from ringfence.domain.routing import plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLine, TeamLines

MAX_UNCOVERED: Final = 1000


class CoverageReason(StrEnum):
    """Why a DID is not covered: one a DID, that which has to be mended first."""

    CLAIMED_TWICE = "claimed_twice"
    QUARANTINE = "quarantine"
    VACANT = "vacant"
    NOT_STARTED = "owner_not_started"
    LEFT = "owner_left"
    AWAY = "owner_away"
    NO_DEFAULT_NUMBER = "no_default_number"
    NUMBER_REFUSED = "number_refused"
    WOULD_LOOP = "would_loop"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_MISSING = "consent_missing"
    NEVER_CONFIRMED = "never_confirmed"
    CONFIRMED_TOO_LONG_AGO = "confirmed_too_long_ago"
    NO_SITE_FALLBACK = "no_site_fallback"
    SITE_FALLBACK_REFUSED = "site_fallback_refused"
    TEAM_BELOW_FLOOR = "team_below_floor"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES: Final = {
    CoverageReason.CLAIMED_TWICE: "two people claim the DID, and nobody has decided",
    CoverageReason.QUARANTINE: "its last owner left lately, so it rings the site only",
    CoverageReason.VACANT: "nobody owns the DID",
    CoverageReason.NOT_STARTED: "the owner has not started yet",
    CoverageReason.LEFT: "the owner has left",
    CoverageReason.AWAY: "the owner is away, and no deputy's number rings",
    CoverageReason.NO_DEFAULT_NUMBER: "the owner has no default number",
    CoverageReason.NUMBER_REFUSED: "no number of the owner may be dialled",
    CoverageReason.WOULD_LOOP: "a call to the owner's number would come back to us",
    CoverageReason.CONSENT_WITHDRAWN: "the owner has withdrawn consent",
    CoverageReason.CONSENT_MISSING: "consent is required, and the owner has not given it",
    CoverageReason.NEVER_CONFIRMED: "nobody ever confirmed that the number reaches the owner",
    CoverageReason.CONFIRMED_TOO_LONG_AGO: "the number was confirmed too long ago",
    CoverageReason.NO_SITE_FALLBACK: "the site has no fallback number",
    CoverageReason.SITE_FALLBACK_REFUSED: "the site's fallback number may not be dialled",
    CoverageReason.TEAM_BELOW_FLOOR: "too few members of the team can be reached, and no place takes over",
}

_OF_NOT_RUNG: Final = {
    NotRung.NOT_STARTED: CoverageReason.NOT_STARTED,
    NotRung.LEFT: CoverageReason.LEFT,
    NotRung.AWAY: CoverageReason.AWAY,
    NotRung.CONSENT_WITHDRAWN: CoverageReason.CONSENT_WITHDRAWN,
    NotRung.CONSENT_MISSING: CoverageReason.CONSENT_MISSING,
    NotRung.QUARANTINE: CoverageReason.QUARANTINE,
    NotRung.CLAIMED_TWICE: CoverageReason.CLAIMED_TWICE,
}


@dataclass(frozen=True, slots=True)
class CoveragePolicy:
    """`confirmed_days`: for so many days a confirmation counts, 1 to 3650."""

    confirmed_days: int = 180
    require_consent: bool = False

    def __post_init__(self) -> None:
        assert 1 <= self.confirmed_days <= 3650


@dataclass(frozen=True, slots=True)
class Coverage:
    """`dids` are those that count, `covered` of them are. `uncovered` lists the others, at most `MAX_UNCOVERED` of
    them; `reasons` counts them all, the most frequent first."""

    dids: int
    covered: int
    reasons: Mapping[CoverageReason, int]
    uncovered: tuple[tuple[Did, CoverageReason], ...]

    @property
    def percent(self) -> float:
        return percent_of(self.covered, self.dids)


def percent_of(covered: int, dids: int) -> float:
    """0 to 100, rounded down to a tenth: a target is not reached by rounding. 100 when there is no DID to cover."""
    return covered * 1000 // dids / 10 if dids else 100.0


def coverage(directory: Directory, routing: RoutingPolicy, policy: CoveragePolicy, today: date) -> Coverage:
    """Compiles the plan of every DID: some 20 µs each, so a thread's work."""
    dids, counts, uncovered = 0, Counter[CoverageReason](), list[tuple[Did, CoverageReason]]()
    teams = TeamLines(directory, routing)
    for assignment in directory.assignments.values():
        if not SOURCES[assignment.kind] and assignment.divert_number is None:
            continue
        dids += 1
        reason = why_uncovered(assignment, directory, routing, policy, today, teams)
        if reason is not None:
            counts[reason] += 1
            if len(uncovered) < MAX_UNCOVERED:
                uncovered.append((assignment.did, reason))
    return Coverage(dids, dids - counts.total(), dict(counts.most_common()), tuple(uncovered))


def why_uncovered(
    assignment: DidAssignment,
    directory: Directory,
    routing: RoutingPolicy,
    policy: CoveragePolicy,
    today: date,
    teams: TeamLines | None = None,
) -> CoverageReason | None:
    """Why this one DID is not covered; None when it is. Not for a line that is never diverted. `teams`: as `plan_for`
    takes them."""
    teams = teams or TeamLines(directory, routing)
    plan = plan_for(assignment, directory, routing, teams).plan
    if any(planned.reason is StepReason.DIVERT_NUMBER for planned in plan):
        return None
    if not SOURCES[assignment.kind]:
        return CoverageReason.NUMBER_REFUSED
    steps = [planned.step for planned in plan]
    if any(step.kind is StepKind.TEAM for step in steps):
        return _of_team(teams.line(assignment.team), policy, today)
    if assignment.team and assignment.owner is None and assignment.kind in SPOKEN:
        # Who takes over for a team that is passed over is a place.
        return None if any(step.kind is StepKind.SITE for step in steps) else CoverageReason.TEAM_BELOW_FLOOR
    if _site_first(assignment.kind):
        if any(step.kind is StepKind.SITE for step in steps):
            return None
        without = directory.sites[assignment.site].fallback_number is None
        return CoverageReason.NO_SITE_FALLBACK if without else CoverageReason.SITE_FALLBACK_REFUSED
    if assignment.hold is not None:
        return _OF_NOT_RUNG[assignment.hold]
    if assignment.owner is None:
        return CoverageReason.VACANT
    # The site's own number counts for a person who named it: whoever it rings, the plan rings it.
    targets = {step.target for step in steps if step.kind is not StepKind.ANNOUNCEMENT}
    owner = directory.people[assignment.owner]
    answers = owner if owner.deputy is None else directory.people[owner.deputy]
    rung = [number for number in answers.default_numbers if number.e164 in targets]
    if rung:
        return _of_numbers(rung, policy, today)
    return _of_nobody(owner, directory, routing) if owner.deputy is None else CoverageReason.AWAY


def _of_team(line: TeamLine, policy: CoveragePolicy, today: date) -> CoverageReason | None:
    rung = []
    for member in line.members:
        targets = {step.target for step in member.steps}
        rung += [number for number in member.person.default_numbers if number.e164 in targets]
    return _of_numbers(rung, policy, today)


def _site_first(kind: LineKind) -> bool:
    return SOURCES[kind][0] is Source.SITE


def _of_numbers(rung: list[DefaultNumber], policy: CoveragePolicy, today: date) -> CoverageReason | None:
    agreed = [number for number in rung if _agreed(number, policy)]
    if not agreed:
        withdrawn = any(number.consent is Consent.WITHDRAWN for number in rung)
        return CoverageReason.CONSENT_WITHDRAWN if withdrawn else CoverageReason.CONSENT_MISSING
    confirmed = [number.confirmed_on for number in agreed if number.confirmed_on is not None]
    if not confirmed:
        return CoverageReason.NEVER_CONFIRMED
    lately = max(confirmed) >= today - timedelta(days=policy.confirmed_days)
    return None if lately else CoverageReason.CONFIRMED_TOO_LONG_AGO


def _of_nobody(owner: Person, directory: Directory, routing: RoutingPolicy) -> CoverageReason:
    withheld = {why for _, why in owner.withheld}
    for not_rung, reason in _OF_NOT_RUNG.items():
        if not_rung in withheld:
            return reason
    if not owner.default_numbers:
        return CoverageReason.NO_DEFAULT_NUMBER
    ways = (routing.gate.way_back(number.e164, directory.assignments) for number in owner.default_numbers)
    return CoverageReason.NUMBER_REFUSED if None in ways else CoverageReason.WOULD_LOOP


def _agreed(number: DefaultNumber, policy: CoveragePolicy) -> bool:
    if number.consent is Consent.NOT_STATED:
        return not policy.require_consent
    return number.consent is Consent.GIVEN
