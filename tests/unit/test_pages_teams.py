"""The page of team lines, and the plan of one on the page of its DID."""

from __future__ import annotations

from dataclasses import replace

from ringfence.domain.access import Role
from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.team import Strategy, Team
from tests.fakes.doors import signed_in_door
from tests.fakes.node import OTHER_DID, PRIVATE_NUMBERS
from tests.fakes.roster_node import RosterNode

ENGLISH = {"Accept-Language": "en"}
HOSTILE = '<script>alert("x")</script>'


def with_team(before: Directory, team: Team) -> Directory:
    line = replace(before.assignments[Did(OTHER_DID)], owner=None, team=team.name)
    opening = (parse_ring_hours("mon-fri 08:00-18:00", "Europe/London"),)
    sites = [replace(site, opening=opening, voicemail="600@default") for site in before.sites.values()]
    assignments = [line if item.did == OTHER_DID else item for item in before.assignments.values()]
    people = [replace(who, default_numbers=()) if who.key == "bob" else who for who in before.people.values()]
    return Directory.of(people, assignments, sites, [team])


async def test_a_team_is_shown_with_who_can_be_reached_and_without_numbers() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        await node.load_first()
        assert "There is no team line" in (await client.get("/teams", headers=ENGLISH)).text
    team = Team(HOSTILE, "Leeds", Strategy.ORDER, (PersonKey("bob"), PersonKey("ada")), floor=2)
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        await node.load_first()
        assert node.keeper.directory is not None
        await node.keeper.adopt(with_team(node.keeper.directory, team))
        page = (await client.get("/teams", headers=ENGLISH)).text
        assert "1 of 2 members can be rung." in page
        assert "fewer than the floor of 2" in page
        assert "in this order" in page
        assert page.index("Bob Example") < page.index("not rung now") < page.index("Ada Example")
        assert f'href="/did/{OTHER_DID}"' in page
        assert HOSTILE not in page
        assert not any(number in page for number in PRIVATE_NUMBERS)


async def test_the_plan_of_a_teams_line_is_told_in_words() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        await node.load_first()
        assert node.keeper.directory is not None
        await node.keeper.adopt(with_team(node.keeper.directory, Team("Sales", "Leeds", members=(PersonKey("ada"),))))
        page = (await client.get(f"/did/{OTHER_DID}", headers=ENGLISH)).text
        for words in (
            "on only while the site Leeds is open",
            "the team Sales, for 60 s",
            "the voicemail box 600@default",
        ):
            assert words in page


async def test_many_teams_come_fifty_at_a_time_those_below_their_floor_first() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        await node.load_first()
        before = node.keeper.directory
        assert before is not None
        teams = [Team(f"team {number:03}", "Leeds", members=(PersonKey("ada"),)) for number in range(60)]
        teams.append(Team("zero", "Leeds", members=(PersonKey("ada"),), floor=2))
        sites, assignments = before.sites.values(), before.assignments.values()
        await node.keeper.adopt(Directory.of(before.people.values(), assignments, sites, teams))
        assert node.keeper.teams() is node.keeper.teams(), "worked out for each viewer"
        first = (await client.get("/teams", headers=ENGLISH)).text
        last = (await client.get("/teams?page=2", headers=ENGLISH)).text
        assert first.index("zero") < first.index("team 000")
        assert 'href="/teams?page=2"' in first
        assert "team 048" in first
        assert ("team 048" in last, "team 059" in last, 'rel="next"' in last) == (False, True, False)
