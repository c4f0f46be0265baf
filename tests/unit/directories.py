"""Directories for tests: a small one by hand, and any at all by Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from ringfence.domain.directory import (
    DefaultNumber,
    DidAssignment,
    Directory,
    LineKind,
    NotRung,
    Person,
    PersonKey,
    Site,
)
from ringfence.domain.numbers import Did, NumberKind
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.team import Strategy, Team

MOBILE = "+447700900123"
SECOND_MOBILE = "+447700900124"
RECEPTION = "+441134960000"
DID = Did("+441134960123")


def routing_policy(ring_budget_seconds: int = 90, countries: frozenset[str] = frozenset({"GB"})) -> RoutingPolicy:
    return RoutingPolicy(EgressGate(EgressPolicy(countries)), ring_budget_seconds)


def asking_policy() -> RoutingPolicy:
    """One that asks for press 1, as the configuration does by default."""
    return RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))), press_one=PressOne())


def one_did(
    kind: LineKind = LineKind.VOICE,
    numbers: tuple[str, ...] = (MOBILE,),
    fallback: str | None = RECEPTION,
    owned: bool = True,
    ring_seconds: int = 20,
) -> Directory:
    """One person, one DID, one site."""
    person = Person(PersonKey("p1"), "Ada Example", "Leeds", tuple(DefaultNumber(n, ring_seconds) for n in numbers))
    assignment = DidAssignment(DID, PersonKey("p1") if owned else None, "Leeds", "uc", kind)
    return Directory.of([person], [assignment], [Site("Leeds", fallback, "unavailable")])


# Few different numbers, so that repeats, own DIDs as targets and refused ones all happen.
_numbers = st.sampled_from(
    [f"+4411349600{i:02d}" for i in range(12)]
    + [f"+4477009001{i:02d}" for i in range(12)]
    + ["+448451234567", "+447012345678", "+31101234567", "+19115551234", "+88213300000"]
)
_default_numbers = st.lists(st.builds(DefaultNumber, _numbers, st.integers(5, 120)), max_size=5).map(tuple)
TEAMS = ("Sales", "Ward 7, nights")
_teams = st.sampled_from(["", *TEAMS])
WEEK = RingHours(480, 1080, "Europe/London", frozenset({1, 2, 3, 4, 5}))
SATURDAY = RingHours(540, 720, "Europe/London", frozenset({6}))
_names = st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Any directory that `Directory.of` accepts."""
    sites = draw(
        st.lists(
            st.builds(
                Site,
                _names,
                st.none() | _numbers,
                st.sampled_from(["unavailable", "custom/night-1"]),
                st.sampled_from([None, "Europe/London"]),
            ),
            min_size=1,
            max_size=4,
            unique_by=lambda site: site.name,
        )
    )
    site_names = st.sampled_from([site.name for site in sites])
    keys = draw(st.lists(st.integers(1, 30).map(lambda n: PersonKey(f"p{n}")), unique=True, max_size=8))
    people = [Person(key, draw(_names), draw(site_names), draw(_default_numbers), team=draw(_teams)) for key in keys]
    owners = st.none() | st.sampled_from(keys) if keys else st.none()
    assignments = [
        DidAssignment(
            Did(did),
            draw(owners),
            draw(site_names),
            draw(st.sampled_from(["uc", "teams"])),
            draw(st.sampled_from(LineKind)),
            draw(st.booleans()),
        )
        for did in draw(st.lists(_numbers, unique=True, max_size=12))
    ]
    return draw(with_teams(Directory.of(people, assignments, sites)))


@st.composite
def team_sites(draw: st.DrawFn, site: Site) -> Site:
    """The site, with anything that a team line may find there."""
    return replace(
        site,
        opening=draw(st.sampled_from([(), (), (WEEK,), (WEEK, SATURDAY)])),
        holidays=draw(st.sampled_from([(), (date(2026, 12, 25), date(2026, 12, 28))])),
        out_of_hours_number=draw(st.none() | _numbers),
        out_of_hours_announcement=draw(st.sampled_from(["", "custom/night-1"])),
        voicemail=draw(st.sampled_from(["", "", "600@ringfence"])),
    )


@st.composite
def with_teams(draw: st.DrawFn, directory: Directory) -> Directory:
    """The directory with team lines in it."""
    sites = [draw(team_sites(site)) for site in directory.sites.values()]
    keys = sorted(directory.people)
    members = st.lists(st.sampled_from(keys), unique=True, max_size=4).map(tuple) if keys else st.just(())
    teams = [
        Team(
            name,
            draw(st.sampled_from(sorted(directory.sites))),
            draw(st.sampled_from(Strategy)),
            draw(members),
            draw(st.integers(5, 120)),
            draw(st.integers(0, 120)),
            draw(st.integers(1, 50)),
            draw(st.integers(1, 3)),
            draw(st.none() | _numbers),
        )
        for name in draw(st.lists(st.sampled_from(TEAMS), unique=True))
    ]
    lines = st.sampled_from(["", *(team.name for team in teams)])
    assignments = [
        replace(item, team=draw(lines), divert_number=draw(st.none() | _numbers))
        for item in directory.assignments.values()
    ]
    people = [
        replace(
            person,
            default_numbers=tuple(
                replace(number, press_one=draw(st.sampled_from([None, True, False])))
                for number in person.default_numbers
            ),
        )
        for person in directory.people.values()
    ]
    return Directory.of(people, assignments, sites, teams)


@st.composite
def directories_in_force(draw: st.DrawFn) -> Directory:
    """Any directory that a roster may make of one: with deputies, holds, hours and numbers that do not ring."""
    directory = draw(directories())
    deputies = st.none() | st.sampled_from(sorted(directory.people)) if directory.people else st.none()
    hours = st.sampled_from([None, None, RingHours(420, 1320, "Europe/London")])
    people = [
        replace(
            person,
            default_numbers=tuple(replace(number, hours=draw(hours)) for number in person.default_numbers),
            withheld=tuple((number, draw(st.sampled_from(NotRung))) for number in draw(_default_numbers)),
            deputy=draw(deputies),
        )
        for person in directory.people.values()
    ]
    holds = st.none() | st.sampled_from(NotRung)
    untils = st.none() | st.just(datetime(2026, 12, 24, tzinfo=UTC))
    assignments = [replace(item, hold=draw(holds), hold_until=draw(untils)) for item in directory.assignments.values()]
    return Directory.of(people, assignments, directory.sites.values(), directory.teams.values())


__all__ = [
    "DID",
    "MOBILE",
    "RECEPTION",
    "SATURDAY",
    "SECOND_MOBILE",
    "WEEK",
    "NumberKind",
    "asking_policy",
    "directories",
    "directories_in_force",
    "one_did",
    "routing_policy",
]
