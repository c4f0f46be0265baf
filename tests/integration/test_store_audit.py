"""The audit chain on a real database: what is appended, and that whatever is done to it afterwards is found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.app.audit import Auditor, AuditQuery, verified
from ringfence.app.ports import StoreError
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.audit_chain import FIRST_DIGEST, Anchor, AuditReport, AuditRow, FaultKind, digest_of
from ringfence.store.audit_rows import append
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from tests.integration.stores import later, locked_by_another, opened, opened_at

ROWS = 8


def fact(number: int, kind: AuditKind = AuditKind.MODE, about: str = "scope:uc") -> AuditFact:
    return AuditFact(later(number), kind, "changed", about, f"person {number}", "drill", "token", {"step": str(number)})


@pytest.fixture
def store(database: Database) -> SqlAuditStore:
    return SqlAuditStore(database)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with a chain, closed; tests work on copies of its rows."""
    file = tmp_path_factory.mktemp("chain") / "ringfence.db"

    async def write() -> None:
        async with opened(file) as database:
            await SqlAuditStore(database).append([fact(number) for number in range(1, ROWS + 1)])

    asyncio.run(write())
    return file


async def test_a_chain_that_nobody_touched_holds(store: SqlAuditStore) -> None:
    auditor = Auditor(store)
    assert (await verified(store, [])).faults == ()
    for number in range(1, 4):
        await auditor.note(fact(number))
    report = await verified(store, [Anchor(2, (await store.page(AuditQuery(), 2))[1].digest)])
    assert (report.rows, report.anchors, report.faults) == (3, 1, ())
    assert report.head == await store.head()


async def test_writers_at_once_make_one_chain(store: SqlAuditStore) -> None:
    await asyncio.gather(*(store.append([fact(number), fact(number)]) for number in range(20)))
    report = await verified(store, [])
    assert (report.rows, report.faults) == (40, ())


async def test_a_change_that_fails_leaves_no_row(database: Database, store: SqlAuditStore) -> None:
    async def work(connection: object) -> None:
        await append(connection, [fact(1)])  # type: ignore[arg-type]
        raise StoreError("the change itself failed")

    with pytest.raises(StoreError):
        await database.write(work)
    assert await store.head() == Anchor(0, FIRST_DIGEST)


async def test_what_cannot_be_stored_is_not_noted(place: Path | str) -> None:
    async with opened_at(place) as busy:
        busy._patience_seconds = 0.05
        with locked_by_another(place), pytest.raises(StoreError):
            await Auditor(SqlAuditStore(busy)).note(fact(1))


async def test_rows_are_found_by_what_they_say(store: SqlAuditStore) -> None:
    await store.append([fact(1), fact(2, AuditKind.PERSON, "person:zoe"), fact(3, AuditKind.PERSON, "person:bob")])
    by_key = await store.page(AuditQuery(about="zoe"), 10)
    assert [row.number for row in by_key] == [2]
    assert "zoe" not in repr(by_key)  # no digest and no pseudonym has a z
    assert (await store.pseudonyms(["zoe", "bob"]))[by_key[0].about] == "zoe"
    for query, numbers in (
        (AuditQuery(kind=AuditKind.PERSON), [3, 2]),
        (AuditQuery(who="person 1"), [1]),
        (AuditQuery(before=3), [2, 1]),
        (AuditQuery(since=later(2)), [3, 2]),
        (AuditQuery(until=later(2)), [1]),
        (AuditQuery(about="scope:uc", kind=AuditKind.PERSON), []),
    ):
        assert [row.number for row in await store.page(query, 10)] == numbers


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_rows SET why = 'else' WHERE number = 2",
        "DELETE FROM audit_rows WHERE number = 2",
        "DELETE FROM audit_rows",
        "DELETE FROM audit_head",
    ],
)
def test_the_database_itself_refuses_to_change_it(written: Path, statement: str) -> None:
    with sqlite3.connect(written) as raw, pytest.raises(sqlite3.IntegrityError, match="audit record"):
        raw.execute(statement)


def tampered(written: Path, folder: Path, work: Callable[[sqlite3.Connection], None]) -> Path:
    """A copy of the file into which somebody who knows SQLite has reached."""
    file = folder / "tampered.db"
    file.unlink(missing_ok=True)
    with sqlite3.connect(written) as source, sqlite3.connect(file) as raw:
        source.backup(raw)
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        work(raw)
        raw.commit()
    source.close()
    raw.close()
    return file


def looked_at(file: Path, anchors: list[Anchor]) -> AuditReport:
    async def look() -> AuditReport:
        async with opened(file) as database:
            return await verified(SqlAuditStore(database), anchors)

    return asyncio.run(look())


def rows_of(file: Path) -> list[AuditRow]:
    async def look() -> list[AuditRow]:
        async with opened(file) as database:
            return list(reversed(await SqlAuditStore(database).page(AuditQuery(), 1000)))

    return asyncio.run(look())


def insert(raw: sqlite3.Connection, row: AuditRow) -> None:
    said = (row.number, row.at, row.kind, row.action, row.about, row.who, row.why, row.by, row.detail, row.digest)
    raw.execute(f"INSERT INTO audit_rows VALUES ({', '.join('?' * len(said))})", said)


def resealed(rows: list[AuditRow]) -> list[AuditRow]:
    """As somebody makes it who knows how the chain is made."""
    before, sealed = FIRST_DIGEST, []
    for number, row in enumerate(rows, start=1):
        sealed.append(replace(row, number=number, digest=digest_of(row, number, before)))
        before = sealed[-1].digest
    return sealed


