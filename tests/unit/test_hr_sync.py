"""Reading the sources on their timetable: each for itself, and nothing is put away before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ringfence.app.hr.ports import Feed, FeedRefused, HrRun, Progress, RunOutcome, SourceError, SourceUnavailable
from ringfence.app.hr.sync import AGAIN_SECONDS, HrSync, Timetabled
from ringfence.app.hr.views import Rehearsal
from ringfence.app.operator import NotOurs
from ringfence.app.ports import StoreError
from ringfence.app.supervisor import MAX_BACK_OFF_SECONDS
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.record import Batch
from tests.fakes.roster_site import ACCOUNTS, GONE, PAYROLL, RosterSite, post, whole

EVERY_SECONDS = 3600.0


class FakeSource:
    """Implements `hr_ports.HrSource`. `batch` is what lies there until it is settled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.batch: Batch | None = None
        self.fault: Exception | None = None
        self.stuck: SourceError | None = None
        self.reads = 0
        self.cursors: list[str] = []
        self.settled: list[tuple[bool, bool]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        self.reads += 1
        self.cursors.append(cursor)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        progress(1, None)
        return None if self.batch is None else Feed(self.batch, f"feed-{self.reads}", f"cursor-{self.reads}")

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        if self.stuck is not None:
            raise self.stuck
        self.settled.append((feed is not None, refused is not None))
        self.batch = None


class Office(RosterSite):
    """Two sources that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.payroll, self.accounts = FakeSource(PAYROLL), FakeSource(ACCOUNTS)
        timed = [Timetabled(self.payroll, EVERY_SECONDS), Timetabled(self.accounts, EVERY_SECONDS, quiet_is_good=True)]
        self.sync = HrSync(self.desk, timed, self.clock)

    @asynccontextmanager
    async def timetabled(self) -> AsyncIterator[Office]:
        async with self.running():
            task = asyncio.create_task(self.sync.run())
            await self.settled()
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.wait([task], timeout=5)


async def test_every_source_is_read_at_once_and_then_when_it_is_due() -> None:
    office = Office()
    office.payroll.batch = whole(post(0))
    async with office.timetabled():
        await office.until(lambda: office.payroll.settled == [(True, False)])
        await office.settled()
        assert (office.payroll.reads, office.accounts.reads) == (1, 1)
        await office.clock.advance(EVERY_SECONDS)
        assert (office.payroll.reads, office.accounts.reads) == (2, 2)
        assert office.payroll.cursors == ["", "cursor-1"]


async def test_a_source_that_does_not_answer_delays_no_other_and_is_read_again_soon() -> None:
    office = Office()
    office.payroll.gate.clear()
    office.accounts.fault = SourceUnavailable("The directory is away.")
    async with office.timetabled():
        await office.clock.advance(2 * AGAIN_SECONDS)
        assert (office.payroll.reads, office.accounts.reads) == (1, 3)
        office.accounts.fault = None
        office.accounts.batch = whole(post(0), source=ACCOUNTS)
        await office.clock.advance(AGAIN_SECONDS)
        await office.until(lambda: office.desk.sources()[1].records == 1)


async def test_a_reading_that_breaks_in_a_way_nobody_foresaw_is_not_repeated_at_once() -> None:
    office = Office()
    office.payroll.fault = RuntimeError("a fault of ours")
    async with office.timetabled():
        for _ in range(int(AGAIN_SECONDS) - 1):
            await office.clock.advance(1)
        assert (office.payroll.reads, office.accounts.reads) == (1, 1)
        await office.clock.advance(MAX_BACK_OFF_SECONDS)
        assert office.payroll.reads == 2


async def test_nothing_is_put_away_before_it_is_stored() -> None:
    office = Office()
    async with office.running():
        office.payroll.batch = whole(post(0))
        office.store.fault = GONE
        (run,) = await office.sync.sync(PAYROLL, dry_run=False)
        assert isinstance(run, HrRun)
        assert (run.outcome, office.payroll.settled) == (RunOutcome.FAILED, [])
        office.store.fault = None
        (run,) = await office.sync.sync(PAYROLL, dry_run=False)
        assert isinstance(run, HrRun)
        assert (run.outcome, office.payroll.settled) == (RunOutcome.HELD, [(True, False)])


async def test_a_feed_that_is_refused_is_put_aside_with_its_reasons() -> None:
    office = Office()
    async with office.running():
        await office.load_first(2)
        office.payroll.batch = whole()
        office.accounts.fault = FeedRefused("It is cut off.")
        runs = await office.sync.sync(None, dry_run=False)
        assert [run.outcome for run in runs if isinstance(run, HrRun)] == [RunOutcome.REFUSED] * 2
        assert office.payroll.settled == [(True, True)]
        assert office.accounts.settled == [(False, True)]
        office.payroll.batch = whole()
        await office.sync.sync(None, dry_run=False)
        refused = [run for run in await office.desk.runs(9) if run.outcome is RunOutcome.REFUSED]
        assert sorted(run.label for run in refused) == ["", "feed-1", "feed-2"]
        assert office.rings(0)


async def test_a_dry_run_touches_neither_the_store_nor_the_source() -> None:
    office = Office()
    async with office.running():
        await office.load_first(3)
        commits = office.store.commits
        office.payroll.batch = whole(post(0), post(1, active=False))
        office.accounts.fault = SourceUnavailable("Away.")
        told: list[int] = []
        rehearsal, failed = await office.sync.sync(None, dry_run=True, progress=lambda done, _: told.append(done))
        assert isinstance(rehearsal, Rehearsal)
        assert isinstance(failed, HrRun)
        assert (rehearsal.run.leavers, failed.outcome, told) == (1, RunOutcome.FAILED, [1])
        assert (office.store.commits, office.payroll.settled, office.desk.sources()[1].fault) == (commits, [], "")


async def test_one_sync_returns_when_what_was_said_is_routed_by() -> None:
    office = Office()
    async with office.running():
        await office.load_first(3)
        office.payroll.batch = whole(post(0), post(1), post(2, active=False))
        await office.sync.sync(PAYROLL, dry_run=False)
        assert not office.rings(2)


async def test_an_empty_folder_becomes_late_and_a_quiet_directory_does_not() -> None:
    office = Office()
    async with office.running():
        await office.sync.sync(None, dry_run=False)
        payroll, accounts = office.desk.sources()
        assert (payroll.last_good, accounts.last_good) == (None, office.clock.now().wall)
        assert office.payroll.settled == [(False, False)]


@pytest.mark.parametrize("kind", [SourceUnavailable, SourceError])
async def test_a_file_that_cannot_be_put_away_is_a_fault_that_is_told_once(kind: type[SourceError]) -> None:
    office = Office()
    async with office.running():
        office.payroll.batch = whole(post(0))
        office.payroll.stuck = kind("The archive is full.")
        await office.sync.sync(PAYROLL, dry_run=False)
        rows = len(await office.desk.runs(10))
        await office.sync.sync(PAYROLL, dry_run=False)
        assert office.desk.sources()[0].fault == "The archive is full."
        assert office.desk.sources()[0].records == 1
        assert len(await office.desk.runs(10)) - rows <= 2


async def test_what_cannot_be_shown_is_in_no_run_and_no_fault() -> None:
    office = Office()
    async with office.running():
        await office.load_first(1)
        run = await office.desk.hear(whole(post(0)), "caf\udce9\n.csv")
        assert run.label == "caf??.csv"
        run = await office.desk.failed(PAYROLL, FeedRefused("caf\udce9.csv is cut off."), "caf\udce9.csv")
        assert (run.label, run.detail) == ("caf?.csv", "caf?.csv is cut off.")
        assert office.desk.sources()[0].fault == "caf?.csv is cut off."


async def test_a_key_that_reads_as_a_telephone_number_is_not_kept_in_a_closed_plan() -> None:
    office = Office()
    async with office.running():
        numbered = [replace(post(0), id="447700900123", key=PersonKey("447700900123")), post(1)]
        run = await office.desk.hear(whole(*numbered))
        assert run.plan is not None
        await office.desk.decide(run.plan, True, "hr", "first load")
        lines = (await office.desk.plan(run.plan)).row.lines
        assert lines
        assert "447700900123" not in "".join(lines)


async def test_a_name_that_is_not_configured_and_a_roster_that_is_not_read() -> None:
    office = Office()
    with pytest.raises(StoreError):
        await office.sync.sync(None, dry_run=True)
    with pytest.raises(NotOurs, match="payroll, accounts"):
        await office.sync.sync("paylist", dry_run=False)
