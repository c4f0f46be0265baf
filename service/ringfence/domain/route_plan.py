"""One DID's route plan as a value: its steps, why each is there, and why something one might expect is not.

`routing` makes them, `route_table` writes them into records, `ringfence explain` shows them to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ringfence.domain.directory import LineKind
from ringfence.domain.numbers import Did, mask
from ringfence.domain.policy import Refusal
from ringfence.domain.ring_hours import RingHours

MAX_STEPS: Final = 8


class StepKind(StrEnum):
    """The letters of the record's steps."""

    PERSON = "p"
    SITE = "s"
    ANNOUNCEMENT = "a"
    TEAM = "t"
    VOICEMAIL = "v"
    OPENING = "o"
    """No target: on to the site's out-of-hours plan unless the site is open now."""


NUMBERS: Final = frozenset({StepKind.PERSON, StepKind.SITE})
"""Steps whose target is a number."""

PRIVATE: Final = frozenset({StepKind.PERSON, StepKind.TEAM})
"""Steps that ring private numbers: never in an undeliverable plan."""


class StepReason(StrEnum):
    """Why a step is in a plan."""

    OWNERS_DEFAULT_NUMBER = "owners_default_number"
    DEPUTY = "deputy"
    SITE_FALLBACK = "site_fallback"
    TRUNK_FALLBACK = "trunk_fallback"
    DIVERT_NUMBER = "divert_number"
    OPENING_HOURS = "opening_hours"
    TEAM = "team"
    TEAM_BACKSTOP = "team_backstop"
    SITE_VOICEMAIL = "site_voicemail"
    LAST_RESORT = "last_resort"

    @property
    def sentence(self) -> str:
        return _STEP_SENTENCES[self]


class Omission(StrEnum):
    """Why something a person might expect is not in a plan. Every `NotRung` is one of them, by its value."""

    NUMBER_REFUSED = "number_refused"
    WOULD_LOOP = "would_loop"
    VACANT = "vacant"
    OWNER_HAS_NO_DEFAULT_NUMBER = "owner_has_no_default_number"
    OWNER_NOT_STARTED = "owner_not_started"
    OWNER_LEFT = "owner_left"
    OWNER_AWAY = "owner_away"
    DEPUTY_HAS_NO_DEFAULT_NUMBER = "deputy_has_no_default_number"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_MISSING = "consent_missing"
    QUARANTINE = "quarantine"
    CLAIMED_TWICE = "claimed_twice"
    SITE_HAS_NO_FALLBACK = "site_has_no_fallback"
    KIND_NEVER_TO_A_PERSON = "kind_never_to_a_person"
    KIND_NEVER_DIVERTED = "kind_never_diverted"
    ALREADY_IN_PLAN = "already_in_plan"
    RING_BUDGET_SPENT = "ring_budget_spent"
    TOO_MANY_STEPS = "too_many_steps"
    TEAM_BELOW_FLOOR = "team_below_floor"

    @property
    def sentence(self) -> str:
        return _OMISSION_SENTENCES[self]


_STEP_SENTENCES: Final = {
    StepReason.OWNERS_DEFAULT_NUMBER: "the owner's default number",
    StepReason.DEPUTY: "the default number of the deputy of the owner, who is away",
    StepReason.SITE_FALLBACK: "the fallback number of the site",
    StepReason.TRUNK_FALLBACK: "the fallback number for unknown DIDs of this trunk",
    StepReason.DIVERT_NUMBER: "the number this DID is to be diverted to",
    StepReason.OPENING_HOURS: "while the site is closed, its out-of-hours plan takes over here",
    StepReason.TEAM: "the members of the team whose line this is",
    StepReason.TEAM_BACKSTOP: "the number that takes over when nobody of the team does",
    StepReason.SITE_VOICEMAIL: "the voicemail box of the site",
    StepReason.LAST_RESORT: "the announcement every plan ends in: never silence, never a bare hang-up",
}

