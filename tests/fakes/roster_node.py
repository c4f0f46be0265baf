"""A fake node with a roster: the real desk, sync and coverage on a store in memory, fed by a source that tests fill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from ringfence.app.coverage_watch import CoverageWatch
from ringfence.app.hr.ports import Feed, FeedRefused, HrRun, Progress, SourceUnavailable
from ringfence.app.hr.sync import HrSync, Timetabled
from ringfence.app.hr.views import Rehearsal
from ringfence.domain.coverage import CoveragePolicy
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.record import Batch, HrNumber, HrRecord
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.web.ports import RosterDoor
from tests.fakes.clock import settle
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS, SCOPE, SOURCE, WAYS, FakeNode

NEW_NUMBER = "+447700900777"


class FakeHrSource:
    """Implements `hr_ports.HrSource`. `batch` is what the next reading brings, once; `fault` what it raises. `gate`:
    a reading waits until it is set."""

    name = SOURCE

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.fault: SourceUnavailable | FeedRefused | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        if self.fault is not None:
            raise self.fault
        if self.batch is None:
            return None
        progress(1, self.batch.rows)
        await self.gate.wait()
        return Feed(self.batch, "people-2030-01-15.csv")

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        self.batch = None


ADA = HrRecord(
    "1",
    PersonKey("ada"),
    name="Ada Example",
    site="Leeds",
    dids=(Did(DID),),
    numbers=tuple(HrNumber(number) for number in PRIVATE_NUMBERS),
    active=True,
)
BOB = HrRecord(
    "2",
    PersonKey("bob"),
    name="Bob Example",
    site="Leeds",
    dids=(Did(OTHER_DID),),
    numbers=(HrNumber(NEW_NUMBER),),
    active=True,
)


def ada(**fields: Any) -> HrRecord:
    """As HR knows her at first, with other fields as given."""
    return replace(ADA, **fields)


def bob(**fields: Any) -> HrRecord:
    return replace(BOB, **fields)


def complete(*records: HrRecord) -> Batch:
    return Batch(SOURCE, records, complete=True, rows=len(records))


class RosterNode(FakeNode):
    """`source.batch` is what HR says at the next sync."""

    def __init__(self) -> None:
        super().__init__()
        policy = EgressPolicy(frozenset({"GB"}), ways=WAYS)
        self.source = FakeHrSource()
        self.sync = HrSync(self.desk, [Timetabled(self.source, 3600.0)], self.clock)
        self.coverage = CoverageWatch(
            self.clock,
            lambda: self.keeper.directory,
            RoutingPolicy(EgressGate(policy), 90),
            self.roster_store,
            95.0,
            CoveragePolicy(180),
        )
        rules = CsvRules("GB", frozenset({SCOPE}), policy)
        self.roster = RosterDoor(
            self.desk, self.sync, self.coverage, rules, lambda: self.keeper.directory, "Europe/London"
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RosterNode]:
        async with super().running():
            task = asyncio.create_task(self.desk.run())
            await settle()
            try:
                yield self
            finally:
                ended = task.done()
                task.cancel()
                await asyncio.wait([task], timeout=5)
                if ended:
                    task.result()

    def refresh(self) -> None:
        super().refresh()
        self.holder.swap(replace(self.holder.current, coverage=self.coverage.latest))

    async def say(self, *records: HrRecord) -> HrRun:
        """HR says this and no more, and it is read."""
        self.source.batch = complete(*records)
        (run,) = await self.sync.sync(SOURCE, dry_run=False)
        assert not isinstance(run, Rehearsal)
        return run

    async def load_first(self) -> None:
        """Ada and Bob, approved."""
        run = await self.say(ada(), bob())
        if run.plan is not None:
            plan = await self.desk.plan(run.plan)
            await self.desk.decide(run.plan, True, "hr", "first load", fingerprint=plan.fingerprint)
        await settle()  # who holds which DID is stored in the background


def roster(node: FakeNode) -> RosterNode:
    """One that was served as a node of any kind."""
    assert isinstance(node, RosterNode)
    return node
