"""A daemon's parts that keep a key's promise, over a real database and a real spool, in a process that dies between
storing an order and its answer. `python -m tests.integration.dying_order <database> <spool> gone|there`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ringfence.app.ledger import Ledger
from ringfence.app.once import Answer, Done, Once
from ringfence.app.once_mark import ONCE_MARK
from ringfence.app.ports import OutageChange, StoreUnavailable
from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.store.order_store import SqlOrderStore
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.spool import FileSpool
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeOrderStore, FakeOutageStore
from tests.integration.stores import NOW, opened_at

TARGET = OverrideTarget(team="Sales")
WORD = Override(TARGET, OverrideKind.DR, "ada", "drill", NOW.wall, id="w1")
ADA = Caller("ada", frozenset(), SignedInBy.TOKEN)


@dataclass(frozen=True, slots=True)
class Parts:
    """`acted`: how often the order was carried out here."""

    once: Once
    ledger: Ledger
    acted: list[str]

    async def order(self, *, dies: bool = False) -> Answer:
        async def act() -> Answer:
            self.acted.append("said")
            change = OutageChange("c1", override_set=WORD, at=NOW.wall, who="ada", once=ONCE_MARK.get())
            if (spooled := await self.ledger.commit(change)) is not None:
                await spooled
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return Answer(200, "said")

        return await self.once.answer(ADA, "k", "body", act, made_anew)


def made_anew(done: Done) -> Answer:
    return Answer(200, "made anew of what was done" if done == Done(said=WORD) else f"another: {done}")


@asynccontextmanager
async def parts(place: Path | str, spool: Path, *, gone: bool) -> AsyncIterator[Parts]:
    """After a start. `gone`: the database answers nothing from then on."""
    clock = FakeClock(NOW.wall)
    away_outages, away_answers = FakeOutageStore(), FakeOrderStore()
    away_outages.fault = StoreUnavailable("gone")
    async with opened_at(place) as database:
        ledger = Ledger(away_outages if gone else SqlOutageStore(database), FileSpool(spool), clock)
        await ledger.recover()
        once = Once(away_answers if gone else SqlOrderStore(database), clock, ledger.waiting)
        once.recovered()
        running = asyncio.create_task(once.run())
        await settle()
        away_answers.fault = away_outages.fault
        yield Parts(once, ledger, [])
        running.cancel()


async def _die(place: Path | str, spool: Path, gone: bool) -> None:
    async with parts(place, spool, gone=gone) as begun:
        await begun.order(dies=True)


if __name__ == "__main__":
    where = sys.argv[1]
    asyncio.run(_die(where if "://" in where else Path(where), Path(sys.argv[2]), sys.argv[3] == "gone"))
