"""The outbox as the daemon has it: the real store on a file, real workers, a clock and receivers of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.notifier import Notifier
from ringfence.app.notify.ports import Channel
from ringfence.app.notify.words import notice_of
from ringfence.app.notify.worker import OutboxWorker
from ringfence.app.ports import OutageChange
from ringfence.app.supervisor import supervise
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.notice_routes import Route
from ringfence.store.database import Database, T, Work
from ringfence.store.notice_store import SqlNoticeStore
from tests.fakes.clock import FakeClock, settle
from tests.lab import new_database


def notice(number: int, clock: FakeClock, severity: Severity = Severity.WARNING, scope: str = "uc") -> Notice:
    """The one with this number: the same key at each call."""
    return Notice(
        key=f"event:{number}",
        kind=NoticeKind.ALARM,
        severity=severity,
        at=clock.now().wall,
        title=f"event {number}",
        text="It is so. Nothing has to be done.",
        scope=scope,
    )


class CountedDatabase(Database):
    """Knows whether somebody waits for it: its threads are not moved by the test's clock."""

    busy = 0

    async def write(self, work: Work[T], patience_seconds: float | None = None) -> T:
        self.busy += 1
        try:
            return await super().write(work, patience_seconds)
        finally:
            self.busy -= 1

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        self.busy += 1
        try:
            async with super().reading() as connection:
                yield connection
        finally:
            self.busy -= 1


async def settled(database: CountedDatabase) -> None:
    """Until nobody waits for the database and everybody who can run has run."""
    quiet = 0
    while quiet < 3:
        await settle()
        quiet = quiet + 1 if database.busy == 0 else 0
        if quiet == 0:
            await asyncio.sleep(0.001)


@dataclass
class Outbox:
    """One life of the outbox's part of the daemon."""

    database: CountedDatabase
    clock: FakeClock
    notifier: Notifier
    store: SqlNoticeStore
    workers: Sequence[OutboxWorker]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def advance(self, seconds: float, step: float = 1.0) -> None:
        """As `FakeClock.advance`, and lets the database's threads come along."""
        passed = 0.0
        while passed < seconds:
            await self.clock.advance(min(step, seconds - passed))
            passed += step
            await self.settle()

    async def settle(self) -> None:
        await settled(self.database)


@asynccontextmanager
async def outbox(
    file: Path,
    clock: FakeClock,
    routes: Sequence[Route],
    channels: Mapping[str, Channel],
    unstored: Callable[[], Sequence[OutageChange]] = tuple,
) -> AsyncIterator[Outbox]:
    """Running. Leaving it is a killed daemon: tasks are dropped where they stand."""
    await new_database.lay(file)
    database = CountedDatabase.at(file)
    await database.prepare()
    store = SqlNoticeStore(database)
    ours = lambda number: number.startswith("+44113")  # noqa: E731
    notifier = Notifier(store, clock, routes, channels, notice_of, ours, unstored=unstored)
    workers = [
        OutboxWorker(route, channels[route.name], store, clock, notifier.changed, lambda: 0.5) for route in routes
    ]
    site = Outbox(database, clock, notifier, store, workers)
    parts = [("notices", notifier.run), *((f"notify {w.route.name}", w.run) for w in workers)]
    site.tasks = [asyncio.create_task(supervise(name, work, clock)) for name, work in parts]
    try:
        await site.settle()
        yield site
    finally:
        for task in site.tasks:
            task.cancel()
        await asyncio.gather(*site.tasks, return_exceptions=True)
        await database.close()
