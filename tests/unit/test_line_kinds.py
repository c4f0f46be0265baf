"""Each line kind with everything there is, and with nothing: who is rung, and what machines are spared."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ringfence.config.snippets import shipped_snippets
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.line_kinds import LINE_KINDS, SOURCES, SPOKEN, Source
from ringfence.domain.press_one import PressOne
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Omission, RoutePlan, StepKind
from ringfence.domain.routing import plan_for
from ringfence.domain.team import Team
from tests.unit.directories import DID, MOBILE, RECEPTION, SECOND_MOBILE, routing_policy

DIVERT = "+441214960111"
BACKSTOP = "+441214960222"
NIGHT = "+441214960333"
ASKING = replace(routing_policy(), press_one=PressOne())


def directory(kind: LineKind, *, owner: bool, team: bool, site: bool, divert: bool) -> Directory:
    people = [
        Person(PersonKey("owner"), "Ada", "Leeds", (DefaultNumber(MOBILE),)),
        Person(PersonKey("member"), "Bob", "Leeds", (DefaultNumber(SECOND_MOBILE),), team="Sales"),
    ]
    place = Site("Leeds")
    if site:
        hours = (RingHours(480, 1080, "Europe/London"),)
        place = Site("Leeds", RECEPTION, opening=hours, out_of_hours_number=NIGHT, voicemail="100@default")
    teams = [Team("Sales", "Leeds", backstop_number=BACKSTOP)]
    line = DidAssignment(DID, PersonKey("owner") if owner else None, "Leeds", "uc", kind)
    line = replace(line, team="Sales" if team else "", divert_number=DIVERT if divert else None)
    return Directory.of(people, [line], [place], teams)


def compiled(kind: LineKind, **has: bool) -> RoutePlan:
    has = {"owner": False, "team": False, "site": False, "divert": False} | has
    found = directory(kind, **has)
    return plan_for(found.assignments[DID], found, ASKING)


def letters(plan: RoutePlan) -> str:
    """The kinds of the plan's steps; the DID's own number and the team's backstop by letters of their own."""
    names = {DIVERT: "D", BACKSTOP: "B", RECEPTION: "R"}
    return "".join(names.get(planned.step.target, planned.step.kind) for planned in plan.plan)


# D: the DID's own number, o: opening hours, p: the owner, t: the team, B: its backstop, R: the site's number,
# v: voicemail, a: the announcement. Without a team; with one; with nothing but a number of its own.
EVERYTHING: dict[LineKind, tuple[str, str, str]] = {
    LineKind.VOICE: ("DpRva", "DoptBva", "Da"),
    LineKind.SWITCHBOARD: ("DRpva", "DotBpva", "Da"),
    LineKind.SAFEGUARDING: ("DRva", "DotBva", "Da"),
    LineKind.LIFT: ("DRa", "DBa", "Da"),
    LineKind.TELECARE: ("DRa", "DBa", "Da"),
    LineKind.DOOR: ("DRa", "DBa", "Da"),
    LineKind.FAX: ("Da", "Da", "Da"),
    LineKind.ALARM: ("Da", "Da", "Da"),
}


def test_every_line_kind_has_a_rule() -> None:
    assert set(LINE_KINDS) == set(EVERYTHING) == set(LineKind)


@pytest.mark.parametrize("kind", LineKind)
def test_whom_a_line_of_each_kind_reaches(kind: LineKind) -> None:
    without_team, with_team, alone = EVERYTHING[kind]
    assert letters(compiled(kind, owner=True, site=True, divert=True)) == without_team
    assert letters(compiled(kind, owner=True, site=True, divert=True, team=True)) == with_team
    assert letters(compiled(kind, divert=True)) == alone
    assert letters(compiled(kind)) == "a", "never silence"


@pytest.mark.parametrize("kind", LineKind)
def test_who_may_not_be_rung_is_said(kind: LineKind) -> None:
    omissions = {item.omission for item in compiled(kind, owner=True, site=True).left_out}
    assert (Omission.KIND_NEVER_TO_A_PERSON in omissions) is (SOURCES[kind] == (Source.SITE,))
    assert (Omission.KIND_NEVER_DIVERTED in omissions) is (not SOURCES[kind])
    with_its_own = compiled(kind, owner=True, site=True, divert=True)
    assert Omission.KIND_NEVER_DIVERTED not in {item.omission for item in with_its_own.left_out}


@pytest.mark.parametrize("kind", LineKind)
def test_nothing_private_and_nothing_spoken_where_a_machine_is(kind: LineKind) -> None:
    plan = compiled(kind, owner=True, team=True, site=True, divert=True)
    steps = [planned.step for planned in (*plan.plan, *plan.undeliverable)]
    if kind not in SPOKEN:
        assert {step.kind for step in steps} <= {StepKind.SITE, StepKind.ANNOUNCEMENT}
    assert all(step.press_one is (step.kind is StepKind.PERSON) for step in steps), "asked are private numbers alone"


def test_the_dialplan_spares_the_same_kinds() -> None:
    machines = {str(kind) for kind in LineKind if kind not in SPOKEN}
    dialplan = "".join(shipped_snippets().values())
    (written,) = re.findall(r'REGEX\("\^\(([a-z|]+)\)\$" \$\{CUT\(RF_RECORD,\|,4\)\}\)', dialplan)
    assert set(written.split("|")) == machines
