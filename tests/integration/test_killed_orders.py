"""A process that is killed between storing an order and its answer: the key is known afterwards, wherever it lies."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from ringfence.app.once import Answer
from ringfence.app.ports import OutageChange
from ringfence.store.outage_store import SqlOutageStore
from tests.integration.dying_order import NOW, TARGET, WORD, parts
from tests.integration.stores import opened_at

ANEW = Answer(200, "made anew of what was done")


@pytest.mark.parametrize("database", ["there", "gone"])
async def test_a_key_is_known_after_a_kill_whatever_was_said_since(
    place: Path | str, tmp_path: Path, database: str
) -> None:
    spool = tmp_path / "spool"
    program = (sys.executable, "-m", "tests.integration.dying_order", str(place), str(spool), database)
    killed = await (await asyncio.create_subprocess_exec(*program)).wait()
    assert killed == -signal.SIGKILL
    async with parts(place, spool, gone=database == "gone") as begun:
        assert (await begun.order(), begun.acted) == (ANEW, [])
        released = OutageChange("c2", override_released=TARGET, at=NOW.wall, who="bob", why="it was a drill")
        if (spooled := await begun.ledger.commit(released)) is not None:
            await spooled
        assert (await begun.order(), begun.acted) == (ANEW, [])
    async with parts(place, spool, gone=False) as begun:
        assert (await begun.order(), begun.acted, begun.ledger.waiting()) == (ANEW, [], ())
    async with opened_at(place) as opened:
        outages = SqlOutageStore(opened)
        assert await outages.load_overrides() == [], "what bob ended stays ended"
        assert [(row.who, row.after) for row in await outages.history(9)] == [("bob", "-"), ("ada", WORD.kind)]
