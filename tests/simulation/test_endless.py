"""What waits for ever is told; what has its turn goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.endless import WaitsForEver, run


async def _forgotten() -> None:
    await asyncio.get_running_loop().create_future()


async def _two() -> str:
    free = asyncio.Event()
    other = asyncio.create_task(_forgotten())
    asyncio.get_running_loop().call_later(0.001, free.set)
    await free.wait()
    other.cancel()
    return "done"


def test_whoever_waits_for_what_nobody_brings_is_told_where() -> None:
    with pytest.raises(WaitsForEver, match=r"waits for ever: tasks\.py:\d+ > test_endless\.py:\d+$"):
        run(asyncio.wait_for(_forgotten(), None))


def test_work_that_ends_gives_what_it_gives() -> None:
    assert run(_two()) == "done"
