"""The roster's desk on stores in memory and a clock that stands still: what would be published, DID by DID."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from ringfence.app.failover import Failover
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.hr.ports import HrRun, KeepsNumbers
from ringfence.app.hr.views import SourceSpec
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import StoreUnavailable
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import DidAssignment, Directory, PersonKey, Site
from ringfence.domain.hr.record import Batch, HrNumber, HrRecord
from ringfence.domain.hr.roster import RosterPolicy
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.records import decode_route
from ringfence.domain.route_table import RouteTable, did_path
from ringfence.domain.routing_policy import RoutingPolicy
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.fakes.node import FakeDirectoryStore
from tests.fakes.roster_store import FakeRosterStore

PAYROLL, ACCOUNTS = "payroll", "accounts"
RECEPTION = "+441134960999"
GONE = StoreUnavailable("The database is gone.")


def did(number: int) -> Did:
    """The DID of person 0 to 899."""
    return Did(f"+441134960{number:03d}")


def mobile(number: int) -> str:
    """The private number of person 0 to 899."""
    return f"+447700900{number:03d}"


def post(number: int, **fields: object) -> HrRecord:
    """Person 0 to 899 as HR has them, with other fields as given."""
    known: dict[str, object] = {
        "name": f"Person {number}",
        "site": "Leeds",
        "dids": (did(number),),
        "numbers": (HrNumber(mobile(number)),),
        "active": True,
    }
    return HrRecord(str(number), PersonKey(f"p{number}"), **(known | fields))  # type: ignore[arg-type]


def whole(*records: HrRecord, source: str = PAYROLL) -> Batch:
    return Batch(source, records, complete=True, rows=len(records))


def push(*records: HrRecord, source: str = PAYROLL) -> Batch:
    return Batch(source, records, complete=False, rows=len(records))


def vacant_dids(many: int) -> Directory:
    """As imported: nobody owns anything yet."""
    assignments = [DidAssignment(did(number), None, "Leeds", "uc") for number in range(many)]
    return Directory.of([], assignments, [Site("Leeds", RECEPTION)])


def no_failover() -> Failover:
    raise AssertionError("no DID has lost its owner")


class CountingStore(FakeRosterStore):
    """`prunes` counts how often the retention has come to its end."""

    prunes = 0

    async def prune(self, before: datetime) -> int:
        found = await super().prune(before)
        self.prunes += 1
        return found


class RosterSite:
    """`tables` are those offered to the publisher, oldest first; `changed` the DIDs whose owners changed."""

    def __init__(self, directory: Directory | None = None, policy: RosterPolicy | None = None) -> None:
        self.clock, self.store = FakeClock(), CountingStore()
        self.directories = FakeDirectoryStore(vacant_dids(40) if directory is None else directory)
        self.policy = policy or RosterPolicy(sources=(PAYROLL, ACCOUNTS))
        self.tables: list[RouteTable] = []
        self.changed: list[Did] = []
        self.begin()

    def begin(self, keepers: Sequence[KeepsNumbers] = ()) -> None:
        """A new process on the same stores."""
        self.tables.clear()
        self.store.prunes = 0
        gate = EgressGate(EgressPolicy(frozenset({"GB"})))
        modes = ModePublisher(FakeAstDb(), self.clock)
        self.keeper = TableKeeper(RoutingPolicy(gate, 90), [], modes, self.tables.append, frozenset({"uc"}))
        specs = [SourceSpec(name, "folder", timedelta(hours=26)) for name in self.policy.sources]
        self.desk = RosterDesk(
            self.store,
            self.directories,
            self.keeper,
            self.clock,
            self.policy,
            specs,
            keepers=keepers,
            owners_changed=self.changed.extend,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RosterSite]:
        """Loaded, and the desk at work."""
        task = asyncio.create_task(self.desk.run())
        await self.desk.load()
        await self.until(lambda: self.store.prunes > 0)
        await self.settled()
        try:
            yield self
        finally:
            ended = task.done()
            task.cancel()
            await asyncio.wait([task], timeout=5)
            if ended:
                task.result()

    async def settled(self) -> None:
        """Until what was said is in force. Derivations run in a thread, so that turns of the loop alone do not do."""
        for _ in range(3):
            await settle()
            await self.desk.settled()

    async def hear(self, batch: Batch) -> HrRun:
        run = await self.desk.hear(batch)
        await self.settled()
        return run

    async def approve(self, plan: int | None) -> None:
        assert plan is not None
        await self.desk.decide(plan, True, "hr", "looked at")
        await self.settled()

    async def load_first(self, many: int, source: str = PAYROLL) -> None:
        """Persons 0 to `many` - 1, approved."""
        run = await self.hear(whole(*map(post, range(many)), source=source))
        await self.approve(run.plan)

    async def later(self, **span: float) -> None:
        await self.clock.advance(timedelta(**span).total_seconds())
        await self.settled()

    async def much_later(self, days: float) -> None:
        """Without every tick in between; what is due is erased then."""
        prunes = self.store.prunes
        self.clock.step_wall(timedelta(days=days).total_seconds())
        await self.later(hours=1, seconds=1)
        await self.until(lambda: self.store.prunes > prunes)
        await self.settled()

    async def until(self, holds: Callable[[], bool]) -> None:
        """What is worked out in a thread is there some turns later."""
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.001)

    def rung(self, number: int) -> set[str]:
        """Whatever would ring for this person's DID now."""
        record = decode_route(self.tables[-1][did_path(did(number))])
        return {step.target for step in record.plan if step.target.startswith("+")}

    def rings(self, number: int, other: int | None = None) -> bool:
        """Whether the private number of the person (or of another one) would ring for the person's DID."""
        return mobile(number if other is None else other) in self.rung(number)
