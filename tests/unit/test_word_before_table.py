"""A person's word about a team is a thousand records. A table that is being published waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import AsteriskUnavailable, Put
from ringfence.app.publisher import TablePublisher
from ringfence.domain.route_table import RouteTable, did_path
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock

TEAM = [did_path(f"+44113{number:07}") for number in range(1_000)]
FORCED = "1|uc|divert"


class SlowAstDb(FakeAstDb):
    """Each window takes a turn of the event loop."""

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        await asyncio.sleep(0)
        await super().write(puts, deletes)


def _table(mark: str) -> RouteTable:
    return RouteTable.of((did_path(f"+44113{number:07}"), f"1|{mark}") for number in range(20_000))


async def test_a_publish_in_full_swing_gives_way_to_the_records_of_a_team() -> None:
    clock, astdb, table = FakeClock(), SlowAstDb(), _table("a")
    modes = ModePublisher(astdb, clock)
    publisher = TablePublisher(astdb, clock, give_way=modes.calm)
    tasks = [asyncio.create_task(modes.run()), asyncio.create_task(publisher.run())]
    publisher.want(table)
    while len(astdb.puts) < 2_000:
        await asyncio.sleep(0)
    modes.put_records(TEAM, lambda key: FORCED)
    said = len(astdb.puts)
    while sum(put.value == FORCED for put in astdb.puts) < len(TEAM):
        await asyncio.sleep(0)
    one_piece = max(len(table.bucket(bucket)) for bucket in range(500))
    assert len(astdb.puts) - said <= len(TEAM) + 6 * one_piece  # it takes a few turns of the event loop to be told
    while len(astdb.puts) < 20_000:
        await asyncio.sleep(0)
    await asyncio.wait_for(publisher.wait_equal(), 10)
    for task in tasks:
        task.cancel()


async def test_a_link_for_modes_that_is_down_holds_up_no_table() -> None:
    clock, astdb, down = FakeClock(), SlowAstDb(), FakeAstDb()
    down.fault = AsteriskUnavailable("away")
    modes = ModePublisher(down, clock)
    publisher = TablePublisher(astdb, clock, give_way=modes.calm)
    modes.want("mode/uc", "1|divert")
    tasks = [asyncio.create_task(modes.run()), asyncio.create_task(publisher.run())]
    publisher.want(_table("a"))
    await asyncio.wait_for(publisher.wait_equal(), 10)
    for task in tasks:
        task.cancel()
