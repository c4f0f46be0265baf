"""Team lines wherever a DID is looked at: whose team it is, where its calls end, what its owner is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ringfence.domain.directory import Person, PersonKey, Site
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory
from ringfence.domain.override import OverrideTarget, covered, team_of
from ringfence.domain.override_effect import End, end_in
from ringfence.domain.route_table import TableError, compile_table, did_path
from ringfence.domain.staff_message import StaffText, staff_text
from ringfence.domain.team import Team, record_id
from tests.unit.directories import DID, MOBILE, RECEPTION, WEEK, routing_policy
from tests.unit.test_directory_csv import RULES
from tests.unit.test_routing_team import DIVERTED, person, sales

OWNER = person("cy", team="Ward")
"""Without a number, so that the plan begins with what the line is."""


def told(site: Site | None = None, **did: Any) -> StaffText:
    directory = sales(people=(OWNER, person("ada", MOBILE)), site=site, owner=OWNER.key, **did)
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    return staff_text([directory.assignments[DID]], directory, routing_policy(), True, at, "Europe/London")


def test_an_owner_of_a_teams_line_is_told_that_calls_go_to_the_team_also_when_hours_are_asked_first() -> None:
    for site in (None, Site("Leeds", RECEPTION, opening=(WEEK,))):
        assert told(site).subject == "Your calls now go to your team"
        assert "go to the team Sales since" in told(site).text


def test_an_owner_of_a_line_with_a_number_of_its_own_is_told_that_number() -> None:
    assert told(divert_number=DIVERTED).subject == "Your calls now go to another number"
    assert "+44 113 496 0003" in told(divert_number=DIVERTED).text


def test_a_teams_line_belongs_to_that_team_and_not_to_its_owners() -> None:
    directory = sales(people=(OWNER, person("ada", MOBILE)), owner=OWNER.key)
    item = directory.assignments[DID]
    assert team_of(item, directory) == "Sales"
    assert list(covered(OverrideTarget(team="Sales"), directory)) == [item]
    assert not list(covered(OverrideTarget(team="Ward"), directory))


def test_a_plan_with_a_team_ends_with_persons() -> None:
    table = compile_table(sales(), routing_policy())
    assert end_in(table[did_path(DID)]) is End.PERSON
    closed = compile_table(sales(Team("Sales", "Leeds", floor=3)), routing_policy())
    assert end_in(closed[did_path(DID)]) is End.RECEPTION


def test_two_names_that_asterisk_cannot_tell_apart_are_refused() -> None:
    seen: dict[str, str] = {}
    for number in range(1_000_000):
        name = f"Team {number}"
        if (other := seen.setdefault(record_id(name), name)) != name:
            break
    teams = CsvFile("teams.csv", f"name,site\n{other},Leeds\n{name},Leeds\n".encode())
    reading = read_directory(CsvFiles(teams=teams), sales(team=""), RULES)
    (error,) = reading.errors
    assert (error.file, error.line, error.column) == ("teams.csv", 3, "name")
    assert "cannot be told apart in Asterisk" in error.message


def test_so_many_members_in_one_piece_that_it_could_not_be_read_back_are_refused() -> None:
    names: list[str] = []
    number = 0
    while len(names) < 9:
        number += 1
        if int(record_id(f"T{number}"), 16) % 64 == 0:
            names.append(f"T{number}")
    people = [
        Person(PersonKey(f"{name}-{n}"), "P", "Leeds", person("x", f"+4477{index}{n:07}").default_numbers, team=name)
        for index, name in enumerate(names)
        for n in range(60)
    ]
    directory = sales(people=tuple(people), team="")
    crowded = type(directory).of(
        people, directory.assignments.values(), directory.sites.values(), [Team(name, "Leeds") for name in names]
    )
    with pytest.raises(TableError, match=r"team/0 would hold 5.. records, at most 500 .*too many members"):
        compile_table(crowded, routing_policy())
