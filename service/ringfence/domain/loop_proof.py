"""Proof over the whole table that no divert can come back to us for ever, or the chains by which it would.

What is proved is the table as it would be if nobody looked for loops: compiled by `routing` with a gate that is blind
to where numbers lead. The table that is published holds no number that is known to come back at all (`policy`), so it
has no loop, whatever is found here; this tells people what was left out of it and why.

A loop closes where a DID's plan leads, by forwards and by other DIDs' plans, to the DID itself, or into a range of the
platform that its calls were diverted from. Every step is linear in the table's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.domain.directory import DidAssignment, Directory
from ringfence.domain.known_ways import WayBack, WayEnd
from ringfence.domain.route_plan import NUMBERS, StepKind
from ringfence.domain.routing import TrunkFallback, fallback_steps, plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLines, closed_steps
from ringfence.domain.strong_components import strong_components

MAX_TOLD: Final = 50
MAX_CHAIN: Final = 12


@dataclass(frozen=True, slots=True)
class Leg:
    """One way by which a call that `source` diverts comes back, to `target`. Each is a DID, or `platform <name>`: what
    the platform takes without our table knowing the number. `because`: why the plan rings the number."""

    source: str
    because: str
    way: WayBack
    target: str

    @property
    def words(self) -> str:
        """For people: private numbers masked."""
        return f"{self.source} rings {self.because}, {self.way.words}"


@dataclass(frozen=True, slots=True)
class Loop:
    """Legs of which each begins where the one before it ends; the last one closes the round."""

    legs: tuple[Leg, ...]

    @property
    def words(self) -> str:
        """One sentence; a very long chain is cut short."""
        told = [leg.words for leg in self.legs[:MAX_CHAIN]]
        if len(self.legs) > MAX_CHAIN:
            told.append(f"{len(self.legs) - MAX_CHAIN} more such steps")
        return f"a loop: {'; '.join(told)}"


@dataclass(frozen=True, slots=True)
class LoopProof:
    """`looping`: the DIDs and platforms whose calls would come round to them again. `loops`: a chain for each knot of
    DIDs that lead to one another, and one for each DID that leads back to its own platform. `legs`: everything that
    comes back, whether it closes a loop or not."""

    looping: frozenset[str] = frozenset()
    loops: tuple[Loop, ...] = ()
    legs: tuple[Leg, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """For people: the loops, then what comes back without closing one; at most 50 sentences."""
        told = {leg for loop in self.loops for leg in loop.legs}
        rest = (leg.words for leg in self.legs if leg not in told)
        return tuple([*(loop.words for loop in self.loops[:MAX_TOLD]), *rest][:MAX_TOLD])


def prove(directory: Directory, policy: RoutingPolicy, fallbacks: Iterable[TrunkFallback] = ()) -> LoopProof:
    """Where no number comes back it is a look at each; where one does, every plan is compiled once more."""
    fallbacks = tuple(fallbacks)
    own, gate = directory.assignments, policy.gate
    if all(gate.way_back(number, own) is None for number in _numbers(directory, fallbacks)):
        return LoopProof()
    legs = tuple(_Legs(directory, policy).all(fallbacks))
    after: dict[str, list[Leg]] = {}
    for leg in legs:
        after.setdefault(leg.source, []).append(leg)
    knots = strong_components({source: [leg.target for leg in found] for source, found in after.items()})
    loops = [Loop(_round(knot, after)) for knot in knots]
    looping = {node for knot in knots for node in knot}
    for platform in sorted({item.scope for item in own.values()}):
        goal = platform_node(platform)
        nearer = _towards(goal, legs)
        back = [did for did in nearer if (item := directory.assignment(did)) is not None and item.scope == platform]
        loops += [Loop(tuple(_chain(did, goal, nearer))) for did in back if did not in looping]
        looping.update(back)
    return LoopProof(frozenset(looping), tuple(loops), legs)


def platform_node(name: str) -> str:
    """What a chain calls the numbers that a platform takes without our table knowing them."""
    return f"platform {name}"


class _Legs:
    """What every plan would ring that comes back."""

    def __init__(self, directory: Directory, policy: RoutingPolicy) -> None:
        self._directory = directory
        self._gate = policy.gate
        self._policy = replace(policy, gate=replace(policy.gate, blind=True))
        self._lines = TeamLines(directory, self._policy)
        self._of_team: dict[str, list[tuple[str, WayBack]]] = {}
        self._of_site: dict[str, list[tuple[str, WayBack]]] = {}

    def all(self, fallbacks: Sequence[TrunkFallback]) -> Iterator[Leg]:
        for item in self._directory.assignments.values():
            for because, way in self._of_did(item):
                yield _leg(item.did, because, way)
        for fallback in fallbacks:
            for planned in fallback_steps(fallback, self._directory, self._policy):
                for way in self._ways(planned.step.target):
                    yield _leg(platform_node(fallback.scope), f"the fallback number of trunk {fallback.trunk}", way)

    def _of_did(self, item: DidAssignment) -> Iterator[tuple[str, WayBack]]:
        for planned in plan_for(item, self._directory, self._policy, self._lines).plan:
            if planned.step.kind in NUMBERS:
                for way in self._ways(planned.step.target):
                    yield planned.reason.sentence, way
            elif planned.step.kind is StepKind.TEAM:
                if item.team not in self._of_team:
                    self._of_team[item.team] = list(self._members(item.team))
                yield from self._of_team[item.team]
            elif planned.step.kind is StepKind.OPENING:
                if item.site not in self._of_site:
                    self._of_site[item.site] = list(self._closed(item.site))
                yield from self._of_site[item.site]

    def _members(self, team: str) -> Iterator[tuple[str, WayBack]]:
        for member in self._lines.line(team).members:
            for step in member.steps:
                for way in self._ways(step.target):
                    yield f"a number of {member.person.key} of team {team}", way

    def _closed(self, site: str) -> Iterator[tuple[str, WayBack]]:
        for step in closed_steps(self._directory.sites[site], self._directory, self._policy):
            if step.kind in NUMBERS:
                for way in self._ways(step.target):
                    yield f"the out-of-hours number of site {site}", way

    def _ways(self, number: str) -> Iterator[WayBack]:
        return self._gate.policy.ways.ways_back(number, self._directory.assignments)


def _leg(source: str, because: str, way: WayBack) -> Leg:
    match way.end:
        case WayEnd.OWN_DID:
            return Leg(source, because, way, way.numbers[-1])
        case WayEnd.PLATFORM:
            return Leg(source, because, way, platform_node(way.platform))
        case WayEnd.CIRCLE:
            # The carriers would go round with it: for us it is a loop of this one DID.
            return Leg(source, because, way, source)


def _round(knot: frozenset[str], after: Mapping[str, list[Leg]]) -> tuple[Leg, ...]:
    """A shortest way round from one member of the knot back to it."""
    start = min(knot)
    came: dict[str, Leg] = {}
    waiting = [start]
    for node in waiting:
        for leg in after.get(node, ()):
            if leg.target in knot and leg.target not in came:
                came[leg.target] = leg
                waiting.append(leg.target)
    chain = [came[start]]
    while chain[-1].source != start:
        chain.append(came[chain[-1].source])
    return tuple(reversed(chain))


def _towards(goal: str, legs: Iterable[Leg]) -> dict[str, Leg]:
    """Of everything that leads to the goal, the leg that goes nearer."""
    before: dict[str, list[Leg]] = {}
    for leg in legs:
        before.setdefault(leg.target, []).append(leg)
    nearer: dict[str, Leg] = {}
    waiting = [goal]
    for node in waiting:
        for leg in before.get(node, ()):
            if leg.source not in nearer:
                nearer[leg.source] = leg
                waiting.append(leg.source)
    return nearer


def _chain(start: str, goal: str, nearer: Mapping[str, Leg]) -> Iterator[Leg]:
    node = start
    while node != goal:
        yield nearer[node]
        node = nearer[node].target


def _numbers(directory: Directory, fallbacks: Iterable[TrunkFallback]) -> Iterator[str]:
    """Every number that some plan might ring."""
    for person in directory.people.values():
        for number in person.default_numbers:
            yield number.e164
    for site in directory.sites.values():
        yield from (number for number in (site.fallback_number, site.out_of_hours_number) if number is not None)
    for team in directory.teams.values():
        if team.backstop_number is not None:
            yield team.backstop_number
    for item in directory.assignments.values():
        if item.divert_number is not None:
            yield item.divert_number
    for fallback in fallbacks:
        if fallback.fallback_number is not None:
            yield fallback.fallback_number
