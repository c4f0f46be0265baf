"""Team lines in a real AstDB: published, changed by a leaver and a joiner, and read back as they were meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.route_table import compile_table, did_path, update_table
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.team import Strategy, Team, record_id
from ringfence.domain.team_records import decode_team, member_path, site_path, team_path
from tests.integration.test_asterisk_publisher import bench, read_all
from tests.lab.asterisk import AsteriskInstance

POLICY = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))), press_one=PressOne())
DID = Did("+441134960123")
NAME = "Ward 7, nights | 50 %"
"""Commas and bars are a record's own marks: a name is never written into one."""
SITE = Site(
    "Leeds",
    "+441134960000",
    opening=(parse_ring_hours("mon-fri 08:00-18:00", "Europe/London"),),
    holidays=(date(2026, 12, 25),),
    voicemail="600@default",
)


def directory(members: int) -> Directory:
    people = [
        Person(PersonKey(f"p{n:02}"), "P", "Leeds", (DefaultNumber(f"+4477009001{n:02}"),), team=NAME)
        for n in range(members)
    ]
    line = DidAssignment(DID, None, "Leeds", "uc", team=NAME)
    team = Team(NAME, "Leeds", Strategy.ROTATION, backstop_number="+441134960001")
    return Directory.of(people, [line], [SITE], [team])


async def test_a_team_is_published_and_follows_who_comes_and_goes(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        before = directory(3)
        table = compile_table(before, POLICY)
        b.publisher.want(table)
        await b.timed("a team of 3")
        held = await read_all(b.eyes)
        assert held == dict(table)
        assert decode_team(held[team_path(NAME)]).slots == tuple(record_id(f"p{n:02}") for n in range(3))
        assert held[member_path(NAME, record_id("p01"))] == "1|p:+447700900101:20::1"
        assert held[site_path("Leeds")].startswith("1|0800~1800~12345~Europe/London|20261225|v:600@default:0,a:")
        assert f"t:{team_path(NAME).removeprefix('team/')}:60," in held[did_path(DID)]

        grown = directory(60)
        after = replace(grown, people={key: who for key, who in grown.people.items() if key != "p01"})
        table, change = update_table(table, before, after, POLICY)
        assert (len(change.puts), change.deletes) == (58, (member_path(NAME, record_id("p01")),))
        b.publisher.want(table)
        await b.timed("57 come and one goes")
        held = await read_all(b.eyes)
        assert held == dict(table)
        assert len(decode_team(held[team_path(NAME)]).slots) == 59

        closed = replace(after, teams={}, assignments={DID: replace(after.assignments[DID], team="")})
        table, _ = update_table(table, after, closed, POLICY)
        b.publisher.want(table)
        await b.timed("the team is gone")
        assert [path for path in await read_all(b.eyes) if path.startswith("team/")] == []
