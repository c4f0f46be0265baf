"""Call records while the store takes none: nothing is lost, nothing is stored twice, memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from ringfence.app.journal import BUFFER, SHOWN, Journal
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.calls import CallRecord
from ringfence.store.call_spool import SEGMENT_ROWS, FileCallSpool
from tests.fakes.calls import a_call
from tests.fakes.clock import NOON, FakeClock, settle
from tests.fakes.stores import FakeJournalStore


def ended(number: int) -> CallRecord:
    at = NOON + timedelta(milliseconds=number)
    return a_call(call_id=f"call {number}", ended_at=at, caller="+441134960777")


class Stage:
    def __init__(self, folder: Path, max_segments: int = 1_000) -> None:
        self.clock, self.store = FakeClock(), FakeJournalStore()
        self.folder, self.max_segments = folder / "calls-waiting", max_segments
        self.journal = self.started()

    def started(self) -> Journal:
        return Journal(self.store, self.clock, 90, FileCallSpool(self.folder, self.max_segments))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.journal.run())
        await self.pass_time(1.0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def bring(self, numbers: Sequence[int], at_once: int = 20) -> None:
        """So many every two seconds."""
        for start in range(0, len(numbers), at_once):
            for number in numbers[start : start + at_once]:
                self.journal.add(ended(number))
            await self.pass_time(2.0)

    async def pass_time(self, seconds: float) -> None:
        """Files are written by threads, which the test's clock does not move."""
        for _ in range(round(seconds * 2)):
            await self.clock.advance(0.5)
            for _ in range(3):
                await asyncio.to_thread(lambda: None)
                await settle()

    def aside(self) -> int:
        return sum(len(path.read_bytes().splitlines()) for path in self.folder.glob("*"))

    async def until_aside(self, count: int) -> None:
        async with asyncio.timeout(30.0):
            while self.aside() < count:
                await self.pass_time(1.0)

    async def until_stored(self, count: int) -> None:
        async with asyncio.timeout(30.0):
            while len(self.store.calls) < count or any(self.folder.glob("*")):
                await self.pass_time(1.0)


async def test_what_was_set_aside_is_stored_once_and_in_order(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.running():
        stage.store.fault = StoreUnavailable("away")
        await stage.bring(range(1200))
        assert stage.store.calls == []
        await stage.until_aside(1200)
        assert len(list(stage.folder.iterdir())) > 1
        stage.store.fault = None
        await stage.until_stored(1200)
    assert stage.store.calls == [ended(number) for number in range(1200)]
    assert list(stage.folder.iterdir()) == []
    assert stage.journal.lost == 0


async def test_what_an_earlier_process_set_aside_is_stored_by_the_next(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.store.fault = StoreUnavailable("away")
    async with stage.running():
        await stage.bring(range(100))
        await stage.until_aside(100)
    stage.store.fault, stage.journal = None, stage.started()
    async with stage.running():
        await stage.bring(range(100, 120))
        await stage.until_stored(120)
    assert stage.store.calls == [ended(number) for number in range(120)]


async def test_those_set_aside_are_shown_and_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.running():
        stage.store.fault = StoreUnavailable("away")
        await stage.bring(range(SHOWN + 100), at_once=300)
        shown = await stage.journal.recent(1_000)
        assert shown == [ended(number) for number in range(SHOWN + 99, SHOWN - 901, -1)]
        assert await stage.journal.find(f"call {SHOWN}") == ended(SHOWN)


async def test_more_than_there_is_room_for_gives_up_the_oldest_and_says_when(tmp_path: Path) -> None:
    stage = Stage(tmp_path, max_segments=2)
    async with stage.running():
        stage.store.fault = StoreUnavailable("away")
        await stage.bring(range(5 * SEGMENT_ROWS), at_once=SEGMENT_ROWS)
        stage.store.fault = None
        await stage.until_stored(1)
    lost = 5 * SEGMENT_ROWS - len(stage.store.calls)
    assert stage.journal.lost == lost > 0
    assert stage.store.calls[0] == ended(lost)
    span = stage.journal.take_lost()
    assert span is not None and (span.since, span.until) == (ended(0).ended_at, ended(lost - 1).ended_at)


async def test_a_disk_that_takes_nothing_leaves_the_newest_in_memory(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.folder.write_text("a file where the folder should be")
    async with stage.running():
        stage.store.fault = StoreUnavailable("away")
        await stage.bring(range(BUFFER + 10), at_once=BUFFER + 10)
        assert stage.journal.lost == 10
        stage.folder.unlink()
        stage.store.fault = None
        await stage.until_stored(BUFFER)
    assert stage.store.calls == [ended(number) for number in range(10, BUFFER + 10)]


async def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.store.fault = StoreUnavailable("away")
    async with stage.running():
        await stage.bring(range(20))
        await stage.until_aside(20)
    (segment,) = stage.folder.iterdir()
    segment.write_bytes(segment.read_bytes()[:-30])
    assert segment.stat().st_mode & 0o077 == 0, "callers' numbers are in it"
    stage.store.fault, stage.journal = None, stage.started()
    async with stage.running():
        await stage.until_stored(19)
    assert stage.store.calls == [ended(number) for number in range(19)]
