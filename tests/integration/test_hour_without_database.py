"""PostgreSQL is gone for an hour, at ten calls a second: what is decided, ordered and told goes on, and all of it is in
the database afterwards, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import func, select

from ringfence.app.audit import AuditQuery, verified
from ringfence.app.failover import Failover, Hooks
from ringfence.app.journal import BUFFER, SHOWN, Journal
from ringfence.app.judge import Judge, Watched
from ringfence.app.ledger import Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.notifier import Notifier
from ringfence.app.notify.ports import OPEN, DeliveryState
from ringfence.app.notify.words import notice_of
from ringfence.app.notify.worker import OutboxWorker
from ringfence.app.orders import OrderFailback, ReleaseOverride, SetOverride
from ringfence.app.supervisor import supervise
from ringfence.domain.health import EvidenceKind, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.notice_routes import Route
from ringfence.domain.outage import Decision, Mode, OutagePolicy
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.verdict import WitnessPolicy
from ringfence.store import tables
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.call_spool import FileCallSpool
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.notice_store import SqlNoticeStore
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.spool import RESERVED_BYTES, FileSpool
from ringfence.store.tables_notices import deliveries, notices
from tests.fakes.astdb import FakeAstDb
from tests.fakes.calls import a_call
from tests.fakes.channels import FakeChannel
from tests.fakes.clock import FakeClock
from tests.integration.outbox_site import CountedDatabase, settled
from tests.lab import new_database

SCOPE, DID = "uc", OverrideTarget(did="+441134960123")
PLATFORM, TRUNK = TargetId(TargetRole.PLATFORM, SCOPE), TargetId(TargetRole.TRUNK, "mobile")
STEP_SECONDS: Final = 20.0
STEPS: Final = 180
CALLS_PER_STEP: Final = 200
CALLS: Final = STEPS * CALLS_PER_STEP


class Daemon:
    """Those of its parts that write, as it wires them, on a clock of the test's."""

    def __init__(self, database: CountedDatabase, folder: Path) -> None:
        self.database, self.folder, self.clock, self.channel = database, folder, FakeClock(), FakeChannel()
        self.ledger = Ledger(SqlOutageStore(database), FileSpool(folder / "spool.jsonl"), self.clock)
        spool = FileCallSpool(folder / "calls-waiting")
        self.journal = Journal(SqlJournalStore(database), self.clock, 90, spool)
        watched = [Watched(target, (EvidenceKind.SIP_OPTIONS,), RiseFall(1, 2)) for target in (PLATFORM, TRUNK)]
        judge = Judge(watched, {SCOPE: OutcomePolicy()}, WitnessPolicy(), lambda did: True)
        self.modes = ModePublisher(FakeAstDb(), self.clock)
        hooks = Hooks(lambda *_: None, lambda _: None, lambda: None, lambda: None)
        policy = OutagePolicy(hold_down_seconds=60)
        self.failover = Failover({SCOPE: policy}, judge, self.ledger, self.modes, self.clock, hooks)
        routes, store = [Route("desk")], SqlNoticeStore(database)
        channels = {"desk": self.channel}
        self.notifier = Notifier(
            store, self.clock, routes, channels, notice_of, lambda _: True, unstored=self.ledger.waiting
        )
        worker = OutboxWorker(routes[0], self.channel, store, self.clock, self.notifier.changed, lambda: 0.5)
        parts = (self.ledger.run, self.journal.run, self.failover.run, self.notifier.run, worker.run, self.modes.run)
        self.tasks = [asyncio.create_task(supervise(part.__qualname__, part, self.clock)) for part in parts]
        self.most_unstored = self.calls = 0

    async def step(self) -> None:
        """Twenty seconds of traffic."""
        for _ in range(CALLS_PER_STEP):
            ended_at = self.clock.now().wall + timedelta(milliseconds=100 * (self.calls % CALLS_PER_STEP))
            self.calls += 1
            self.journal.add(a_call(call_id=f"call {self.calls}", ended_at=ended_at))
        self.failover.submit(None)
        await self.clock.advance(STEP_SECONDS)
        await settled(self.database)
        self.most_unstored = max(self.most_unstored, self.ledger.unstored)

    async def platform(self, *, passed: bool) -> None:
        """With the trunk well: it is not we who are cut off."""
        for target, heard in ((TRUNK, True), (PLATFORM, passed), (PLATFORM, passed)):
            self.failover.submit(Observation(target, EvidenceKind.SIP_OPTIONS, heard, self.clock.now(), "test"))
        await self.clock.advance(0.3)
        await settled(self.database)

    async def until_stored(self) -> None:
        async with asyncio.timeout(100.0):
            while self.ledger.unstored or any((self.folder / "calls-waiting").glob("*")) or self.journal._buffer:
                await self.clock.advance(1.0)
                await settled(self.database)
            while await self.untold():
                await self.clock.advance(10.0)
                await settled(self.database)

    async def untold(self) -> bool:
        async with self.database.reading() as connection:
            new = select(tables.transitions.c.id).where(tables.transitions.c.told_at.is_(None))
            waiting = select(deliveries.c.id).where(deliveries.c.state.in_(OPEN))
            return any([(await connection.execute(query)).first() for query in (new, waiting)])


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    server, name = await new_database.server(), await new_database.lay_on_server()
    database = CountedDatabase.at(server.url(name), sole=True)
    await database.prepare()
    daemon = Daemon(database, tmp_path)
    try:
        yield daemon
    finally:
        for task in daemon.tasks:
            task.cancel()
        await asyncio.gather(*daemon.tasks, return_exceptions=True)
        await database.close()
        await new_database.server()  # running again, whatever happened
        server.drop(name)


