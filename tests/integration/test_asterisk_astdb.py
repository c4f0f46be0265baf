"""AstDB over AMI, against a real Asterisk."""

from __future__ import annotations

import asyncio
import time

import pytest

from ringfence.app.ports import AsteriskRefused, Put
from ringfence.asterisk.astdb import AmiAstDb
from tests.integration.asterisk_links import ami_links
from tests.lab.asterisk import AsteriskInstance

AWKWARD = (
    "1|uc|-|voice|0|p:+447700900123:20,a:unavailable:0|a:unavailable:0",
    "a: b: c",
    "Event: Forged",
    "; , & \" = \\ ' % $ { } [ ] ${EXTEN}",
    "Grüße, привет, 😀",
    "x" * 900,
    "é" * 450,
)


async def test_what_is_put_is_what_is_got(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables", "reads") as (tables, reads):
        astdb = AmiAstDb(tables, reads)
        assert await astdb.get("did/12/+441134960012") is None
        assert await astdb.read_tree("did/12") == {}
        for number, value in enumerate(AWKWARD):
            await astdb.put(f"did/12/{number}", value)
            assert await astdb.get(f"did/12/{number}") == value
        expected = {f"did/12/{number}": value for number, value in enumerate(AWKWARD)}
        assert await astdb.read_tree("did/12") == expected
        # A bucket whose number begins alike, and one that SQL's LIKE would take for the same.
        await astdb.put("did/123/x", "1")
        await astdb.put("DID/12/x", "1")
        assert await astdb.read_tree("did/12") == expected


async def test_a_shelf_is_read_at_once_and_nothing_beside_it(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (tables,):
        astdb = AmiAstDb(tables)
        rows = {f"did/12{digit}/+4411349601{digit}": f"1|{digit}" for digit in range(10)}
        beside = ("did/12/x", "did/1211/x", "did/13/x", "DID/121/x", "did/12_/y", "did/121")
        await astdb.write([Put(key, value) for key, value in rows.items()], [])
        await astdb.write([Put(key, "1") for key in beside], [])
        assert await astdb.read_tree("did/12_") == rows | {"did/12_/y": "1"}
        assert await astdb.read_tree("did/_") == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode/uc", "1|divert\r\nAction: Originate"),
        ("mode/uc\r\nAction: Originate", "1"),
        ("mode/uc", "1\n"),
        ("mode/uc", "\0"),
        ("mode/uc", " 1"),
        ("mode/uc", ""),
        ("mode/uc", "\ud800"),
        ("", "1"),
        ("mode/uc", "x" * 1100),
        ("mode/uc", "é" * 600),
    ],
)
async def test_a_value_that_would_do_harm_is_refused(asterisk: AsteriskInstance, key: str, value: str) -> None:
    async with ami_links(asterisk, "tables") as (tables,):
        astdb = AmiAstDb(tables)
        with pytest.raises(AsteriskRefused):
            await astdb.put(key, value)
        with pytest.raises(AsteriskRefused):
            await astdb.write([Put("did/1/good", "1"), Put(key, value)], [])
        assert await astdb.read_tree("mode") == {}
        assert tables.up


async def test_characters_split_between_two_reads_survive(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (tables,):
        astdb = AmiAstDb(tables)
        rows = {f"did/7/{number:03}": "ü" * (300 + number % 7) + "€" for number in range(500)}
        await astdb.write([Put(key, value) for key, value in rows.items()], [])
        assert await astdb.read_tree("did/7") == rows


async def test_deletes_take_what_is_there_and_pass_over_what_is_not(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (tables,):
        astdb = AmiAstDb(tables)
        await astdb.write([Put("did/1/a", "1"), Put("did/1/b", "2")], [])
        await astdb.write([], ["did/1/a", "did/1/never"])
        assert await astdb.read_tree("did/1") == {"did/1/b": "2"}


async def test_a_mode_is_written_while_a_table_is_pushed(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "modes", "tables") as (modes, tables):
        mode, table = AmiAstDb(modes), AmiAstDb(tables)
        puts = [Put(f"did/{number % 500}/+44113{number:07}", "x" * 200) for number in range(10_000)]
        began = time.perf_counter()
        push = asyncio.ensure_future(table.write(puts, []))
        waits: list[float] = []
        while not push.done():
            before = time.perf_counter()
            await mode.put("mode/uc", f"1|divert|0|FAILED_OVER|-|{len(waits)}")
            waits.append(time.perf_counter() - before)
            await asyncio.sleep(0.005)
        await push
        took = time.perf_counter() - began
        waits.sort()
        print(
            f"\n10,000 rows pushed in {took:.2f} s; {len(waits)} mode writes meanwhile, median "
            f"{waits[len(waits) // 2] * 1000:.1f} ms, worst {waits[-1] * 1000:.1f} ms"
        )
        assert await mode.get("mode/uc") == f"1|divert|0|FAILED_OVER|-|{len(waits) - 1}"
