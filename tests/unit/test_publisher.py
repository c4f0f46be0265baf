"""The table publisher over an AstDB of our own that fails, forgets and is meddled with at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.node_claim import NodeClaim, NodeHeld, read_claim
from ringfence.app.ports import AsteriskRefused, AsteriskUnavailable, Put
from ringfence.app.publisher import TablePublisher, TableState
from ringfence.app.snapshot import TableView
from ringfence.domain.moment import Moment
from ringfence.domain.records import NodeRecord, encode_node, generation_of
from ringfence.domain.route_table import RouteTable, TableDiff, did_path
from tests.fakes.astdb import tree_of
from tests.unit.moments import at


class Asterisk:
    """The port `AstDb` in memory. `fails` decides before each operation whether it is interrupted in the middle."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.fails = lambda: False
        self.refuses: set[str] = set()
        self.writes: list[tuple[str, str | None]] = []
        self.reads = 0

    async def put(self, key: str, value: str) -> None:
        await self.write([Put(key, value)], [])

    async def get(self, key: str) -> str | None:
        await self._maybe_fail()
        return self.rows.get(key)

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        for put in puts:
            await self._maybe_fail()
            if put.key in self.refuses:
                raise AsteriskRefused("no")
            self.rows[put.key] = put.value
            self.writes.append((put.key, put.value))
        for key in deletes:
            await self._maybe_fail()
            self.rows.pop(key, None)
            self.writes.append((key, None))

    async def read_tree(self, key: str) -> dict[str, str]:
        await self._maybe_fail()
        self.reads += 1
        return tree_of(self.rows, key)

    async def _maybe_fail(self) -> None:
        await asyncio.sleep(0)
        if self.fails():
            raise AsteriskUnavailable("gone")


class Clock:
    """Stands still; nobody sleeps by it."""

    def __init__(self) -> None:
        self.moment = at(0)

    def now(self) -> Moment:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment = self.moment.plus(seconds)
        await asyncio.sleep(0)


def table_of(count: int, mark: str = "a") -> RouteTable:
    rows = [(did_path(f"+44113{number:07}"), f"1|{mark}|{number}") for number in range(count)]
    return RouteTable.of([*rows, ("fallback/carrier", f"1|{mark}")])


@asynccontextmanager
async def running(publisher: TablePublisher) -> AsyncIterator[None]:
    task = asyncio.ensure_future(publisher.run())
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_only_what_changed_is_written_and_the_record_comes_last() -> None:
    asterisk, views = Asterisk(), list[TableView]()
    asterisk.rows = {"did/3/stray": "x", "mode/uc": "1|divert", "fallback/gone": "x"}
    publisher = TablePublisher(asterisk, Clock(), views.append)
    assert publisher.view.state is TableState.NO_DIRECTORY
    async with running(publisher):
        table = table_of(1_000)
        publisher.want(table)
        await publisher.wait_equal()
        expected = {**table, "mode/uc": "1|divert", "table": f"1|1|{int(at(0).wall.timestamp())}|1000"}
        assert asterisk.rows == expected
        assert asterisk.writes[-1][0] == "table"
        assert views[0].state is TableState.PUBLISHING
        assert views[-1] == TableView(TableState.EQUAL, 1, 1_000, at(0), "")

        asterisk.writes.clear()
        asterisk.reads = 0
        changed = RouteTable.of({**table, did_path("+441130000007"): "1|b|7"}.items())
        publisher.want(changed)
        await publisher.wait_equal()
        assert [key for key, _ in asterisk.writes] == [did_path("+441130000007"), "table"]
        assert asterisk.reads == 0, "a shelf was read for one record"
        assert generation_of(asterisk.rows["table"]) == 2

        publisher.again()
        await publisher.wait_equal()
        assert generation_of(asterisk.rows["table"]) == 2


async def test_without_a_directory_nothing_is_touched() -> None:
    asterisk = Asterisk()
    asterisk.rows = dict(table_of(3))
    publisher = TablePublisher(asterisk, Clock())
    async with running(publisher):
        publisher.again()
        for _ in range(20):
            await asyncio.sleep(0)
    assert asterisk.reads == 0
    assert not asterisk.writes