def put(raw: sqlite3.Connection, rows: list[AuditRow], *, head: bool) -> None:
    raw.execute("DELETE FROM audit_rows")
    for row in rows:
        insert(raw, row)
    if head:
        raw.execute("UPDATE audit_head SET number = ?, digest = ?", (rows[-1].number, rows[-1].digest))


NUMBERS = st.integers(1, ROWS)
FIELDS = st.sampled_from(["at", "kind", "action", "about", "who", "why", "by", "detail", "digest"])
quickly = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@quickly
@given(
    number=NUMBERS, field=FIELDS, text=st.sampled_from(["", "x", "2026-03-01T12:00:01.000000+00:00", None, 7, b"\xff"])
)
def test_a_changed_row_is_named(written: Path, tmp_path: Path, number: int, field: str, text: object) -> None:
    def work(raw: sqlite3.Connection) -> None:
        raw.execute("CREATE TABLE copied AS SELECT * FROM audit_rows")
        raw.execute(f"UPDATE copied SET {field} = ? WHERE number = ?", (text, number))
        raw.execute("DROP TABLE audit_rows")
        raw.execute("ALTER TABLE copied RENAME TO audit_rows")

    before = rows_of(written)[number - 1]
    file = tampered(written, tmp_path, work)
    report = looked_at(file, [])
    if getattr(before, field) == str(text):
        assert report.faults == ()
    else:
        assert report.faults[0].number == number
        assert report.faults[0].kind is FaultKind.CHANGED


@quickly
@given(first=NUMBERS, last=NUMBERS)
def test_removed_rows_are_named(written: Path, tmp_path: Path, first: int, last: int) -> None:
    low, high = sorted((first, last))
    file = tampered(
        written, tmp_path, lambda raw: raw.execute("DELETE FROM audit_rows WHERE number BETWEEN ? AND ?", (low, high))
    )  # type: ignore[arg-type, return-value]
    found = looked_at(file, []).faults[0]
    assert found.number == low
    assert found.kind is (FaultKind.CUT_OFF if high == ROWS else FaultKind.REMOVED)


@quickly
@given(first=NUMBERS, second=NUMBERS)
def test_exchanged_rows_are_named(written: Path, tmp_path: Path, first: int, second: int) -> None:
    low, high = sorted((first, second))
    rows = rows_of(written)
    rows[low - 1], rows[high - 1] = replace(rows[high - 1], number=low), replace(rows[low - 1], number=high)
    report = looked_at(tampered(written, tmp_path, lambda raw: put(raw, rows, head=True)), [])
    if low == high:
        assert report.faults == ()
    else:
        assert (report.faults[0].kind, report.faults[0].number) == (FaultKind.MOVED, low)


@quickly
@given(number=NUMBERS, knows_how=st.booleans())
def test_an_inserted_row_is_named(written: Path, tmp_path: Path, number: int, knows_how: bool) -> None:
    rows = rows_of(written)
    before = rows[number - 2].digest if number > 1 else FIRST_DIGEST
    new = replace(rows[0], number=number, why="never said")
    new = replace(new, digest=digest_of(new, number, before) if knows_how else "f" * 64)
    later_rows = [replace(row, number=row.number + 1) for row in rows[number - 1 :]]
    work = [*rows[: number - 1], new, *later_rows]
    found = looked_at(tampered(written, tmp_path, lambda raw: put(raw, work, head=True)), []).faults[0]
    assert found.number == number
    assert found.kind is (FaultKind.INSERTED if knows_how else FaultKind.MOVED)


@quickly
@given(number=NUMBERS, deed=st.sampled_from(["change", "remove", "insert", "move", "cut"]))
def test_a_chain_made_anew_is_found_by_its_anchors(written: Path, tmp_path: Path, number: int, deed: str) -> None:
    """Whoever may write the whole database computes every digest from there on, and the head: only what lies elsewhere
    tells."""
    rows = rows_of(written)
    anchors = [Anchor(ROWS, rows[-1].digest, "noon")]
    changed = list(rows)
    match deed:
        case "change":
            changed[number - 1] = replace(rows[number - 1], who="somebody else")
        case "remove":
            del changed[number - 1]
        case "insert":
            changed.insert(number - 1, replace(rows[0], why="never said"))
        case "move":
            changed.insert(0 if number > 1 else 3, changed.pop(number - 1))
        case "cut":
            changed = changed[: max(1, number - 1)]
    file = tampered(written, tmp_path, lambda raw: put(raw, resealed(changed), head=True))
    assert looked_at(file, []).faults == ()
    kinds = {fault.kind for fault in looked_at(file, anchors).faults}
    assert kinds == {FaultKind.CUT_OFF if len(changed) < ROWS else FaultKind.REWRITTEN}


def test_a_removed_head_is_told(written: Path, tmp_path: Path) -> None:
    file = tampered(written, tmp_path, lambda raw: raw.execute("DELETE FROM audit_head"))  # type: ignore[arg-type, return-value]
    assert looked_at(file, []).faults


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_rows SET why = 'x'", "DELETE FROM audit_rows", "DELETE FROM audit_head"]
)
async def test_neither_engine_changes_it_for_the_service_itself(
    database: Database, store: SqlAuditStore, statement: str
) -> None:
    await store.append([fact(1)])
    with pytest.raises(StoreError, match="audit record"):
        await database.write(lambda connection: connection.exec_driver_sql(statement))
    assert (await verified(store, [])).faults == ()