_OMISSION_SENTENCES: Final = {
    Omission.NUMBER_REFUSED: "the number may not be dialled",
    Omission.WOULD_LOOP: "a call to the number would come back to us",
    Omission.VACANT: "the DID is vacant: nobody's default numbers apply",
    Omission.OWNER_HAS_NO_DEFAULT_NUMBER: "the owner has no default number",
    Omission.OWNER_NOT_STARTED: "the owner has not started yet",
    Omission.OWNER_LEFT: "the owner has left",
    Omission.OWNER_AWAY: "the owner is away",
    Omission.DEPUTY_HAS_NO_DEFAULT_NUMBER: "the owner is away, and the deputy has no default number",
    Omission.CONSENT_WITHDRAWN: "the owner withdrew consent for this number",
    Omission.CONSENT_MISSING: "nobody has stated consent for this number, which the configuration asks for",
    Omission.QUARANTINE: "who had the DID before has left and may still be meant: it is in quarantine",
    Omission.CLAIMED_TWICE: "two people have an equal claim to the DID: a person has to decide",
    Omission.SITE_HAS_NO_FALLBACK: "the site has no fallback number",
    Omission.KIND_NEVER_TO_A_PERSON: "this line kind never goes to a private number",
    Omission.KIND_NEVER_DIVERTED: "this line kind is a machine's and has no number of its own to go to",
    Omission.ALREADY_IN_PLAN: "the number is in the plan already",
    Omission.RING_BUDGET_SPENT: "the ring budget is spent before this step",
    Omission.TOO_MANY_STEPS: f"a plan holds at most {MAX_STEPS} steps",
    Omission.TEAM_BELOW_FLOOR: "fewer members of the team can be reached than its floor asks for",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One target. `ring_seconds` is 5 to 120, and 0 for what does not ring. `hours` are those in which it may be rung;
    None: at any time. `press_one`: who answers has to press 1 before the caller is put through; a person's step alone.
    A team's target is `<bucket>/<id>` of its record, an opening's the site's `record_id`, a voicemail's its mailbox."""

    kind: StepKind
    target: str
    ring_seconds: int
    hours: RingHours | None = None
    press_one: bool = False

    def __repr__(self) -> str:
        return f"Step({self.words})"

    @property
    def words(self) -> str:
        """For people: a private number masked."""
        target = mask(self.target) if self.kind is StepKind.PERSON else self.target
        hours = "" if self.hours is None else f" {self.hours.words}"
        return f"{self.kind.name.lower()} {target} {self.ring_seconds}s{hours}"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step and why it is there. `name`: what people call its target, a team's or a site's; empty: as the target."""

    step: Step
    reason: StepReason
    name: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not in the plan and why. `target` is for people: masked when private, empty when there was
    none. `until` is the moment from which it is otherwise, where that is known. `way`: how a call to it would come back
    to us, in words; empty: it would not, or plainly."""

    target: str
    omission: Omission
    refusal: Refusal | None = None
    until: datetime | None = None
    way: str = ""

    @property
    def sentence(self) -> str:
        until = "" if self.until is None else f", until {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        refusal = "" if self.refusal is None else f": {self.refusal.sentence}"
        way = f" ({self.way})" if self.way else ""
        return f"{self.omission.sentence}{until}{refusal}{way}"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One DID's plans. `undeliverable` is for a platform that answers but will not reach the person: nobody
    asked for the private number then (480 at ten at night may be "do not disturb"), so it never holds one."""

    did: Did
    scope: str
    kind: LineKind
    critical: bool
    plan: tuple[PlannedStep, ...]
    undeliverable: tuple[PlannedStep, ...]
    left_out: tuple[LeftOut, ...] = ()

    def __post_init__(self) -> None:
        for steps in (self.plan, self.undeliverable):
            assert steps
            assert steps[-1].step.kind is StepKind.ANNOUNCEMENT
            assert len(steps) <= MAX_STEPS
        assert all(planned.step.kind not in PRIVATE for planned in self.undeliverable)
