"""The table publisher against a real Asterisk. Timings are printed; the bounds are the scenarios' business."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringfence.app.node_claim import NodeClaim, NodeHeld
from ringfence.app.publisher import TablePublisher, TableState
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.astdb import AmiAstDb
from ringfence.domain.route_table import RouteTable, TableDiff, did_path, shelves
from tests.integration.asterisk_links import RealClock, ami_links, ami_settings, running
from tests.lab.asterisk import AsteriskInstance
from tests.lab.waiting import wait_until

CLOCK = RealClock()


def table_of(count: int, mark: str = "20") -> RouteTable:
    plan = f"p:+447700900123:{mark},s:+441134960000:30,a:unavailable:0|s:+441134960000:30,a:unavailable:0"
    rows = ((did_path(f"+44113{number:07}"), f"1|uc|-|voice|0|{plan}") for number in range(count))
    return RouteTable.of([*rows, ("fallback/carrier", f"1|uc|-|voice|0|{plan}")])


async def read_all(astdb: AmiAstDb) -> dict[str, str]:
    found: dict[str, str] = {}
    for shelf in shelves():
        found |= await astdb.read_tree(shelf)
    return found


class Bench:
    """A running publisher, and a second pair of eyes on AstDB."""

    def __init__(self, publisher: TablePublisher, eyes: AmiAstDb, tables: AmiLink) -> None:
        self.publisher = publisher
        self.eyes = eyes
        self.tables = tables

    async def timed(self, what: str, deadline_seconds: float = 30.0) -> None:
        began = time.perf_counter()
        async with asyncio.timeout(deadline_seconds):
            await self.publisher.wait_equal()
        print(f"\n{what}: {time.perf_counter() - began:.2f} s, {self.publisher.view}")


@asynccontextmanager
async def bench(asterisk: AsteriskInstance) -> AsyncIterator[Bench]:
    async with ami_links(asterisk, "tables", "reads", "eyes") as (tables, reads, eyes):
        publisher = TablePublisher(AmiAstDb(tables, reads), CLOCK)

        def on_link(up: bool, _words: str) -> None:
            if up:
                publisher.again()

        tables.listen(on_link)
        async with running(publisher.run()):
            yield Bench(publisher, AmiAstDb(eyes), tables)


async def test_ten_thousand_dids_are_published_changed_and_reconciled(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        table = table_of(10_000)
        b.publisher.want(table)
        await b.timed("first publish of 10,000")
        assert await read_all(b.eyes) == dict(table)
        assert (b.publisher.view.state, b.publisher.view.generation) == (TableState.EQUAL, 1)
        record = await b.eyes.get("table")
        assert record is not None
        assert record.startswith("1|1|")
        assert record.endswith("|10000")

        changed = [did_path(f"+44113{number:07}") for number in range(10)]
        after = table.patched(
            TableDiff(dict.fromkeys(changed[:9], "1|uc|-|fax|0|a:unavailable:0|a:unavailable:0"), (changed[9],))
        )
        b.publisher.want(after)
        await b.timed("ten changed rows, verified")
        assert await read_all(b.eyes) == dict(after)

        b.publisher.again()
        await b.timed("reconcile of 10,000 that are equal")

        b.publisher.want(table_of(10_000, "25"))
        await b.timed("10,000 changed rows")
        assert b.publisher.view.generation == 3


async def test_modes_are_written_while_a_table_is_published_and_read_back(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b, ami_links(asterisk, "modes") as (modes,):
        mode = AmiAstDb(modes)
        for what in ("first publish", "reconcile"):
            waits: list[float] = []
            b.publisher.want(table_of(10_000))
            b.publisher.again()
            equal = asyncio.ensure_future(b.publisher.wait_equal())
            began = time.perf_counter()
            while not equal.done():
                asked = time.perf_counter()
                # The sleep is part of the measure: it is late by whatever stalls the loop.
                await asyncio.sleep(0.005)
                await mode.put("mode/uc", f"1|divert|0|FAILED_OVER|-|{len(waits)}")
                waits.append(time.perf_counter() - asked - 0.005)
            await equal
            waits.sort()
            print(
                f"\n{what} in {time.perf_counter() - began:.2f} s; {len(waits)} mode writes, stalls of the loop "
                f"included: median {waits[len(waits) // 2] * 1000:.1f} ms, worst {waits[-1] * 1000:.1f} ms"
            )
            assert await mode.get("mode/uc") == f"1|divert|0|FAILED_OVER|-|{len(waits) - 1}"
            assert await read_all(b.eyes) == dict(table_of(10_000))


async def test_a_restarted_asterisk_is_reconciled(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        table = table_of(10_000)
        b.publisher.want(table)
        await b.timed("first publish of 10,000")
        await asterisk.kill()
        # It looks at a shelf every 1.5 seconds: until then it rightly knows the table to be equal.
        await wait_until(lambda: b.publisher.view.state is TableState.UNKNOWN, what="noticing", deadline_seconds=5)
        await asterisk.start()
        await b.timed("equal after Asterisk was killed and has booted")
        async with asyncio.timeout(10):
            assert await read_all(b.eyes) == dict(table)


async def test_an_emptied_astdb_is_filled_again_and_strays_go(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        table = table_of(1_000)
        await b.eyes.put("did/3/+49301234503", "1|old|-|voice|0|a:x:0|a:x:0")
        await b.eyes.put("did/4/junk", "not a record")
        await b.eyes.put("fallback/gone", "1|old|-|voice|0|a:x:0|a:x:0")
        b.publisher.want(table)
        await b.timed("1,000 rows over strays")
        assert await read_all(b.eyes) == dict(table)
        await asterisk.db_delete_tree("ringfence")
        assert await b.eyes.get("table") is None
        async with asyncio.timeout(15):
            while await b.eyes.get("table") is None:
                await asyncio.sleep(0.02)
        assert await read_all(b.eyes) == dict(table)


async def test_no_did_is_ever_without_a_record_while_the_table_changes(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        b.publisher.want(table_of(2_000))
        await b.timed("2,000 rows")
        keys = [did_path(f"+44113{number:07}") for number in range(0, 2_000, 97)]
        reads = 0
        for mark in ("21", "22", "23"):
            b.publisher.want(table_of(2_000, mark))
            while b.publisher.view.state is not TableState.EQUAL or not b.publisher._equal.is_set():
                assert await b.eyes.get(keys[reads % len(keys)]) is not None
                reads += 1
        print(f"\n{reads} reads between the writes")


async def test_a_freeze_in_mid_publish_only_delays_it(asterisk: AsteriskInstance) -> None:
    async with bench(asterisk) as b:
        table = table_of(10_000)
        b.publisher.want(table)
        async with asyncio.timeout(10):
            while not await b.eyes.read_tree("did/40"):
                await asyncio.sleep(0)
        await asterisk.freeze()
        async with asyncio.timeout(10):
            while b.tables.up:
                await asyncio.sleep(0.02)
        assert b.publisher.view.state is not TableState.EQUAL
        b.publisher.want(table_of(10_000, "26"))
        await asterisk.thaw()
        await b.timed("equal after the thaw")
        async with asyncio.timeout(10):
            assert await read_all(b.eyes) == dict(table_of(10_000, "26"))


async def test_a_second_node_is_refused_and_the_same_one_is_not(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (tables,):
        astdb = AmiAstDb(tables)
        await NodeClaim(astdb, CLOCK, "a1", "first").take()
        await NodeClaim(astdb, CLOCK, "a1", "first").take()
        with pytest.raises(NodeHeld, match="'first'"):
            await NodeClaim(astdb, CLOCK, "b2", "second").take()
        await astdb.put("node", f"1|a1|first|{int(time.time()) - 16}")
        await NodeClaim(astdb, CLOCK, "b2", "second").take()
        with pytest.raises(NodeHeld, match="'second'"):
            await NodeClaim(astdb, CLOCK, "a1", "first").keep()
        for junk in ("", "1|", "1|x|y|", "2|x|y|99999999999", "1|a|b|٣", "1|x|y|" + "9" * 500):
            await astdb.put("node", junk or "-")
            await NodeClaim(astdb, CLOCK, "c3", "third").take()
        assert ami_settings(asterisk).secret not in repr(ami_settings(asterisk))
