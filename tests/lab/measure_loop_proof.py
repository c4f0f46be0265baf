"""How long the proof over a table takes, without a loop and with loops planted in it:

python -m tests.lab.measure_loop_proof [DIDS]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.known_ways import KnownWays, forwards_of
from ringfence.domain.loop_proof import prove
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_table import compile_table
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.team import Team

PLANTED = (1, 2, 3, 4, 5, 6)


def directory_of(count: int) -> Directory:
    """One person a DID, a team of ten for each ten of them, the first DID of each ten its line."""
    people, assignments, teams = [], [], []
    for n in range(count):
        team = f"Team {n // 10}"
        number = DefaultNumber(f"+4477{10_000_000 + n}")
        people.append(Person(PersonKey(f"p{n}"), f"Person {n}", "Leeds", (number,), team=team))
        is_line = n % 10 == 0
        owner = None if is_line else PersonKey(f"p{n}")
        did = Did(f"+44113{1_000_000 + n}")
        assignments.append(DidAssignment(did, owner, "Leeds", "uc", team=team if is_line else ""))
        if is_line:
            teams.append(Team(team, "Leeds"))
    return Directory.of(people, assignments, [Site("Leeds", "+441214960000")], teams)


def planted(directory: Directory) -> tuple[tuple[str, str], ...]:
    """Forwards that make loops of 1 to 6 DIDs."""
    dids, people = list(directory.assignments), list(directory.people.values())
    pairs, place = [], 1
    for length in PLANTED:
        knot = range(place, place + length)
        for n in knot:
            further = dids[place if n == knot[-1] else n + 1]
            pairs.append((people[n].default_numbers[0].e164, str(further)))
        place += 10
    return tuple(pairs)


def everything_leads_on(directory: Directory) -> tuple[tuple[str, str], ...]:
    """As many forwards as may be, each to the next DID: one loop through a thousand."""
    dids, people = list(directory.assignments), list(directory.people.values())
    return tuple((people[n].default_numbers[0].e164, str(dids[(n + 1) % 1000])) for n in range(1000))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    directory = directory_of(count)
    ranges = tuple((f"+44114{n}", "uc") for n in range(10))
    policy = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))))
    started = time.perf_counter()
    compile_table(directory, policy)
    print(f"{count} DIDs compiled in {time.perf_counter() - started:.2f} s, each number judged for the first time")
    for what, pairs in (
        ("no loop", ()),
        (f"loops of {', '.join(map(str, PLANTED))} DIDs", planted(directory)),
        ("one loop through 1,000 DIDs", everything_leads_on(directory)),
    ):
        ways = KnownWays(ranges, forwards_of(pairs))
        gate = replace(policy.gate, policy=replace(policy.gate.policy, ways=ways))
        seeing = replace(policy, gate=gate)
        started = time.perf_counter()
        proof = prove(directory, seeing)
        seconds = time.perf_counter() - started
        found = sorted(len(loop.legs) for loop in proof.loops)
        print(
            f"{count} DIDs, {what}: {seconds:.3f} s; found loops of {found or 'no'} DIDs, {len(proof.looping)} in all"
        )


if __name__ == "__main__":
    main()
