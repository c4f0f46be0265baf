"""What keeps the daemon's tasks alive."""

from __future__ import annotations

import asyncio

import pytest

from ringfence.app.supervisor import supervise
from tests.fakes.clock import FakeClock, settle


class Work:
    """Breaks the first time."""

    def __init__(self, fault: BaseException | None) -> None:
        self.fault = fault
        self.begun = 0

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun == 1 and self.fault is not None:
            raise self.fault
        await asyncio.Event().wait()


@pytest.mark.parametrize("fault", [ValueError("a defect"), asyncio.CancelledError()])
async def test_work_that_breaks_is_begun_again(fault: BaseException) -> None:
    clock, work = FakeClock(), Work(fault)
    task = asyncio.create_task(supervise("work", work, clock))
    await settle()
    await clock.advance(1)
    assert work.begun == 2
    assert not task.done()
    task.cancel()
    await settle()
    assert task.cancelled()


async def test_cancelling_the_task_itself_ends_it() -> None:
    clock, work = FakeClock(), Work(None)
    task = asyncio.create_task(supervise("work", work, clock))
    await settle()
    task.cancel()
    await settle()
    assert (task.cancelled(), work.begun) == (True, 1)
