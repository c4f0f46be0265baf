"""Storing never delays a decision, and nothing decided is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.app.ledger import COMMIT_DEADLINE_SECONDS, RECOVER_SECONDS, Ledger
from ringfence.app.ports import OutageChange, StoreUnavailable
from ringfence.domain.outage import Mode, ScopeState, first_state
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeOutageStore, FakeSpool


class SlowStore(FakeOutageStore):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def commit(self, change: OutageChange) -> None:
        await self.free.wait()
        await super().commit(change)


def change(number: int, clock: FakeClock) -> OutageChange:
    now = clock.now()
    state = replace(first_state("uc", now), mode=Mode.FAILED_OVER, version=number)
    return OutageChange(f"key-{number}", state=state, at=now.wall)


def stored(store: FakeOutageStore) -> list[str]:
    return [c.key for c in store.changes]


async def test_a_change_is_stored_and_leaves_nothing_behind() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    ledger = Ledger(store, spool, clock)
    assert await ledger.commit(change(1, clock)) is None
    assert stored(store) == ["key-1"]
    assert (ledger.unstored, spool.changes, ledger.link.up) == (0, [], True)


async def test_a_slow_database_delays_a_decision_by_its_deadline_and_no_more() -> None:
    clock, store, spool = FakeClock(), SlowStore(), FakeSpool()
    ledger = Ledger(store, spool, clock)
    commit = asyncio.create_task(ledger.commit(change(1, clock)))
    await settle()
    await clock.advance(COMMIT_DEADLINE_SECONDS - 0.001)
    assert not commit.done()
    await clock.advance(0.002)
    assert commit.done() and commit.result() is not None
    await settle()
    assert [c.key for c in spool.changes] == ["key-1"]
    assert not ledger.link.up


async def test_what_follows_an_unstored_change_does_not_wait_at_all_and_keeps_the_order() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    store.fault = StoreUnavailable("locked")
    ledger = Ledger(store, spool, clock)
    for number in (1, 2, 3):
        assert await ledger.commit(change(number, clock)) is not None
    run = asyncio.create_task(ledger.run())
    await settle()
    assert ledger.unstored == 3
    store.fault = None
    await clock.advance(5)
    assert stored(store) == ["key-1", "key-2", "key-3"]
    assert (ledger.unstored, spool.changes, ledger.link.up) == (0, [], True)
    run.cancel()


async def test_a_full_disk_loses_nothing_while_the_process_lives() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    store.fault = spool.fault = StoreUnavailable("no space left")
    ledger = Ledger(store, spool, clock)
    assert await ledger.commit(change(1, clock)) is not None
    await settle()
    run = asyncio.create_task(ledger.run())
    store.fault = spool.fault = None
    await clock.advance(5)
    assert stored(store) == ["key-1"]
    run.cancel()


async def test_the_spool_of_an_earlier_process_is_stored_first() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    spool.changes = [change(1, clock)]
    ledger = Ledger(store, spool, clock)
    await ledger.recover()
    assert stored(store) == ["key-1"], "before anybody reads what the database holds"
    assert await ledger.commit(change(2, clock)) is None
    assert stored(store) == ["key-1", "key-2"]


async def test_a_spool_the_database_still_will_not_take_is_told_to_whoever_recovers() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    store.fault = StoreUnavailable("locked")
    spool.changes = [change(1, clock)]
    ledger = Ledger(store, spool, clock)
    await ledger.recover()
    assert [c.key for c in ledger.waiting()] == ["key-1"]


async def test_a_database_that_does_not_answer_at_all_holds_up_no_start() -> None:
    clock, store, spool = FakeClock(), SlowStore(), FakeSpool()
    spool.changes = [change(1, clock)]
    ledger = Ledger(store, spool, clock)
    start = asyncio.create_task(ledger.recover())
    await settle()
    await clock.advance(RECOVER_SECONDS + 0.001)
    assert start.done() and [c.key for c in ledger.waiting()] == ["key-1"]
    assert (ledger.link.up, ledger.link.detail) == (False, "what was spooled is not stored after 2 s")
    run = asyncio.create_task(ledger.run())
    store.free.set()
    await settle()
    assert (stored(store), ledger.unstored, ledger.link.up) == (["key-1"], 0, True)
    run.cancel()


async def test_after_a_spool_was_stored_over_another_state_the_versions_are_counted_from_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    store.states["uc"] = replace(first_state("uc", clock.now()), version=7)
    spool.changes = [change(1, clock)]
    ledger = Ledger(store, spool, clock)
    await ledger.recover()
    assert store.states["uc"].version == 8
    caplog.clear()
    assert await ledger.commit(change(9, clock)) is None
    assert store.states["uc"].version == 9
    assert not caplog.records, "nobody else has written"


async def test_a_spool_that_cannot_be_read_keeps_nobody_from_starting() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    spool.fault = StoreUnavailable("no permission")
    ledger = Ledger(store, spool, clock)
    await ledger.recover()
    assert await ledger.commit(change(1, clock)) is None


async def test_a_change_that_was_stored_after_all_is_stored_once() -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    await store.commit(change(1, clock))
    spool.changes = [change(1, clock)]
    ledger = Ledger(store, spool, clock)
    await ledger.recover()
    run = asyncio.create_task(ledger.run())
    await settle()
    assert stored(store) == ["key-1"]
    assert ledger.unstored == 0
    run.cancel()


@pytest.mark.parametrize("stored_version", [0, 7])
async def test_a_row_that_is_not_ours_is_overwritten_and_later_changes_follow(stored_version: int) -> None:
    clock, store, spool = FakeClock(), FakeOutageStore(), FakeSpool()
    if stored_version:
        foreign: ScopeState = replace(first_state("uc", clock.now()), version=stored_version)
        store.states["uc"] = foreign
    ledger = Ledger(store, spool, clock)
    for number in (4, 5):
        assert await ledger.commit(change(number, clock)) is None
    assert stored(store) == ["key-4", "key-5"]
    assert store.states["uc"].version == stored_version + 2


async def test_a_database_that_cannot_be_read_at_the_start_is_said_before_anything_has_to_be_stored() -> None:
    clock, store = FakeClock(), FakeOutageStore()
    ledger = Ledger(store, FakeSpool(), clock)
    ledger.seen(StoreUnavailable("it is noise", "restore it"))
    await ledger.recover()
    assert (ledger.link.up, ledger.link.detail) == (False, "it is noise restore it")
    ledger.seen(None)
    assert ledger.link.up


async def test_what_is_not_stored_yet_outweighs_an_answered_question() -> None:
    clock, store = FakeClock(), SlowStore()
    ledger = Ledger(store, FakeSpool(), clock)
    commit = asyncio.create_task(ledger.commit(change(1, clock)))
    await settle()
    await clock.advance(COMMIT_DEADLINE_SECONDS)
    await commit
    ledger.seen(None)
    assert not ledger.link.up
