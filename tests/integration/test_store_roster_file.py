"""The roster in a real file: edited by hand, refused half-way, erased without a trace, made by an earlier version."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Table, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.directory_import import StoredDirectory
from ringfence.app.hr.ports import HrRun, PlanRow, RosterCommit, RosterNote, RunOutcome
from ringfence.app.ports import StoreCorrupt, StoreUnavailable
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import HrNumber, HrRecord, RecordId
from ringfence.domain.hr.roster import Origin, PersonEntries, RecordState, RosterChange, SourceState, Stated, Tenure
from ringfence.domain.numbers import Did
from ringfence.store import portions
from ringfence.store.database import Database, upsert
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.memory_store import SqlMemoryStore
from ringfence.store.migrating import configuration
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.roster_store import SqlRosterStore
from tests.integration.stores import NOW, locked_by_another, opened

AT = NOW.wall
ADA = PersonKey("p1")
DID = Did("+441134960123")
MOBILE = "+447700900123"
RECORD = HrRecord("1001", ADA, site="Leeds", dids=(DID,), numbers=(HrNumber(MOBILE),), manager="p9")
ID = RecordId("payroll", "1001", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    async with opened(file) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlRosterStore:
    return SqlRosterStore(database)


def one_record() -> dict[RecordId, RecordState]:
    return {ID: RecordState(RECORD, RECORD, AT)}


def one_of_each() -> RosterCommit:
    stated = Stated((HrNumber(MOBILE),), Origin.PERSON, "ada", "", AT)
    change = RosterChange(
        records=one_record(),
        entries={ADA: PersonEntries(numbers=stated)},
        tenures={DID: (Tenure(DID, ADA, AT),)},
        releases={DID: AT},
        sources={"payroll": SourceState("payroll")},
        aliases={PersonKey("old"): ADA},
    )
    run, plan = HrRun("payroll", AT, RunOutcome.APPLIED), PlanRow("payroll", AT, True)
    return RosterCommit(change, (run,), (plan,), (RosterNote(AT, "ada", "", "entered", "p1"),))


def traces(file: Path, *numbers: str) -> set[str]:
    """Those of the numbers that can be read from the bytes on the disk."""
    content = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    return {number for number in numbers if number.encode() in content}


async def test_what_was_accepted_as_said_and_what_many_repeat_is_held_once(store: SqlRosterStore) -> None:
    second = replace(RECORD, id="1002", key=PersonKey("p2"), dids=(Did("+441134960124"),))
    moved = RecordState(second, replace(second, site="York"), AT)
    records = {ID: RecordState(RECORD, RECORD, AT), RecordId("payroll", "1002", ""): moved}
    await store.commit(RosterCommit(RosterChange(records)))
    first, other = (await store.load()).records.values()
    assert first.accepted is first.said
    assert first.said.site is other.said.site
    assert first.said.manager is other.said.manager


async def test_a_large_batch_leaves_the_event_loop_its_turns(
    store: SqlRosterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = 2 * portions.PORTION_ROWS + 1
    records = {RecordId("payroll", str(n), ""): RecordState(replace(RECORD, id=str(n)), None, AT) for n in range(many)}
    written: list[int] = []

    async def counted(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        written.append(len(rows))
        await upsert(connection, table, rows)

    monkeypatch.setattr(portions, "upsert", counted)
    await store.commit(RosterCommit(RosterChange(records)))
    assert max(written) == portions.PORTION_ROWS
    assert sum(written) == many
    assert (await store.load()).records == records
    await store.commit(RosterCommit(RosterChange(dict.fromkeys(records))))
    assert not (await store.load()).records


async def test_a_commit_that_fails_half_way_stores_nothing(store: SqlRosterStore, database: Database) -> None:
    refuse = "CREATE TRIGGER t BEFORE INSERT ON roster_notes BEGIN SELECT RAISE(ABORT, 'no'); END"
    await database.write(lambda connection: connection.execute(text(refuse)))
    with pytest.raises(StoreUnavailable):
        await store.commit(one_of_each())
    roster = await store.load()
    assert not (roster.records or roster.entries or roster.tenures or roster.sources or roster.aliases)
    assert await store.runs(10) == []
    assert await store.plans(10) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE hr_records SET said = '{\"colour\":1}'", r"record '1001' \(post ''\) of source payroll"),
        ("UPDATE hr_records SET said = 'x'", "record '1001'"),
        ("UPDATE hr_records SET accepted_as_said = 0, accepted = '[]'", "record '1001'"),
        ("UPDATE hr_records SET said = x'00ff'", "record '1001'"),
        ("UPDATE hr_records SET said_at = 'noon'", "The roster in the database"),
        ("UPDATE person_entries SET entries = replace(entries, 'person', 'nobody')", "What was entered for p1"),
        ("UPDATE tenures SET since = 'noon'", "The roster in the database"),
    ],
)
async def test_a_roster_changed_by_hand_is_refused_with_the_row_but_without_its_numbers(
    store: SqlRosterStore, database: Database, change: str, named: str
) -> None:
    await store.commit(one_of_each())
    await database.write(lambda connection: connection.exec_driver_sql(change))
    with pytest.raises(StoreCorrupt, match=f"{named}.*cannot be understood.*backup") as caught:
        await store.load()
    assert "900123" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE hr_runs SET outcome = 'lost'", "The runs of HR sources"),
        ("UPDATE hr_runs SET held = '{\"whim\":1}'", "The runs of HR sources"),
        ("UPDATE hr_plans SET status = 'lost'", "The held plans"),
        ("UPDATE hr_plans SET lines = '7'", "The held plans"),
    ],
)
async def test_a_history_a_newer_version_wrote_is_refused(
    store: SqlRosterStore, database: Database, change: str, named: str
) -> None:
    await store.commit(one_of_each())
    await database.write(lambda connection: connection.exec_driver_sql(change))
    with pytest.raises(StoreCorrupt, match=named):
        await store.runs(10)
        await store.plans(10)


async def test_words_no_database_takes_are_stored_as_far_as_they_can_be(store: SqlRosterStore) -> None:
    run = HrRun("payroll", AT, RunOutcome.FAILED, label="\ud800.csv", detail="a\x00b")
    note = RosterNote(AT, "a" * 300, "", "entered")
    await store.commit(RosterCommit(RosterChange(), (run,), notes=(note,)))
    assert [(run.label, run.detail) for run in await store.runs(10)] == [("?.csv", "a?b")]
    assert [note.who for note in await store.notes(10)] == ["a" * 200]


async def test_an_erased_number_is_in_none_of_the_files(store: SqlRosterStore, file: Path) -> None:
    people = {f"+4477009{n:05d}": RecordId("payroll", str(n), "") for n in range(600)}
    words = random.Random(4)

    def state(id_: RecordId, numbers: tuple[HrNumber, ...]) -> RecordState:
        # Rows of many sizes, so that pages are split, joined and given back.
        record = HrRecord(id_.id, PersonKey(id_.id), name="n" * words.choice([1, 40, 300, 5_000]), numbers=numbers)
        return RecordState(record, record, AT)

    await store.commit(
        RosterCommit(RosterChange({id_: state(id_, (HrNumber(number),)) for number, id_ in people.items()}))
    )
    erased = words.sample(sorted(people), 400)
    for start in range(0, len(erased), 100):
        ids = [people[number] for number in erased[start : start + 100]]
        changed = {id_: state(id_, ()) if words.random() < 0.5 else None for id_ in ids}
        await store.commit(RosterCommit(RosterChange(changed)))
    assert traces(file, *erased)
    await store.wipe()
    assert traces(file, *people) == set(people) - set(erased)


async def test_a_number_that_sqlite_left_between_the_rows_of_a_page_is_wiped_as_well(file: Path) -> None:
    """It does so, by chance, when rows move to another page; `secure_delete` does not help."""
    async with opened(file) as database:
        await SqlRosterStore(database).commit(replace(one_of_each(), change=RosterChange(records=one_record())))
        await SqlRosterStore(database).wipe()
        async with database.reading() as connection:
            find = "SELECT rootpage FROM sqlite_master WHERE name = 'hr_records'"
            root = (await connection.exec_driver_sql(find)).scalar_one()
    content = bytearray(file.read_bytes())
    page = (root - 1) * 4096
    assert content[page] == 0x0D  # a leaf: cell pointers from byte 8, then nothing, then the rows
    between = page + 8 + 2 * int.from_bytes(content[page + 3 : page + 5])
    assert between + 100 < page + int.from_bytes(content[page + 5 : page + 7])
    content[between + 50 : between + 63] = b"+447700900199"
    file.write_bytes(content)
    async with opened(file) as database:
        assert traces(file, "+447700900199")
        await SqlRosterStore(database).wipe()
        assert not traces(file, "+447700900199")
        assert (await SqlRosterStore(database).load()).records == one_record()


async def test_an_erased_entry_and_an_erased_default_number_are_in_none_of_the_files(
    store: SqlRosterStore, database: Database, file: Path
) -> None:
    """The log of the directory keeps what the change was: masked."""
    directories = SqlDirectoryStore(database)
    person = Person(ADA, "Ada", "Leeds", (DefaultNumber(MOBILE), DefaultNumber("+447700900124")))
    site, did = Site("Leeds"), DidAssignment(DID, ADA, "Leeds", "uc")
    stored = await directories.replace(
        await directories.load(), Directory.of([person], [did], [site]), "ada", "import", AT
    )
    await store.commit(one_of_each())
    await store.commit(RosterCommit(RosterChange(records={ID: None}, entries={ADA: None})))
    without = Directory.of([replace(person, default_numbers=())], [did], [site])
    stored = await directories.replace(stored, without, "ringfence", "erased", AT)
    await store.wipe()
    assert traces(file, MOBILE, "+447700900124") == set()
    assert await directories.load() == stored == StoredDirectory(without, 2)
    assert any("+44*******123" in line for row in await directories.changes(10) for line in row.lines)


async def test_a_wipe_waits_for_who_reads_from_before_and_says_when_it_is_not_done(file: Path) -> None:
    database = await Database.open(file, patience_seconds=0.2)
    reader = sqlite3.connect(file, isolation_level=None)
    try:
        store = SqlRosterStore(database)
        await store.commit(one_of_each())
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM hr_records").fetchone()
        await store.commit(RosterCommit(RosterChange(records={ID: None}, entries={ADA: None})))
        with pytest.raises(StoreUnavailable, match="still lies in the database's log") as caught:
            await store.wipe()
        assert caught.value.retry
        assert traces(file, MOBILE)
        reader.execute("ROLLBACK")
        await store.wipe()
        assert not traces(file, MOBILE)
        with locked_by_another(file), pytest.raises(StoreUnavailable, match="is locked"):
            await store.wipe()
        async with database.reading() as connection:
            assert (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar_one() == 1
    finally:
        reader.close()
        await database.close()


async def test_a_database_of_the_version_before_is_upgraded_with_all_it_holds(file: Path) -> None:
    at = {"at": "2026-03-01 12:00:00.000000"}
    rows = (
        "INSERT INTO sites (name, fallback_number, announcement) VALUES ('Leeds', '+441134960000', 'night')",
        "INSERT INTO people (key, name, site) VALUES ('p1', 'Ada', 'Leeds')",
        "INSERT INTO default_numbers (person, position, e164, ring_seconds) VALUES ('p1', 1, '+447700900123', 25)",
        "INSERT INTO dids (did, owner, site, scope, kind, critical)"
        " VALUES ('+441134960123', 'p1', 'Leeds', 'uc', 'voice', 0)",
        "INSERT INTO directory_changes (version, at, who, why, summary, lines) VALUES (7, :at, 'ada', '', 's', '[]')",
        "INSERT INTO scope_states (scope, mode, since, reason, bad_trials, trial_good, trial_bad, version)"
        " VALUES ('uc', 'NORMAL', :at, 'answering', 0, 0, 0, 3)",
        "INSERT INTO delivered (did, at) VALUES ('+441134960123', :at)",
    )

    def make(connection: Connection) -> None:
        command.upgrade(configuration(connection), "0002")
        for row in rows:
            connection.execute(text(row), at if ":at" in row else {})

    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        make(connection)
    engine.dispose()
    async with opened(file) as database:
        directory = Directory.of(
            [Person(ADA, "Ada", "Leeds", (DefaultNumber(MOBILE, 25),))],
            [DidAssignment(DID, ADA, "Leeds", "uc")],
            [Site("Leeds", "+441134960000", "night")],
        )
        directories, roster = SqlDirectoryStore(database), SqlRosterStore(database)
        assert await directories.load() == StoredDirectory(directory, 7)
        assert (await SqlOutageStore(database).load_states(NOW))["uc"].version == 3
        assert await SqlMemoryStore(database).load_delivered(AT) == {DID: datetime(2026, 3, 1, 12, tzinfo=UTC)}
        await roster.commit(one_of_each())
        assert (await roster.load()).records[ID].said == RECORD
        zoned = replace(directory, sites={"Leeds": replace(directory.sites["Leeds"], time_zone="Europe/Lisbon")})
        await directories.replace(StoredDirectory(directory, 7), zoned, "ada", "", AT)
        assert (await directories.load()).directory.sites["Leeds"].time_zone == "Europe/Lisbon"
