"""The heap is given back for as long as the node runs."""

from __future__ import annotations

import asyncio

from ringfence.bootstrap.heap import EVERY_SECONDS, give_back
from tests.fakes.clock import FakeClock


class CountingClock(FakeClock):
    """Says when the last rest of some was asked for."""

    def __init__(self, rests: int) -> None:
        super().__init__()
        self.left = rests
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        assert seconds == EVERY_SECONDS
        self.left -= 1
        if self.left == 0:
            self.over.set()
            await asyncio.Event().wait()


async def test_it_goes_on_and_on() -> None:
    clock = CountingClock(rests=3)
    giving = asyncio.create_task(give_back(clock))
    try:
        await asyncio.wait_for(clock.over.wait(), 5)
        assert not giving.done()
    finally:
        giving.cancel()
