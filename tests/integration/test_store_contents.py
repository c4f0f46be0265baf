"""Everything dumped and loaded again is the same, on both engines and from each to the other."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from ringfence.app.ports import StoreError
from ringfence.store import tables
from ringfence.store.contents import SEEDED, Contents, Portion, Tally, filled, load
from ringfence.store.database import Database
from ringfence.store.migrating import revisions
from ringfence.store.tables_incidents import incidents
from tests.integration.full_database import fill, rows_of
from tests.integration.stores import ENGINES, NOW, empty_database, opened_at

MANY = 8_000
PORTION_PEAK_BYTES = 16 << 20


@pytest.fixture(params=ENGINES)
async def other(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path / "other.db") as database:
        yield database


async def dumped(database: Database) -> tuple[str, list[Portion]]:
    async with database.reading() as connection:
        contents = await Contents.of(connection)
        return contents.revision, [portion async for portion in contents.portions()]


async def again(portions: Iterable[Portion]) -> AsyncIterator[Portion]:
    for portion in portions:
        yield portion


async def tallies(database: Database) -> dict[str, Tally]:
    async with database.reading() as connection:
        return await (await Contents.of(connection)).tallies()


async def test_what_was_dumped_and_loaded_is_dumped_alike(database: Database, other: Database) -> None:
    await database.write(fill)
    revision, portions = await dumped(database)
    assert revision == revisions()[-1]
    told = await other.write(lambda connection: load(connection, revision, again(portions)))
    assert await dumped(other) == (revision, portions)
    there = await tallies(other)
    assert {name: (tally.rows, tally.digest) for name, tally in told.items()} == {
        name: (tally.rows, tally.digest) for name, tally in there.items()
    }
    assert all(portion.rows for portion in portions), "a table without rows shows nothing"
    assert [Portion(**json.loads(json.dumps({"table": p.table, "rows": list(p.rows)}))) for p in portions] == portions


async def test_row_numbers_go_on_where_they_were(database: Database, other: Database) -> None:
    await database.write(fill)
    revision, portions = await dumped(database)
    await other.write(lambda connection: load(connection, revision, again(portions)))
    row = {**next(rows_of(incidents, 1)), "scope": "elsewhere"}
    del row["id"]
    given = await other.write(lambda connection: connection.execute(insert(incidents).values(row)))
    assert given.inserted_primary_key == (13,)


async def test_a_new_database_holds_nothing_but_what_it_is_born_with(database: Database) -> None:
    _, portions = await dumped(database)
    assert {portion.table for portion in portions if portion.rows} == SEEDED
    async with database.reading() as connection:
        assert await filled(connection) == []


async def test_nothing_is_mixed_into_a_database_in_use(database: Database, other: Database) -> None:
    revision, portions = await dumped(database)
    row = {"did": "+441134960123", "at": NOW.wall}
    await other.write(lambda connection: connection.execute(insert(tables.delivered).values(row)))
    with pytest.raises(StoreError, match=r"not empty: there are rows in delivered\."):
        await other.write(lambda connection: load(connection, revision, again(portions)))


async def test_another_schema_is_not_loaded(database: Database) -> None:
    _, portions = await dumped(database)
    with pytest.raises(StoreError, match="of schema 0003"):
        await database.write(lambda connection: load(connection, "0003", again(portions)))


async def test_a_row_that_is_none_leaves_nothing_behind(database: Database) -> None:
    revision, portions = await dumped(database)
    (good,) = rows_of(tables.delivered, 1)
    good["at"] = good["at"].isoformat()
    for bad in ({"did": "+441134960124"}, {"did": "+441134960124", "at": "yesterday"}, {**good, "more": 1}):
        spoilt = [replace(p, rows=[good, bad]) if p.table == "delivered" else p for p in portions]
        with pytest.raises(StoreError, match="delivered"):
            await database.write(lambda connection, rows=spoilt: load(connection, revision, again(rows)))  # type: ignore[misc]
        assert await dumped(database) == (revision, portions)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("name", "said"), [("n" * 81, "name is longer than 80 characters"), ("a\x00", "name holds a NUL character")]
)
async def test_what_only_sqlite_takes_is_named_and_not_quoted(database: Database, name: str, said: str) -> None:
    revision, portions = await dumped(database)
    (site,) = rows_of(tables.sites, 1)
    spoilt = [replace(p, rows=[{**site, "name": name}]) if p.table == "sites" else p for p in portions]
    with pytest.raises(StoreError, match=f"sites do not fit into this database: {said}") as caught:
        await database.write(lambda connection: load(connection, revision, again(spoilt)))
    assert "nnnn" not in str(caught.value)


async def test_memory_does_not_grow_with_the_rows(place: Path | str, tmp_path: Path) -> None:
    """Never more than a portion of a table is held: of these calls an eighth."""
    (call,) = rows_of(tables.calls, 1)

    async def calls() -> AsyncIterator[Portion]:
        base = {**call, "ended_at": call["ended_at"].isoformat()}
        for start in range(0, MANY, 1000):
            rows = [{**base, "id": n + 1, "call_id": f"call {n}"} for n in range(start, start + 1000)]
            yield Portion("calls", rows)

    async with opened_at(place) as database:
        tracemalloc.start()
        try:
            await database.write(lambda connection: load(connection, revisions()[-1], calls()))
            loading = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            assert (await tallies(database))["calls"].rows == MANY
            dumping = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert max(loading, dumping) < PORTION_PEAK_BYTES
    async with opened_at(place) as database, database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM calls"))).scalar_one() == MANY
