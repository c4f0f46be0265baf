"""Kill after kill: the worker works, the daemon dies at the moment that was aimed at, starts, and is compared."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import aiohttp

from tests.lab.chaos import check
from tests.lab.chaos.aim import WEIGHTS, Aim, Moment
from tests.lab.chaos.book import Book
from tests.lab.chaos.company import MORE, PASSING, Company
from tests.lab.chaos.desk import OrderDesk
from tests.lab.chaos.look import Looker
from tests.lab.chaos.orders import NOTHING, Kind, Order
from tests.lab.faults.stage import configure
from tests.lab.hr_site import SOURCES, prepare
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.node import RingfenceNode
from tests.lab.waiting import WaitTimeoutError, wait_until

READY_SECONDS, AGREED_SECONDS = 90.0, 30.0
"""Long: a machine that does other work as well starts a daemon slowly. The mode may change by itself while it is read,
the table follows the directory, the database what lies in the spool, and words end; everything else has to agree at
once."""
CALLERS = 6
RINGING = range(150, 160)
"""Whose calls ring at the platform for as long as the caller waits."""
SETTINGS = {"hold_down_seconds": "1", "ring_seconds": "20"}
GUARD = """
[hr]
time_zone = "Europe/London"
private_hours = ""
guard_percent = 0
guard_rows = 1
"""
"""Every change of more than nobody is held, so that the worker has plans to approve."""


@dataclass(slots=True)
class Outcome:
    """One run. `aimed` and `hit` by phase: what was aimed at, and what the daemon was found in the middle of."""

    seed: int
    database: str = "SQLite"
    kills: int = 0
    aimed: Counter[Aim] = field(default_factory=Counter)
    hit: Counter[Aim] = field(default_factory=Counter)
    orders: Counter[Kind] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    overtaken: int = 0
    """Of these, orders that had been carried out, and about whose target somebody else had spoken before."""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    ready_seconds: list[float] = field(default_factory=list)


class ChaosRun:
    """A lab that is up, with a daemon that is checked and works."""

    def __init__(self, lab: Lab, node: RingfenceNode, seed: int) -> None:
        self.random = Random(seed)
        self.lab, self.node = lab, node
        self.book = Book()
        self.company = Company(self.random, node.directory / "feeds")
        self.desk = OrderDesk(node, self.company, self.book, self.random)
        self.looker = Looker(node, lab.asterisk, [self.company.organisation.did(n) for n in PASSING])
        self.outcome = Outcome(seed, "PostgreSQL" if node.database else "SQLite")
        self._moment = Moment(self.random, node.state_dir / "ringfence.db")
        self.desk.told = self._moment.told
        self._frozen = False

    async def fill(self) -> None:
        """The first directory, and HR's first load, which a person approves. Raises LabError when it does not hold."""
        connector = aiohttp.UnixConnector(str(self.node.socket))
        async with aiohttp.ClientSession(connector=connector) as session:
            await self.desk.give(session, self.company.import_(self.book))
            await self.node.wait_table(self.company.organisation.dids)
            # A database without any word believes the words that Asterisk holds, and those may be half an order.
            word = self.company.passing()
            assert word is not None
            await self.desk.give(session, word)
            await self.desk.give(session, self.company.feed(self.book))
            plan = (await self.node.must("GET", "/v1/hr/plans"))["plans"][0]["id"]
            shown = await self.node.must("GET", f"/v1/hr/plans/{plan}")
            await self.desk.give(session, self.company.decide(self.book, plan, shown["fingerprint"]))
        for number in RINGING:
            await self.lab.platform.ring_for_ever(number=self.company.organisation.did(number))
        await self._compare("at the beginning")

    async def kill_once(self) -> None:
        """One kill, one start, one comparison."""
        aim = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        self.outcome.kills += 1
        self.outcome.aimed[aim] += 1
        if aim is Aim.STARTING:
            await self.node.process.kill()
            await self.node.start(ready=False)
            await asyncio.sleep(self.random.uniform(0.3, 1.6))
            self.outcome.hit[Aim.STARTING] += not await self.node.is_ready()
            await self.node.process.kill()
        else:
            await self._kill_at_work(aim)
        began = time.monotonic()
        await self.node.start(ready=False)
        await self.node.wait_ready(READY_SECONDS)
        self.outcome.ready_seconds.append(time.monotonic() - began)
        await self.desk.deliver()
        await self._compare(f"kill {self.outcome.kills}, {aim}")

    async def _kill_at_work(self, aim: Aim) -> None:
        work = asyncio.create_task(self.desk.work(), name="worker")
        calls: list[asyncio.Task[object]] = []
        if aim is Aim.SWEEPING:
            self.company.sweep_next = True
            calls = [asyncio.create_task(self._call(n)) for n in RINGING[:CALLERS]]
        await self._wait_for(aim)
        wrote, ending = self._moment.wrote_lately(), self._moment.ends_now()
        await self.node.process.kill()
        answered_not = {order.kind for order in self.book.doubtful}
        await work
        self.outcome.hit[Aim.ENDING] += ending
        await self._classify(wrote, answered_not, waiting=sum(not call.done() for call in calls))
        # Hung up by those who placed them: what is only forgotten stays, and Asterisk has no files left after hundreds.
        await asyncio.gather(*calls)

    async def _wait_for(self, aim: Aim) -> None:
        if aim is Aim.DECIDING:
            await self._moment.logged(self.node.process.log_path, "mode changed", self._turn_platform)
            return
        waits = {
            Aim.PUBLISHING: self._moment.publishing,
            Aim.COMMITTING: self._moment.committing,
            Aim.SWEEPING: self._moment.sweeping,
            Aim.ENDING: self._moment.ending,
            Aim.IMPORTING: self._moment.importing,
            Aim.APPROVING: self._moment.approving,
            Aim.ANYWHERE: self._moment.anywhere,
        }
        await waits[aim]()

    async def _turn_platform(self) -> None:
        """It dies, or comes back."""
        await (self.lab.platform.thaw() if self._frozen else self.lab.platform.freeze())
        self._frozen = not self._frozen

    async def _call(self, number: int) -> object:
        return await self.lab.caller.call(self.company.organisation.did(number), give_up_seconds=3.0)

    async def _classify(self, wrote: bool, unanswered: set[Kind], waiting: int) -> None:
        hit = self.outcome.hit
        hit[Aim.IMPORTING] += Kind.IMPORT in unanswered
        hit[Aim.APPROVING] += not unanswered.isdisjoint({Kind.DECIDE, Kind.APPROVE})
        hit[Aim.COMMITTING] += wrote or (bool(unanswered) and self.outcome.database != "SQLite")
        hit[Aim.PUBLISHING] += not await self.looker.published()
        hit[Aim.SWEEPING] += waiting > 0 and await self.looker.diverts()
        hit[Aim.DECIDING] += b"mode changed" in self.node.process.log_path.read_bytes()[-400:]

    async def _compare(self, when: str) -> None:
        """Everything agrees, at the latest after `AGREED_SECONDS`; each order in doubt is settled, and some of those
        that carry a key are given again."""
        doubtful = [order for order in self.book.doubtful if order.key]
        told: list[str] = []

        async def settled() -> bool:
            nonlocal told
            found = await self.looker.look()
            told = check.faults(self._copy_of_book(), found)
            if not told:
                check.faults(self.book, found)
            # While the spool holds what was answered, the database does not yet.
            return not told or not (found.late or told == check.passing_faults(found))

        with suppress(WaitTimeoutError):
            await wait_until(settled, what="agreement", deadline_seconds=AGREED_SECONDS, interval_seconds=0.1)
        self.company.compared()
        if told:
            self.outcome.faults += [f"{when}: {fault}" for fault in told]
            await self._go_on_from_what_is()
            return
        if again := [order for order in doubtful if self.random.random() < 0.5]:
            await self._repeat(again, when)

    async def _repeat(self, orders: list[Order], when: str) -> None:
        """As a client does whose answer was lost: the same order with the same key acts once, whatever others have said
        about the same target since."""
        connector = aiohttp.UnixConnector(str(self.node.socket))
        async with aiohttp.ClientSession(connector=connector) as session:
            for order in orders:
                self.outcome.repeated += 1
                was = all(self.book.due[trace] for trace in order.traces)
                if order.kind in (Kind.OVERRIDE, Kind.RELEASE) and self.random.random() < 0.7:
                    self.outcome.overtaken += was
                    await self.desk.give(session, self.company.otherwise(self.book, order))
                # A release of what somebody else has released leaves no trace.
                idle = order.kind is Kind.RELEASE and all(self.book.holds(cell) == NOTHING for cell in order.cells)
                if await self.desk.repeat(session, order):
                    self.book.certain.update({} if was else order.cells)
                    self.book.due.update({} if was or idle else Counter(order.traces))
                elif was and order.kind is not Kind.APPROVE:
                    # What was approved waits no longer; everything else is answered by what it led to.
                    self.outcome.faults.append(f"{when}: {order.kind} was carried out, and is refused when repeated")
        await self._compare(f"{when}, repeated {', '.join(order.kind for order in orders)}")

    def _copy_of_book(self) -> Book:
        book = self.book
        return Book(dict(book.certain), list(book.doubtful), book.due.copy(), book.feeds, book.imports)

    async def _go_on_from_what_is(self) -> None:
        """A fault is told once, not at every kill after it."""
        found = await self.looker.look()
        for order in list(self.book.doubtful):
            self.book.settle(order, carried_out=False)
        for name in (*self.book.certain, *found.cells):
            self.book.certain[name] = check.shown(self.book, name, found)
        self.book.due = Counter(found.traces)