def word(daemon: Daemon, kind: OverrideKind, seconds: float) -> Override:
    now = daemon.clock.now().wall
    return Override(DID, kind, "ada", "the vendor is at it", now, now + timedelta(seconds=seconds))


async def happen(daemon: Daemon, step: int) -> None:
    """An outage with its failback, a person's word that is released, and one that ends by itself."""
    failover = daemon.failover
    match step:
        case 10:
            await daemon.platform(passed=False)
            assert failover.decision(SCOPE) is Decision.DIVERT
        case 40:
            await daemon.platform(passed=True)
        case 60:
            assert failover.states[SCOPE].mode is Mode.TRIAL
            await failover.order(OrderFailback(SCOPE, "ada", "it works"))
            assert failover.decision(SCOPE) is Decision.NORMAL
        case 80:
            await failover.order(SetOverride(word(daemon, OverrideKind.DR, 3600)))
            assert failover.overrides[DID].kind is OverrideKind.DR
        case 90:
            await failover.order(ReleaseOverride(DID, "bo", "done"))
        case 100:
            await failover.order(SetOverride(word(daemon, OverrideKind.NORMAL, 600)))
        case 140:
            assert failover.overrides == {}


async def test_everything_goes_on_and_is_recorded_afterwards(daemon: Daemon) -> None:
    server = await new_database.server()
    await daemon.platform(passed=True)
    await daemon.step()
    assert daemon.ledger.link.up
    await server.stop()
    for step in range(STEPS - 1):
        await happen(daemon, step)
        await daemon.step()
    # Bounded: an hour costs a few changes in one file of fixed size, and the calls some 15 MB of disk, not of memory.
    assert not daemon.ledger.link.up and daemon.most_unstored < 20
    assert (daemon.folder / "spool.jsonl").stat().st_size == RESERVED_BYTES
    assert sum(file.stat().st_size for file in (daemon.folder / "calls-waiting").iterdir()) < CALLS * 500
    assert len(daemon.journal._buffer) + len(daemon.journal._aside) < SHOWN + BUFFER // 10
    told_meanwhile = len(daemon.channel.taken)
    assert told_meanwhile, "people have heard of the outage"

    await server.start()
    await daemon.until_stored()
    assert daemon.ledger.link.up and daemon.journal.lost == 0
    await check(daemon)


async def check(daemon: Daemon) -> None:
    database = daemon.database
    async with database.reading() as connection:
        calls = tables.calls.c
        in_all = (await connection.execute(select(func.count(), func.count(calls.call_id.distinct())))).one()
        assert tuple(in_all) == (CALLS, CALLS)
        ended = (await connection.execute(select(calls.ended_at).order_by(calls.id))).scalars().all()
        assert list(ended) == sorted(ended)
        moves = (await connection.execute(select(tables.transitions).order_by(tables.transitions.c.id))).all()
        assert [(row.before, row.after) for row in moves] == [
            ("NORMAL", "FAILED_OVER"),
            ("FAILED_OVER", "HOLD_DOWN"),
            ("HOLD_DOWN", "TRIAL"),
            ("TRIAL", "NORMAL"),
            ("-", "dr"),
            ("dr", "-"),
            ("-", "normal"),
            ("normal", "-"),
        ]
        assert [row.who for row in moves] == ["ringfence"] * 3 + ["ada", "ada", "bo", "ada", "ringfence"]
        assert [row.at for row in moves] == sorted(row.at for row in moves)
        assert all(row.told_at for row in moves)
        (state,) = (await connection.execute(select(tables.scope_states))).all()
        assert (state.mode, state.version) == ("NORMAL", daemon.failover.states[SCOPE].version)
        assert (await connection.execute(select(tables.overrides))).all() == []
        told = select(notices.c.key, deliveries.c.state).join(deliveries, deliveries.c.notice == notices.c.id)
        notes = (await connection.execute(told.where(notices.c.key.like("transition:%")))).all()
    assert sorted(note.key for note in notes) == sorted(f"transition:{row.key}" for row in moves)
    # Some each for itself, some in the summary of what came at once when the database was back.
    assert {note.state for note in notes} <= {DeliveryState.SENT, DeliveryState.SUMMED_UP}
    assert len(daemon.channel.keys) == len(set(daemon.channel.keys)), "told once"
    audit = SqlAuditStore(database)
    rows = (await audit.page(AuditQuery(), 100))[::-1]
    assert len(rows) == len(moves) and [row.at for row in rows] == sorted(row.at for row in rows)
    assert (await verified(audit, [])).faults == ()
