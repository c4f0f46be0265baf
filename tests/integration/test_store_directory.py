"""The directory on a real file, and the import that changes it: all or nothing, by one person at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.directory_import import DirectoryImport, ImportRefused, StoredDirectory
from ringfence.app.ports import StoreCorrupt, StoreUnavailable, VersionConflict
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.directory_csv import CsvFile, CsvFiles
from ringfence.domain.directory_diff import DirectoryDiff, compare
from ringfence.domain.moment import Moment
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressPolicy
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.team import Strategy, Team
from ringfence.store import directory_store, portions
from ringfence.store.database import Database, upsert
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.migrating import configuration
from tests.integration.stores import NOW, locked_by_another, only_sqlite, opened

RULES = CsvRules("GB", frozenset({"uc"}), EgressPolicy(frozenset({"GB"})))
PEOPLE = b"key,name,site,default_number_1\np1,Ada,Leeds,+447700900123\np2,Bo,Leeds,+447700900124\n"
DIDS = b"did,owner,site,platform,kind\n+441134960123,p1,Leeds,uc,voice\n+441134960124,,York,uc,lift\n"
SITES = b"name,fallback_number,announcement\nLeeds,+441134960000,\nYork,,night\n"
TEAMS = b"name,site,members,floor\nSales,Leeds,p2 p1,2\n"


class FixedClock:
    def now(self) -> Moment:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def store(database: Database) -> SqlDirectoryStore:
    return SqlDirectoryStore(database)


@pytest.fixture
def importing(store: SqlDirectoryStore) -> DirectoryImport:
    return DirectoryImport(store, FixedClock(), RULES)


def files(
    people: bytes | None = PEOPLE,
    dids: bytes | None = DIDS,
    sites: bytes | None = SITES,
    teams: bytes | None = TEAMS,
) -> CsvFiles:
    def file(name: str, data: bytes | None) -> CsvFile | None:
        return None if data is None else CsvFile(name, data)

    return CsvFiles(
        file("people.csv", people), file("dids.csv", dids), file("sites.csv", sites), file("teams.csv", teams)
    )


WEEK = parse_ring_hours("mon-fri 08:00-18:00", "Europe/Lisbon")
NIGHTS = parse_ring_hours("20:00-06:00", "Europe/Lisbon")


YORK = Site(
    "York",
    None,
    "night",
    "Europe/Lisbon",
    opening=(WEEK, NIGHTS),
    holidays=(date(2026, 12, 25), date(2026, 12, 28)),
    out_of_hours_number="+441134960003",
    out_of_hours_announcement="closed",
    voicemail="600@default",
)


def directory() -> Directory:
    numbers = (DefaultNumber("+447700900123", 25, press_one=True), DefaultNumber("+447700900125", press_one=False))
    return Directory.of(
        [Person(PersonKey("p1"), "Ada", "Leeds", numbers), Person(PersonKey("p2"), "Zoë", "York")],
        [
            DidAssignment(Did("+441134960123"), PersonKey("p1"), "Leeds", "uc", LineKind.SWITCHBOARD, True),
            DidAssignment(
                Did("+441134960124"), None, "York", "uc", LineKind.LIFT, team="Night", divert_number="+441134960001"
            ),
        ],
        [Site("Leeds", "+441134960000"), YORK],
        [Team("Night", "York", Strategy.ORDER, (PersonKey("p2"), PersonKey("p1")), 15, 60, 5, 2, "+441134960002")],
    )


async def test_an_empty_database_holds_an_empty_directory(store: SqlDirectoryStore) -> None:
    assert await store.load() == StoredDirectory(Directory.of(), 0)


async def test_what_was_stored_is_loaded(store: SqlDirectoryStore) -> None:
    stored = await store.replace(await store.load(), directory(), "ada", "first import", NOW.wall)
    assert stored.version == 1
    assert await store.load() == StoredDirectory(directory(), 1)


async def test_a_large_first_import_leaves_the_event_loop_its_turns(
    store: SqlDirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = 2 * portions.PORTION_ROWS + 1
    everybody = [Person(PersonKey(f"p{n}"), "Ada", "Leeds", (DefaultNumber("+447700900123"),)) for n in range(many)]
    assignments = [DidAssignment(Did(f"+44113{n:07d}"), PersonKey(f"p{n}"), "Leeds", "uc") for n in range(many)]
    large = Directory.of(everybody, assignments, [Site("Leeds")])
    written: list[int] = []
    compared_in: list[threading.Thread] = []

    async def counted(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        written.append(len(rows))
        await upsert(connection, table, rows)

    def noted(before: Directory, after: Directory) -> DirectoryDiff:
        compared_in.append(threading.current_thread())
        return compare(before, after)

    monkeypatch.setattr(portions, "upsert", counted)
    monkeypatch.setattr(directory_store, "compare", noted)
    await store.replace(await store.load(), large, "ada", "first import", NOW.wall)
    assert max(written) == portions.PORTION_ROWS
    assert sum(written) == 3 * many + 1
    assert threading.main_thread() not in compared_in
    assert (await store.load()).directory == large


async def test_every_kind_of_change_is_stored(store: SqlDirectoryStore) -> None:
    stored = await store.replace(await store.load(), directory(), "ada", "", NOW.wall)
    after = Directory.of(
        [
            # p1 is gone, p2 moved to a new site with fewer and more numbers; the site York is gone.
            Person(PersonKey("p2"), "Zoë", "Hull", (DefaultNumber("+447700900126"),)),
            Person(PersonKey("p3"), "Cy", "Leeds"),
        ],
        [
            DidAssignment(Did("+441134960123"), PersonKey("p3"), "Leeds", "teams"),
            DidAssignment(Did("+441134960125"), PersonKey("p2"), "Hull", "uc"),
        ],
        [Site("Leeds", None, "night"), Site("Hull")],
        [Team("Day", "Hull"), Team("Night", "Leeds", Strategy.ROTATION)],
    )
    stored = await store.replace(stored, after, "bo", "moves", NOW.wall)
    assert await store.load() == StoredDirectory(after, 2)
    fewer = Directory.of([Person(PersonKey("p2"), "Zoë", "Hull")], [], [Site("Hull")], [Team("Day", "Hull", floor=3)])
    await store.replace(stored, fewer, "bo", "", NOW.wall)
    assert await store.load() == StoredDirectory(fewer, 3)


async def test_the_log_says_who_and_what_with_masked_numbers(store: SqlDirectoryStore) -> None:
    await store.replace(await store.load(), directory(), "ada", "first import", NOW.wall)
    (row,) = await store.changes(10)
    assert (row.version, row.who, row.why, row.at) == (1, "ada", "first import", NOW.wall)
    assert row.summary.startswith("people: 2 added")
    assert "+447700900123" not in "".join(row.lines)
    assert any("+44*******123 25s" in line for line in row.lines)


async def test_an_unchanged_directory_is_no_new_version(store: SqlDirectoryStore) -> None:
    stored = await store.replace(await store.load(), directory(), "ada", "", NOW.wall)
    assert await store.replace(stored, directory(), "ada", "", NOW.wall) == stored
    assert len(await store.changes(10)) == 1


async def test_of_two_changes_from_one_version_the_second_is_refused(store: SqlDirectoryStore) -> None:
    before = await store.load()
    await store.replace(before, directory(), "ada", "", NOW.wall)
    with pytest.raises(VersionConflict, match="Somebody else changed the directory"):
        await store.replace(before, Directory.of([], [], [Site("Hull")]), "bo", "", NOW.wall)
    assert (await store.load()).directory == directory()


@only_sqlite
async def test_a_change_that_fails_half_way_leaves_the_directory_as_it_was(
    store: SqlDirectoryStore, database: Database
) -> None:
    before = await store.load()
    await database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER t BEFORE INSERT ON dids BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    with pytest.raises(StoreUnavailable):
        await store.replace(before, directory(), "ada", "", NOW.wall)
    assert await store.load() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE dids SET kind = 'telex'",
        "UPDATE default_numbers SET ring_seconds = 1",
        "UPDATE sites SET opening = 'always'",
        "UPDATE sites SET holidays = 'xmas'",
        "UPDATE teams SET strategy = 'rota'",
        "UPDATE teams SET floor = 0",
        "UPDATE dids SET team = 'Day'",
    ],
)
async def test_a_row_changed_by_hand_is_named(store: SqlDirectoryStore, database: Database, change: str) -> None:
    await store.replace(await store.load(), directory(), "ada", "", NOW.wall)
    await database.write(lambda connection: connection.execute(text(change)))
    with pytest.raises(StoreCorrupt, match="The directory in the database cannot be understood"):
        await SqlDirectoryStore(database).load()  # by the next process; this one knows what it stored


async def test_a_directory_of_the_version_before_is_upgraded_and_can_go_back(tmp_path: Path) -> None:
    plain = Directory.of([], [], [Site("Leeds", "+441134960000")])

    def back(connection: Connection) -> None:
        command.downgrade(configuration(connection), "0009")
        assert "teams" not in inspect(connection).get_table_names()
        assert "opening" not in {column["name"] for column in inspect(connection).get_columns("sites")}

    async with opened(tmp_path / "ringfence.db") as database:
        store = SqlDirectoryStore(database)
        await store.replace(await store.load(), plain, "ada", "", NOW.wall)
        await database.write(lambda connection: connection.run_sync(back))
    async with opened(tmp_path / "ringfence.db") as database:
        store = SqlDirectoryStore(database)
        before = await store.load()
        assert before.directory == plain
        await store.replace(before, directory(), "ada", "", NOW.wall)
        assert (await store.load()).directory == directory()


async def test_an_import_is_planned_then_applied(importing: DirectoryImport, store: SqlDirectoryStore) -> None:
    plan = await importing.plan(files())
    assert plan.diff is not None
    assert plan.diff.summary().startswith("people: 2 added, 0 changed, 0 removed; DIDs: 2 added")
    assert (await store.load()).version == 0  # a plan stores nothing
    stored = await importing.apply(plan, "ada", "import")
    assert (await store.load()) == stored
    again = await importing.plan(files())
    assert not again.diff


async def test_an_export_is_imported_as_it_was(importing: DirectoryImport) -> None:
    await importing.apply(await importing.plan(files()), "ada", "import")
    texts = await importing.export()
    names = ("people.csv", "dids.csv", "sites.csv", "teams.csv")
    plan = await importing.plan(files(*(texts[name].encode() for name in names)))
    assert plan.diff is not None
    assert not plan.diff


async def test_one_error_refuses_the_whole_import(importing: DirectoryImport, store: SqlDirectoryStore) -> None:
    plan = await importing.plan(files(PEOPLE.replace(b"+447700900124", b"4.47911E+11")))
    assert plan.diff is None
    with pytest.raises(ImportRefused, match=r"(?s)people.csv, line 3, default_number_1.*nothing was imported"):
        await importing.apply(plan, "ada", "")
    assert (await store.load()).version == 0


async def test_a_plan_made_before_somebody_elses_change_is_refused(importing: DirectoryImport) -> None:
    slow, quick = await importing.plan(files()), await importing.plan(files(sites=SITES + b"Hull,,\n"))
    await importing.apply(quick, "ada", "")
    with pytest.raises(VersionConflict):
        await importing.apply(slow, "bo", "")


async def test_a_file_that_lost_its_end_is_remarked_on(importing: DirectoryImport) -> None:
    rows = b"".join(b"p%d,N,Leeds,\n" % n for n in range(100))
    await importing.apply(
        await importing.plan(files(PEOPLE.splitlines(True)[0] + rows, DIDS.replace(b"p1", b""))), "ada", ""
    )
    plan = await importing.plan(files(PEOPLE, None, None))
    assert plan.cautions == ("removes 98 of 100 people: is the file whole?",)


async def test_a_locked_database_stores_nothing_and_says_so(place: Path | str) -> None:
    database = await Database.open(place, patience_seconds=0.2)
    store = SqlDirectoryStore(database)
    try:
        with locked_by_another(place), pytest.raises(StoreUnavailable, match="by another program"):
            await store.replace(await store.load(), directory(), "ada", "", NOW.wall)
        assert (await store.load()).version == 0
    finally:
        await database.close()
