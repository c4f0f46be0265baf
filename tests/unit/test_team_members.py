"""A team's members follow HR: who joins, moves, leaves, is away or is called by another key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.record import HrNumber, HrRecord
from ringfence.domain.hr.roster import Away, PersonEntries, Roster
from ringfence.domain.route_table import compile_table
from ringfence.domain.routing_team import TeamLines
from ringfence.domain.team import Team
from ringfence.domain.team_records import decode_team, team_path
from tests.unit.directories import routing_policy
from tests.unit.rosters import ADA, BASE, BO, CY, DAY, MOBILE, NOW, ONE, POLICY, TWO, at, by_hand, record, said, settled

SALES = Team("Sales", "Leeds")


def with_team(team: Team, base: Directory = BASE) -> Directory:
    line = replace(base.assignments[TWO], team=team.name, divert_number="+441134960001")
    return replace(base, teams={team.name: team}, assignments={**base.assignments, TWO: line})


def reachable(directory: Directory, team: str = "Sales") -> list[str]:
    line = TeamLines(directory, routing_policy()).line(team)
    return [member.person.key for member in line.members if member.steps]


def in_sales(key: PersonKey, **more: Any) -> HrRecord:
    return record(key, department="Sales", **more)


def test_who_hr_has_in_the_team_is_in_it_and_who_moves_or_leaves_is_not() -> None:
    base = with_team(SALES)
    joined = in_sales(CY, name="Cy", numbers=(HrNumber(MOBILE[CY]),))
    assert reachable(at(said(in_sales(ADA), in_sales(BO), joined), base=base).directory) == [ADA, BO, CY]
    assert reachable(at(said(in_sales(ADA), record(BO, department="Ward"), joined), base=base).directory) == [ADA, CY]
    left = in_sales(ADA, ends=date(2026, 11, 20))
    assert reachable(at(said(left, in_sales(BO)), base=base).directory) == [BO]


def test_who_is_away_is_not_rung_and_no_deputy_is() -> None:
    away = PersonEntries(away=by_hand(Away(since=date(2026, 11, 1), until=date(2026, 11, 30), deputy=CY)))
    roster = said(in_sales(ADA), in_sales(BO), record(CY, name="Cy", numbers=(HrNumber(MOBILE[CY]),)))
    roster = Roster(records=roster.records, entries={ADA: away})
    directory = at(roster, base=with_team(SALES)).directory
    assert directory.people[ADA].deputy == CY
    assert reachable(directory) == [BO]
    later = at(roster, now=datetime(2026, 12, 2, tzinfo=UTC), base=with_team(SALES)).directory
    assert reachable(later) == [ADA, BO]


def test_a_listed_member_is_known_by_the_key_that_hr_gave_since() -> None:
    base, new = with_team(replace(SALES, members=(BO, ADA))), PersonKey("ada-2")
    roster = said(HrRecord(f"id-{ADA}", new))
    roster = Roster(records=roster.records, aliases={ADA: new})
    directory = at(roster, base=base).directory
    assert directory.teams["Sales"].members == (BO, new)
    assert reachable(directory) == [BO, new]


def test_a_line_keeps_its_team_and_its_own_number_whoever_owns_it() -> None:
    owned = said(record(ADA, dids=(TWO,)), record(BO))
    base = with_team(SALES)
    line = at(owned, base=base).directory.assignments[TWO]
    assert (line.owner, line.team, line.divert_number) == (ADA, "Sales", "+441134960001")
    roster = settled(owned, base=base)
    for record_id in list(roster.records):
        if roster.records[record_id].said.key == ADA:
            state = roster.records[record_id]
            gone = replace(state.said, ends=date(2026, 11, 20))
            roster.records[record_id] = replace(state, said=gone, accepted=gone)
    line = at(roster, now=NOW + DAY, base=base).directory.assignments[TWO]
    assert line.hold is not None
    assert (line.team, line.divert_number) == ("Sales", "+441134960001")


def test_a_roster_without_a_word_leaves_the_teams_as_imported() -> None:
    base = with_team(replace(SALES, members=(BO,)))
    effective = at(said(record(ADA)), base=base)
    assert effective.directory.teams == base.teams
    table = compile_table(effective.directory, routing_policy())
    assert len(decode_team(table[team_path("Sales")]).slots) == 1
    assert ONE in base.assignments
    assert POLICY.zone
