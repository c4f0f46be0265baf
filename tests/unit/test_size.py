"""What a change costs does not grow with the table: counted in records written and pieces read, never in time."""

from __future__ import annotations

import pytest

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory
from ringfence.domain.route_table import RouteTable
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock
from tests.lab.chart import Curve, curves_svg
from tests.lab.size.fifty import together
from tests.lab.size.operations import CHANGED_ROWS, POLICY, Operations, operations
from tests.lab.size.organisation import LargeOrganisation
from tests.lab.size.verdicts import calls_for_a_verdict

SMALL, LARGE = 1_000, 8_000
TEAM_DIDS = 83
"""Fifty people, of whom some have two, and the team's line: at every size."""
SHELVES = 50 + 7 + 2
"""The DIDs', those of teams, and those of sites and of the trunks: the same at every size."""


@pytest.fixture(scope="module")
async def counted() -> tuple[Operations, Operations]:
    return await operations(SMALL), await operations(LARGE)


async def test_a_first_publish_writes_each_record_once(counted: tuple[Operations, Operations]) -> None:
    for one in counted:
        teams = one.dids // 100
        assert one.first.written == one.dids + teams * 11 + 1, (
            "a record each, a team's and its ten members', the table's"
        )
        assert one.first.shelves_read <= 2 * SHELVES


async def test_what_is_unchanged_is_read_once_and_not_written(counted: tuple[Operations, Operations]) -> None:
    for one in counted:
        assert (one.unchanged.written, one.unchanged.shelves_read, one.unchanged.records_read) == (1, SHELVES, 0)


async def test_a_change_costs_what_it_changes(counted: tuple[Operations, Operations]) -> None:
    small, large = counted
    assert large.ten_changed.written <= small.ten_changed.written
    for one in counted:
        # Each of them owns two DIDs at most and is in two teams at most.
        assert CHANGED_ROWS < one.ten_changed.written <= 4 * CHANGED_ROWS + 1
        assert one.ten_changed.shelves_read == 0
        assert one.ten_changed.records_read == one.ten_changed.written - 1


async def test_a_word_costs_its_own_records_and_a_mode_one(counted: tuple[Operations, Operations]) -> None:
    small, large = counted
    assert small.flip == large.flip
    assert (large.flip.written, large.flip.shelves_read, large.flip.records_read) == (1, 0, 0)
    for one in counted:
        # At once, and once more when the table's publisher makes sure of it, where it has not read them in between.
        assert TEAM_DIDS <= one.team.written <= 2 * TEAM_DIDS + 1
        assert one.team.shelves_read == 0
        assert one.team.records_read <= TEAM_DIDS


def test_a_verdict_costs_the_same_among_few_targets_and_among_many() -> None:
    ten, forty = (calls_for_a_verdict(platforms) for platforms in (10, 40))
    assert ten == forty > 0


@pytest.mark.parametrize("profile", ["lan", "wan"])
async def test_nodes_find_a_dead_platform_within_the_formula_each_with_one_commit(profile: str) -> None:
    found = await together(profile, nodes=4)
    assert found.last <= found.promised + 0.01
    assert found.commits == 4


async def test_a_table_that_was_proved_is_the_one_that_is_adopted() -> None:
    offered: list[RouteTable] = []
    keeper = TableKeeper(
        POLICY,
        (),
        ModePublisher(FakeAstDb(), FakeClock()),
        offered.append,
        frozenset(LargeOrganisation.of().scope_names),
    )
    directory = _directory(LargeOrganisation.of(1_000))
    proved = await keeper.prepare(directory)
    await keeper.adopt(directory)
    assert offered == [proved]
    assert offered[0] is proved, "compiled twice"
    await keeper.prepare(_directory(LargeOrganisation.of(1_100)))
    keeper.forget()
    await keeper.adopt(directory)
    assert offered[-1] == proved


async def test_another_directory_than_the_proved_one_is_compiled() -> None:
    offered: list[RouteTable] = []
    keeper = TableKeeper(
        POLICY,
        (),
        ModePublisher(FakeAstDb(), FakeClock()),
        offered.append,
        frozenset(LargeOrganisation.of().scope_names),
    )
    await keeper.prepare(_directory(LargeOrganisation.of(1_000)))
    await keeper.adopt(_directory(LargeOrganisation.of(1_100)))
    assert offered[0].did_count == 1_100


def test_a_chart_says_what_it_shows() -> None:
    drawn = curves_svg(
        "Growth", "DIDs", "s", [Curve("a & b", [(1_000, 0.1), (100_000, 8)]), Curve("level", [(1_000, 1)])]
    )
    assert "a &amp; b: 0.1 at 1,000, 8 at 100,000." in drawn
    assert drawn.count("<polyline") == 2


def _directory(organisation: LargeOrganisation) -> Directory:
    rules = CsvRules("GB", frozenset(organisation.scope_names), POLICY.gate.policy)
    texts = (organisation.people_csv(), organisation.dids_csv(), organisation.sites_csv(), organisation.teams_csv())
    names = ("people.csv", "dids.csv", "sites.csv", "teams.csv")
    files = [CsvFile(name, text.encode()) for name, text in zip(names, texts, strict=True)]
    found = read_directory(CsvFiles(*files), Directory(), rules).directory
    assert found is not None
    return found