async def test_a_row_asterisk_will_not_take_holds_up_no_other() -> None:
    asterisk, table = Asterisk(), table_of(600)
    bad = did_path("+441130000007")
    asterisk.refuses = {bad}
    differs = asyncio.Event()
    publisher = TablePublisher(
        asterisk, Clock(), lambda view: differs.set() if view.state is TableState.DIFFERS else None
    )
    async with running(publisher):
        publisher.want(table)
        await differs.wait()
        assert {key for key in table if key not in asterisk.rows} <= set(table.family("did/7"))
        assert "table" not in asterisk.rows
        assert "did/7" in publisher.view.detail
        asterisk.refuses.clear()
        publisher.again()
        await publisher.wait_equal()
    assert {key: asterisk.rows.get(key) for key in table} == dict(table)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_interrupts_it_no_did_loses_its_record_and_it_ends_equal(seed: int) -> None:
    random, asterisk = Random(seed), Asterisk()
    tables = [table_of(120, "a"), table_of(100, "b"), RouteTable({}), table_of(150, "c")]
    publisher = TablePublisher(asterisk, Clock())
    kept = [did_path(f"+44113{number:07}") for number in range(100)]

    def fails() -> bool:
        if random.random() >= 0.003:
            return False
        if random.random() < 0.3:
            for key in random.sample(sorted(asterisk.rows), k=min(3, len(asterisk.rows))):
                del asterisk.rows[key]  # killed: the last second's writes are lost
                kept.clear()
        asyncio.get_running_loop().call_later(0.001, publisher.again)
        return True

    asterisk.fails = fails
    for table in tables:
        for _ in range(random.randrange(3)):  # the daemon itself is stopped in the middle, too
            async with running(publisher):
                publisher.want(table)
                for _ in range(random.randrange(400)):
                    await asyncio.sleep(0)
        async with running(publisher):
            publisher.want(table)
            await publisher.wait_equal()
        held = {key: value for key, value in asterisk.rows.items() if key != "table"}
        assert held == dict(table)
        if table is tables[0]:
            asterisk.writes.clear()
        if table is tables[1]:
            assert not {key for key, value in asterisk.writes if value is None} & set(kept)
    assert asterisk.rows["table"].endswith(f"|{publisher.view.rows}")


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_stopped_at_any_moment_it_takes_up_where_it_was(turns: int) -> None:
    asterisk = Asterisk()
    publisher = TablePublisher(asterisk, Clock())
    async with running(publisher):
        publisher.want(table_of(200, "a"))
        await publisher.wait_equal()
        publisher.want(table_of(200, "b"))
        for _ in range(turns):
            await asyncio.sleep(0)
    async with running(publisher):
        await publisher.wait_equal()
    assert set(asterisk.rows.values()) >= {"1|b|7", "1|b|199"}


async def test_a_table_wanted_in_mid_publish_takes_over() -> None:
    asterisk = Asterisk()
    publisher = TablePublisher(asterisk, Clock())
    async with running(publisher):
        publisher.want(table_of(500, "a"))
        while len(asterisk.writes) < 50:
            await asyncio.sleep(0)
        publisher.want(table_of(500, "b"))
        await publisher.wait_equal()
    assert {value for key, value in asterisk.writes if value is not None and value.startswith("1|b")}
    held = {key: value for key, value in asterisk.rows.items() if key != "table"}
    assert held == dict(table_of(500, "b"))


async def test_a_change_does_not_wait_for_the_rest_of_a_reconcile() -> None:
    asterisk = Asterisk()
    publisher = TablePublisher(asterisk, Clock())
    async with running(publisher):
        table = table_of(1_000)
        publisher.want(table)
        await publisher.wait_equal()
        asterisk.writes.clear()
        publisher.again()
        asterisk.reads = 0
        while asterisk.reads < 10:
            await asyncio.sleep(0)
        late = did_path("+441130000499")
        publisher.want(table.patched(TableDiff({late: "1|b|499"})))
        while not asterisk.writes:
            await asyncio.sleep(0)
        assert asterisk.writes == [(late, "1|b|499")]
        assert asterisk.reads < 20
        await publisher.wait_equal()


async def test_a_table_wanted_during_every_read_does_not_stop_the_publish() -> None:
    tables, written = (table_of(600, "a"), table_of(600, "b")), list[int]()

    class Meanwhile(Asterisk):
        async def read_tree(self, key: str) -> dict[str, str]:
            found = await super().read_tree(key)
            if len(written) < 40:
                written.append(len(self.writes))
                publisher.want(tables[len(written) % 2])
            return found

    asterisk = Meanwhile()
    publisher = TablePublisher(asterisk, Clock())
    async with running(publisher):
        publisher.want(tables[0])
        await publisher.wait_equal()
    assert written[-1] >= len(written) - 1, "nothing is written while tables come in"
    assert {key: value for key, value in asterisk.rows.items() if key != "table"} == dict(tables[0])


@given(st.text(max_size=60) | st.none())
def test_no_record_breaks_its_reader(record: str | None) -> None:
    assert generation_of(record) >= 0
    read_claim(record)


def test_records_are_read_as_written() -> None:
    claim = NodeRecord("a1", "first", 1_900_000_000)
    assert read_claim(encode_node(claim)) == claim
    assert generation_of("1|41|1900000000|10") == 41
    assert generation_of("2|41|1900000000|10") == 0


async def test_a_claim_is_kept_fresh_until_somebody_else_holds_it() -> None:
    asterisk, clock = Asterisk(), Clock()
    ours = NodeClaim(asterisk, clock, "a1", "first")
    await ours.take()
    keeping = asyncio.ensure_future(ours.keep())
    while len(asterisk.writes) < 5:
        await asyncio.sleep(0)
    ages = [int(value.split("|")[3]) for _, value in asterisk.writes if value]
    assert all(0 < later - earlier <= 4 for earlier, later in pairwise(ages))
    asterisk.rows["node"] = encode_node(NodeRecord("b2", "second", int(clock.now().wall.timestamp()) + 1))
    with pytest.raises(NodeHeld, match="'second'"):
        await asyncio.wait_for(keeping, 5)
