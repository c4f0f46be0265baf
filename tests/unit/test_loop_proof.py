"""The proof that no divert comes back, against a plain walk through the records that would be published."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.known_ways import KnownWays, forwards_of
from ringfence.domain.loop_proof import prove
from ringfence.domain.numbers import Did, mask
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.records import decode_route
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import NUMBERS, Omission, Step, StepKind
from ringfence.domain.route_table import RouteTable, compile_table, did_path, fallback_path
from ringfence.domain.routing import TrunkFallback, plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.strong_components import strong_components
from ringfence.domain.team import Team
from ringfence.domain.team_records import SITE_FAMILY, decode_member, decode_opening, decode_team
from tests.unit.directories import routing_policy

DIDS = [Did(f"+4411349600{n:02d}") for n in range(8)]
MOBILES = [f"+4477009001{n:02d}" for n in range(8)]
IN_RANGE = {"uc": "+441134961001", "legacy": "+441134962001"}
RANGES = (("+441134961", "uc"), ("+441134962", "legacy"))
OUTSIDE = "+441134969999"


def policy_of(ways: KnownWays, *, blind: bool = False) -> RoutingPolicy:
    usual = routing_policy()
    return replace(usual, gate=EgressGate(EgressPolicy(frozenset({"GB"}), ways=ways), blind))


# --- a plain walk through what is published


class Walk:
    """Goes where a call would go, by the records alone, one number after the other."""

    def __init__(self, table: RouteTable, ways: KnownWays, fallbacks: list[TrunkFallback]) -> None:
        self.table = table
        self.ways = ways
        self.fallbacks = fallbacks

    def rings(self, steps: tuple[Step, ...]) -> set[str]:
        found = set()
        for step in steps:
            if step.kind in NUMBERS:
                found.add(step.target)
            elif step.kind is StepKind.TEAM:
                for slot in decode_team(self.table[f"team/{step.target}"]).slots:
                    found |= self.rings(decode_member(self.table[f"team/{step.target}.{slot}"]))
            elif step.kind is StepKind.OPENING:
                found |= self.rings(decode_opening(self.table[f"{SITE_FAMILY}/{step.target}"]).plan)
        return found

    def of(self, place: str) -> set[str]:
        if place.startswith("platform "):
            named = [fallback.trunk for fallback in self.fallbacks if f"platform {fallback.scope}" == place]
            return {number for name in named for number in self.rings(self.plan(fallback_path(name)))}
        return self.rings(self.plan(did_path(place)))

    def plan(self, path: str) -> tuple[Step, ...]:
        return decode_route(self.table[path]).plan

    def arrives(self, number: str, carried: tuple[str, ...] = ()) -> set[str]:
        """DIDs and platforms that a call to this number may come to; `round` where carriers would never end."""
        if number in carried:
            return {"round"}
        if did_path(number) in self.table:
            return {number}
        for start, platform in self.ways.ranges:
            if number.startswith(start):
                return {f"platform {platform}"}
        found: set[str] = set()
        for further in self.ways.forwards.get(number, ()):
            found |= self.arrives(further, (*carried, number))
        return found

    def comes_to(self, place: str) -> set[str]:
        """Everything that a call diverted at this place may come to, by however many diverts."""
        found: set[str] = set()
        waiting = [place]
        while waiting:
            here = waiting.pop()
            for there in {there for number in self.of(here) for there in self.arrives(number)}:
                if there == "round":
                    found |= {"round"} if here == place else set()
                elif there not in found:
                    found.add(there)
                    waiting.append(there)
        return found

    def loops(self, directory: Directory) -> set[str]:
        looping = set()
        for did, item in directory.assignments.items():
            if not self.comes_to(did).isdisjoint({did, f"platform {item.scope}", "round"}):
                looping.add(str(did))
        for place in {f"platform {fallback.scope}" for fallback in self.fallbacks}:
            if not self.comes_to(place).isdisjoint({place, "round"}):
                looping.add(place)
        return looping


_targets = st.sampled_from([*DIDS, *MOBILES, *IN_RANGE.values(), OUTSIDE, "+448451234567"])
_optional = st.none() | _targets
_ways = st.builds(
    KnownWays,
    st.sampled_from([(), RANGES, RANGES[:1]]),
    st.lists(st.tuples(st.sampled_from([*MOBILES, OUTSIDE]), _targets), max_size=10).map(forwards_of),
)
_fallbacks = st.lists(
    st.builds(TrunkFallback, st.sampled_from(["one", "two"]), st.sampled_from(["uc", "legacy"]), _optional),
    max_size=2,
    unique_by=lambda fallback: fallback.trunk,
)
TEAMS = ("Sales", "Ward 7")


@st.composite
def _directories(draw: st.DrawFn) -> Directory:
    keys = [PersonKey(f"p{n}") for n in range(5)]
    people = [
        Person(
            key,
            f"Person {key}",
            draw(st.sampled_from(["Leeds", "York"])),
            tuple(DefaultNumber(number, 5) for number in draw(st.lists(_targets, max_size=2, unique=True))),
            deputy=draw(st.none() | st.sampled_from(keys)),
            team=draw(st.sampled_from(["", *TEAMS])),
        )
        for key in keys
    ]
    sites = [
        Site(
            name,
            draw(_optional),
            opening=draw(st.sampled_from([(), (RingHours(480, 1080, "Europe/London"),)])),
            out_of_hours_number=draw(_optional),
        )
        for name in ("Leeds", "York")
    ]
    teams = [
        Team(
            name,
            "Leeds",
            members=tuple(draw(st.lists(st.sampled_from(keys), max_size=3, unique=True))),
            ring_seconds=10,
            floor=draw(st.integers(1, 2)),
            backstop_number=draw(_optional),
        )
        for name in TEAMS
    ]
    assignments = [
        DidAssignment(
            did,
            draw(st.none() | st.sampled_from(keys)),
            draw(st.sampled_from(["Leeds", "York"])),
            draw(st.sampled_from(["uc", "legacy"])),
            draw(st.sampled_from(LineKind)),
            team=draw(st.sampled_from(["", *TEAMS])),
            divert_number=draw(_optional),
        )
        for did in draw(st.lists(st.sampled_from(DIDS), min_size=1, unique=True))
    ]
    return Directory.of(people, assignments, sites, teams)


@settings(max_examples=300, deadline=None)
@given(_directories(), _ways, _fallbacks)
def test_the_proof_finds_what_a_walk_through_the_records_finds(
    directory: Directory, ways: KnownWays, fallbacks: list[TrunkFallback]
) -> None:
    blind, seeing = policy_of(ways, blind=True), policy_of(ways)
    walk = Walk(compile_table(directory, blind, fallbacks=fallbacks), ways, fallbacks)
    proof = prove(directory, seeing, fallbacks)
    assert proof.looping == walk.loops(directory)
    for loop in proof.loops:
        assert all(leg.target == further.source for leg, further in zip(loop.legs, loop.legs[1:], strict=False))
        first, last = loop.legs[0].source, loop.legs[-1].target
        assert last == first or last == f"platform {directory.assignments[Did(first)].scope}"
    assert bool(proof.loops) is bool(proof.looping)
    published = Walk(compile_table(directory, seeing, fallbacks=fallbacks), ways, fallbacks)
    assert not any(published.comes_to(did) for did in directory.assignments), "what is published comes back nowhere"
    for words in proof.words:
        assert not any(mobile in words for mobile in MOBILES)


# --- loops planted by hand, of each length, by each means


def planted(length: int, means: str, at: int) -> tuple[Directory, KnownWays]:
    """`length` DIDs whose plans lead from one to the next by a forwarded mobile, the last one back to the first;
    number `at` does so by `means`."""
    people, assignments, teams, pairs = [], [], [], []
    ranges: tuple[tuple[str, str], ...] = ()
    for place in range(length):
        key, mobile, further = PersonKey(f"p{place}"), MOBILES[place], DIDS[(place + 1) % length]
        how = means if place == at else "forward"
        rung = {"own": str(further), "range": IN_RANGE["uc"]}.get(how, mobile)
        owner = Person(key, f"Person {place}", "Leeds", (DefaultNumber(rung),))
        item = DidAssignment(DIDS[place], key, "Leeds", "uc")
        match how:
            case "forward":
                pairs.append((mobile, str(further)))
            case "long-forward":
                pairs += [(mobile, OUTSIDE), (OUTSIDE, str(further))]
            case "deputy":
                pairs.append((mobile, str(further)))
                people.append(Person(PersonKey("deputy"), "Deputy", "Leeds", owner.default_numbers))
                owner = replace(owner, default_numbers=(), deputy=PersonKey("deputy"))
            case "team":
                pairs.append((mobile, str(further)))
                item, owner = replace(item, owner=None, team="Sales"), replace(owner, team="Sales")
                teams.append(Team("Sales", "Leeds"))
            case "range":
                ranges = RANGES
        people.append(owner)
        assignments.append(item)
    return Directory.of(people, assignments, [Site("Leeds")], teams), KnownWays(ranges, forwards_of(pairs))


@pytest.mark.parametrize("means", ["forward", "long-forward", "own", "deputy", "team", "range"])
@pytest.mark.parametrize("length", range(1, 7))
def test_every_planted_loop_is_found_and_said(length: int, means: str) -> None:
    for at in range(length) if means != "range" else [length - 1]:
        directory, ways = planted(length, means, at)
        proof = prove(directory, policy_of(ways))
        assert proof.looping == set(DIDS[:length])
        longest = max(proof.loops, key=lambda loop: len(loop.legs))
        assert len(longest.legs) == length
        assert all(did in longest.words for did in DIDS[:length])
        assert not any(mobile in longest.words for mobile in MOBILES)
        assert (mask(MOBILES[at]) in longest.words) is (means not in ("own", "range"))


def test_without_its_last_leg_no_chain_is_a_loop() -> None:
    directory, ways = planted(6, "forward", 0)
    pairs = [(source, targets[0]) for source, targets in ways.forwards.items()]
    proof = prove(directory, policy_of(KnownWays((), forwards_of(pairs[:-1]))))
    assert (proof.looping, proof.loops) == (frozenset(), ())
    assert len(proof.words) == len(proof.legs) == 5


def test_what_would_loop_is_left_out_of_the_plan_and_the_chain_is_said() -> None:
    directory, ways = planted(1, "long-forward", 0)
    plan = plan_for(directory.assignments[DIDS[0]], directory, policy_of(ways))
    assert [planned.step.kind for planned in plan.plan] == [StepKind.ANNOUNCEMENT]
    left_out = next(item for item in plan.left_out if item.omission is Omission.WOULD_LOOP)
    assert left_out.sentence.endswith(
        "(+44*******100, which is forwarded to +44*******999, which is forwarded to +441134960000, "
        "which is one of our own DIDs)"
    )


def test_a_knot_in_a_long_chain_needs_no_recursion() -> None:
    chain = {str(n): [str(n + 1)] for n in range(50_000)}
    assert strong_components(chain) == []
    chain["50000"] = ["49998", "7"]
    (knot,) = strong_components(chain)
    assert len(knot) == 50_000 - 7 + 1
    assert strong_components({"a": ["a", "b"], "b": []}) == [frozenset("a")]
