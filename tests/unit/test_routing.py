"""The golden table of plans, and what holds for every plan of every directory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from ringfence.domain.directory import DefaultNumber, Directory, LineKind, NotRung, Person, PersonKey
from ringfence.domain.numbers import NumberKind, parse_number
from ringfence.domain.policy import EgressPolicy, Refusal, why_not
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import MAX_STEPS, NUMBERS, LeftOut, Omission, PlannedStep, Step, StepKind, StepReason
from ringfence.domain.routing import TrunkFallback, fallback_steps, plan_for
from tests.unit.directories import DID, MOBILE, RECEPTION, SECOND_MOBILE, directories_in_force, one_did, routing_policy

PERSON = f"p:{MOBILE}:20"
SITE = f"s:{RECEPTION}:30"
LAST = "a:unavailable:0"


def words(steps: tuple[PlannedStep, ...]) -> list[str]:
    return [f"{planned.step.kind}:{planned.step.target}:{planned.step.ring_seconds}" for planned in steps]


GOLDEN = [
    # kind, owned, fallback; plan; undeliverable plan
    (LineKind.VOICE, True, True, [PERSON, SITE, LAST], [SITE, LAST]),
    (LineKind.VOICE, True, False, [PERSON, LAST], [LAST]),
    (LineKind.VOICE, False, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.VOICE, False, False, [LAST], [LAST]),
    (LineKind.SWITCHBOARD, True, True, [SITE, PERSON, LAST], [SITE, LAST]),
    (LineKind.SWITCHBOARD, False, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.SAFEGUARDING, True, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.SAFEGUARDING, True, False, [LAST], [LAST]),
    (LineKind.LIFT, True, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.TELECARE, True, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.DOOR, True, True, [SITE, LAST], [SITE, LAST]),
    (LineKind.FAX, True, True, [LAST], [LAST]),
    (LineKind.ALARM, True, True, [LAST], [LAST]),
]


@pytest.mark.parametrize(("kind", "owned", "fallback", "plan", "undeliverable"), GOLDEN)
def test_golden_table(kind: LineKind, owned: bool, fallback: bool, plan: list[str], undeliverable: list[str]) -> None:
    directory = one_did(kind, owned=owned, fallback=RECEPTION if fallback else None)
    compiled = plan_for(directory.assignments[DID], directory, routing_policy())
    assert words(compiled.plan) == plan
    assert words(compiled.undeliverable) == undeliverable


def plan_of(directory: Directory, ring_budget_seconds: int = 90) -> tuple[list[str], tuple[LeftOut, ...]]:
    compiled = plan_for(directory.assignments[DID], directory, routing_policy(ring_budget_seconds))
    return words(compiled.plan), compiled.left_out


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        ("+448451234567", Refusal.KIND_DENIED),
        ("+448701234567", Refusal.KIND_DENIED),
        ("+447012345678", Refusal.KIND_DENIED),
        ("+31101234567", Refusal.COUNTRY_NOT_ALLOWED),
        ("+447911123456", Refusal.COUNTRY_NOT_ALLOWED),  # Guernsey
        ("+88213300000", Refusal.INTERNATIONAL_NETWORK),
        ("+449991234567", Refusal.EMERGENCY_OR_SHORT),
        ("+44999", Refusal.NOT_A_NUMBER),
    ],
)
def test_a_refused_number_is_left_out_with_its_reason(number: str, refusal: Refusal) -> None:
    plan, left_out = plan_of(one_did(numbers=(number, SECOND_MOBILE)))
    assert plan == [f"p:{SECOND_MOBILE}:20", SITE, LAST]
    assert [(item.omission, item.refusal) for item in left_out] == [(Omission.NUMBER_REFUSED, refusal)]
    assert refusal.sentence in left_out[0].sentence
    assert number not in repr(left_out)


def test_a_site_fallback_that_is_an_own_did_would_loop() -> None:
    plan, left_out = plan_of(one_did(fallback=str(DID)))
    assert plan == [PERSON, LAST]
    assert (left_out[0].omission, left_out[0].refusal) == (Omission.WOULD_LOOP, Refusal.OWN_DID)


def test_a_default_number_that_is_the_sites_stays_in_the_undeliverable_plan() -> None:
    directory = one_did(numbers=(RECEPTION, MOBILE, MOBILE))
    compiled = plan_for(directory.assignments[DID], directory, routing_policy())
    assert words(compiled.plan) == [PERSON, SITE, LAST]
    assert words(compiled.undeliverable) == [SITE, LAST]
    assert [item.omission for item in compiled.left_out] == [Omission.ALREADY_IN_PLAN] * 2


def test_ringing_stays_within_the_budget_and_the_site_keeps_its_share() -> None:
    numbers = tuple(f"+4477009001{i}" for i in range(10, 15))
    plan, left_out = plan_of(one_did(numbers=numbers))
    assert plan == [f"p:{number}:20" for number in numbers[:3]] + [SITE, LAST]
    assert [item.omission for item in left_out] == [Omission.RING_BUDGET_SPENT] * 2
    plan, _ = plan_of(one_did(numbers=(MOBILE, SECOND_MOBILE), ring_seconds=120))
    assert plan == [f"p:{MOBILE}:60", SITE, LAST]


def test_after_a_number_that_does_not_fit_no_later_one_is_tried() -> None:
    long_then_short = (DefaultNumber(MOBILE, 40), DefaultNumber(SECOND_MOBILE, 30), DefaultNumber("+447700900125", 5))
    person = Person(PersonKey("p1"), "Ada", "Leeds", long_then_short)
    before = one_did()
    directory = Directory.of([person], before.assignments.values(), before.sites.values())
    plan, left_out = plan_of(directory)
    assert plan == [f"p:{MOBILE}:40", SITE, LAST]
    assert [item.omission for item in left_out] == [Omission.RING_BUDGET_SPENT] * 2


def test_what_is_missing_is_said() -> None:
    assert [item.omission for item in plan_of(one_did(owned=False, fallback=None))[1]] == [
        Omission.VACANT,
        Omission.SITE_HAS_NO_FALLBACK,
    ]
    assert plan_of(one_did(numbers=()))[1] == (LeftOut("", Omission.OWNER_HAS_NO_DEFAULT_NUMBER),)
    assert plan_of(one_did(LineKind.FAX))[1] == (LeftOut("", Omission.KIND_NEVER_DIVERTED),)
    assert plan_of(one_did(LineKind.LIFT))[1] == (LeftOut("", Omission.KIND_NEVER_TO_A_PERSON),)


def in_force(owner: Person, deputy: Person | None = None, hold: NotRung | None = None) -> Directory:
    before = one_did()
    held = replace(before.assignments[DID], hold=hold, hold_until=datetime(2026, 12, 24, tzinfo=UTC) if hold else None)
    return Directory.of([owner, *([deputy] if deputy else [])], [held], before.sites.values())


def test_a_number_keeps_its_hours_in_the_plan() -> None:
    hours = RingHours(420, 1320, "Europe/London")
    owner = Person(PersonKey("p1"), "Ada", "Leeds", (DefaultNumber(MOBILE, hours=hours), DefaultNumber(SECOND_MOBILE)))
    steps = plan_for(in_force(owner).assignments[DID], in_force(owner), routing_policy(25 + 30)).plan
    assert [planned.step.hours for planned in steps] == [hours, None, None]
    assert "07:00-22:00" in steps[0].step.words
    cut = plan_for(in_force(owner).assignments[DID], in_force(owner), routing_policy(15 + 30)).plan
    assert (cut[0].step.ring_seconds, cut[0].step.hours) == (15, hours), "cut to the budget, it keeps its hours"


@pytest.mark.parametrize("hold", NotRung)
def test_nobodys_number_rings_for_a_held_did(hold: NotRung) -> None:
    plan, left_out = plan_of(in_force(one_did().people[PersonKey("p1")], hold=hold))
    assert plan == [SITE, LAST]
    (told,) = left_out
    assert (told.omission.value, told.target) == (hold.value, "")
    assert told.sentence.endswith(", until 2026-12-24 00:00 UTC")


def test_a_deputys_numbers_ring_instead_and_not_those_of_the_deputys_deputy() -> None:
    mine, theirs = DefaultNumber(MOBILE), DefaultNumber(SECOND_MOBILE)
    owner = Person(PersonKey("p1"), "Ada", "Leeds", (), ((mine, NotRung.AWAY),), PersonKey("p2"))
    deputy = Person(PersonKey("p2"), "Bo", "Leeds", (theirs,), deputy=PersonKey("p1"))
    directory = in_force(owner, deputy)
    compiled = plan_for(directory.assignments[DID], directory, routing_policy())
    assert words(compiled.plan) == [f"p:{SECOND_MOBILE}:20", SITE, LAST]
    assert compiled.plan[0].reason is StepReason.DEPUTY
    assert [(item.target, item.omission) for item in compiled.left_out] == [("+44*******123", Omission.OWNER_AWAY)]
    silent = plan_of(in_force(owner, replace(deputy, default_numbers=())))
    assert silent[0] == [SITE, LAST]
    assert silent[1][-1].omission is Omission.DEPUTY_HAS_NO_DEFAULT_NUMBER


@pytest.mark.parametrize("why", NotRung)
def test_a_number_that_is_not_rung_is_told_masked_with_its_reason(why: NotRung) -> None:
    owner = Person(PersonKey("p1"), "Ada", "Leeds", (), ((DefaultNumber(MOBILE), why),))
    plan, left_out = plan_of(in_force(owner))
    assert plan == [SITE, LAST]
    assert [(item.target, item.omission.value) for item in left_out] == [("+44*******123", why.value)]


def test_a_trunks_fallback_ends_in_an_announcement() -> None:
    directory = one_did()
    steps = fallback_steps(TrunkFallback("carrier", "uc", RECEPTION), directory, routing_policy())
    assert words(steps) == [SITE, LAST]
    assert steps[0].reason is StepReason.TRUNK_FALLBACK
    refused = fallback_steps(TrunkFallback("carrier", "uc", str(DID)), directory, routing_policy())
    assert words(refused) == [LAST]


def test_policy_lists_decide() -> None:
    number = parse_number("070 1234 5678", "GB")
    assert why_not(number, EgressPolicy(frozenset({"GB"})), ()) is Refusal.KIND_DENIED
    lenient = EgressPolicy(frozenset({"GB"}), frozenset({NumberKind.PAGER}))
    assert why_not(number, lenient, ()) is None


def test_a_denied_prefix_is_kept_out_of_the_plan_as_the_egress_keeps_it_out_of_the_call() -> None:
    strict = EgressPolicy(frozenset({"GB"}), denied_prefixes=("+449", "+4420794"))
    assert why_not(parse_number("+447700900123", "GB"), strict, ()) is None
    assert why_not(parse_number("+442079460123", "GB"), strict, ()) is Refusal.PREFIX_DENIED


def test_every_reason_has_a_sentence() -> None:
    assert all(reason.sentence for reason in (*StepReason, *Omission, *Refusal))


def test_a_private_number_is_masked_wherever_people_look() -> None:
    directory = one_did()
    compiled = plan_for(directory.assignments[DID], directory, routing_policy())
    for shown in (repr(directory), repr(directory.people), repr(compiled), compiled.plan[0].step.words):
        assert MOBILE not in shown


@given(directories_in_force())
def test_every_plan_keeps_the_promises(directory: Directory) -> None:
    policy = routing_policy()
    for assignment in directory.assignments.values():
        compiled = plan_for(assignment, directory, policy)
        for steps in (compiled.plan, compiled.undeliverable):
            targets = [planned.step.target for planned in steps]
            assert steps[-1].step.kind is StepKind.ANNOUNCEMENT
            assert len(steps) <= MAX_STEPS
            assert len(set(targets)) == len(targets)
            assert not set(targets) & set(directory.assignments)
            assert all(planned.reason.sentence and planned.step.words for planned in steps)
            assert sum(planned.step.ring_seconds for planned in steps) <= 90
            assert all(_rings_as_it_should(planned.step) for planned in steps)
        private = {planned.step.target for planned in compiled.plan if planned.step.kind is StepKind.PERSON}
        assert not (private and assignment.hold)
        assert not private & {planned.step.target for planned in compiled.undeliverable}


def _rings_as_it_should(step: Step) -> bool:
    rings = step.kind in NUMBERS or step.kind is StepKind.TEAM
    return 5 <= step.ring_seconds <= 120 if rings else step.ring_seconds == 0