@asynccontextmanager
async def opened(installation: Installation, seed: int, database: str = "") -> AsyncIterator[ChaosRun]:
    """A run that has begun: everything filled and compared once."""
    async with Lab(installation, name="chaos") as lab:
        more = MORE + SOURCES.replace('\n[hr]\ntime_zone = "Europe/London"\nprivate_hours = ""\n', GUARD)
        node = RingfenceNode(lab, SETTINGS, more)
        node.database = database
        prepare(node)
        configure(node, lab)
        try:
            await lab.asterisk.start()
            await node.start(ready=False)
            await wait_until(node.alive, what="the daemon's door", deadline_seconds=20)
            run = ChaosRun(lab, node, seed)
            try:
                await run.fill()
                yield run
            finally:
                await run.looker.close()
        finally:
            await node.close()


async def run(
    installation: Installation, seed: int, kills: int, database: str, after: Callable[[Outcome], None]
) -> Outcome:
    """So many kills; `after` is told of each."""
    async with opened(installation, seed, database) as chaos:
        began = time.monotonic()
        for _ in range(kills):
            await chaos.kill_once()
            outcome = chaos.outcome
            outcome.seconds = time.monotonic() - began
            outcome.orders, outcome.settled, outcome.refused = (
                chaos.book.accepted,
                chaos.book.settled,
                chaos.book.refused,
            )
            after(outcome)
        return chaos.outcome
