"""The times in which nobody heard Asterisk: noted, completed, and said where they cannot be."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from ringfence.app.incident_gaps import AFTER_SECONDS, BEFORE, HEARD_SECONDS, GapWatch
from ringfence.app.journal import BUFFER, Journal
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import GapReason
from tests.fakes.clock import NOON, FakeClock, settle
from tests.fakes.incident_store import FakeCallRecords, FakeGapStore
from tests.fakes.stores import FakeJournalStore
from tests.unit.test_incident import call


class Stage:
    """A watch on fakes."""

    def __init__(self) -> None:
        self.clock, self.journal, self.records = FakeClock(), FakeJournalStore(), FakeCallRecords()
        self.store = FakeGapStore(self.journal)
        self.watch = self.started()

    def started(self) -> GapWatch:
        return GapWatch(self.store, self.journal, self.records, self.clock)

    async def link(self, up: bool, after: float = 0) -> None:
        await self.clock.advance(after)
        self.watch.link(up, self.clock.now())
        await self.watch.look()

    async def later(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.watch.look()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def ended(call_id: str, at: datetime) -> CallRecord:
    base = call(call_id=call_id)
    return CallRecord(**{field: getattr(base, field) for field in base.__slots__} | {"ended_at": at})


async def test_calls_lost_while_the_database_was_away_are_read_again_as_one_gap(stage: Stage) -> None:
    journal = Journal(stage.journal, stage.clock, keep_days=90)
    stage.watch = GapWatch(stage.store, stage.journal, stage.records, stage.clock, journal.take_lost)
    await stage.link(True)
    calls = [ended(str(number), NOON + timedelta(milliseconds=number)) for number in range(BUFFER + 3)]
    stage.records.calls = calls[:3]
    for record in calls[:-1]:
        journal.add(record)
    assert journal.lost == 2
    stage.store.fault = StoreUnavailable("locked")
    with pytest.raises(StoreUnavailable):
        await stage.watch.look()
    journal.add(calls[-1])
    with pytest.raises(StoreUnavailable):
        await stage.watch.look()
    stage.store.fault = None
    await stage.later(60)
    (gap,) = stage.store.kept.values()
    assert (gap.reason, gap.began, gap.ended) == (GapReason.OVERFLOWED, calls[0].ended_at, calls[2].ended_at)
    assert (gap.covered, gap.calls, stage.journal.calls) == (True, 3, calls[:3])


async def test_a_first_start_misses_nothing(stage: Stage) -> None:
    await stage.link(True)
    assert (stage.store.kept, stage.store.heard_at, stage.watch.deaf_since) == ({}, NOON, None)


async def test_hearing_is_noted_now_and_then(stage: Stage) -> None:
    await stage.link(True)
    await stage.later(HEARD_SECONDS - 1)
    assert stage.store.heard_at == NOON
    await stage.later(1)
    assert stage.store.heard_at == NOON + timedelta(seconds=HEARD_SECONDS)
    await stage.link(False)
    await stage.later(1000)
    assert stage.store.heard_at == NOON + timedelta(seconds=HEARD_SECONDS), "not while nothing is heard"


async def test_after_a_restart_what_ended_meanwhile_is_completed_once(stage: Stage) -> None:
    stage.store.heard_at = NOON - timedelta(hours=1)
    told, lost, old = (ended(n, NOON - timedelta(minutes=m)) for n, m in (("told", 30), ("lost", 20), ("old", 90)))
    stage.journal.calls = [told]
    stage.records.calls = [told, lost, lost, old]
    await stage.link(True)
    (gap,) = stage.store.kept.values()
    assert (gap.began, gap.ended) == (NOON - timedelta(hours=1) - BEFORE, NOON)
    assert (gap.reason, gap.covered, stage.journal.calls) == (GapReason.STOPPED, None, [told])
    await stage.later(AFTER_SECONDS)
    (gap,) = stage.store.kept.values()
    assert (gap.covered, gap.calls, stage.journal.calls) == (True, 1, [told, lost])
    await stage.later(1000)
    assert len(stage.records.asked) == 1, "once is enough"


async def test_a_connection_that_was_lost_is_a_gap_too(stage: Stage) -> None:
    await stage.link(True)
    await stage.link(False, after=100)
    assert stage.watch.deaf_since is not None
    await stage.link(False, after=10)
    await stage.link(True, after=10)
    (gap,) = stage.store.kept.values()
    assert (gap.began, gap.ended) == (NOON + timedelta(seconds=100) - BEFORE, NOON + timedelta(seconds=120))
    assert gap.reason is GapReason.DISCONNECTED
    assert stage.watch.deaf_since is None


async def test_a_clock_that_was_set_back_while_nobody_listened_hides_no_call(stage: Stage) -> None:
    ahead = NOON + timedelta(hours=1)
    stage.store.heard_at = ahead
    stage.records.calls = [ended("lost", ahead - timedelta(minutes=10))]
    await stage.link(True)
    (gap,) = stage.store.kept.values()
    assert (gap.began, gap.ended, gap.reason) == (NOON - BEFORE, ahead, GapReason.STOPPED)
    await stage.later(AFTER_SECONDS)
    assert stage.journal.calls == [], "Asterisk may yet write such times"
    await stage.later(3_600)
    assert [record.call_id for record in stage.journal.calls] == ["lost"]


async def test_where_there_are_no_records_it_is_said(stage: Stage) -> None:
    stage.store.heard_at = NOON - timedelta(hours=1)
    stage.records.absent = True
    await stage.link(True)
    await stage.later(AFTER_SECONDS)
    (gap,) = stage.store.kept.values()
    assert (gap.covered, gap.detail) == (False, "There is no such file.")
    assert "NOT COVERED" in gap.words


async def test_records_that_are_not_complete_are_used_and_it_is_said(stage: Stage) -> None:
    stage.store.heard_at = NOON - timedelta(hours=1)
    stage.records.calls, stage.records.trouble = [ended("lost", NOON - timedelta(minutes=5))], "the end is missing"
    await stage.link(True)
    await stage.later(AFTER_SECONDS)
    (gap,) = stage.store.kept.values()
    assert (gap.covered, gap.calls, gap.detail) == (False, 1, "the end is missing")


async def test_while_the_database_is_away_no_gap_is_forgotten(stage: Stage) -> None:
    stage.store.heard_at = NOON - timedelta(hours=1)
    stage.store.fault = StoreUnavailable("The database is locked.")
    with pytest.raises(StoreUnavailable):
        await stage.link(True)
    for up in (False, True):
        with pytest.raises(StoreUnavailable):
            await stage.link(up, after=50)
    stage.store.fault = None
    await stage.later(1)
    assert [gap.reason for gap in stage.store.kept.values()] == [GapReason.STOPPED, GapReason.DISCONNECTED]
    assert stage.store.kept[1].ended == NOON, "until it heard for the first time"


async def test_a_daemon_that_never_heard_leaves_the_gap_to_the_next(stage: Stage) -> None:
    stage.store.heard_at = NOON - timedelta(hours=1)
    await stage.later(100)
    assert stage.store.kept == {}
    stage.watch = stage.started()
    await stage.link(True)
    (gap,) = stage.store.kept.values()
    assert gap.began == NOON - timedelta(hours=1) - BEFORE


async def test_a_daemon_that_ends_right_after_it_began_to_hear_was_heard_of(stage: Stage) -> None:
    running = asyncio.create_task(stage.watch.run())
    await settle()
    stage.watch.link(True, stage.clock.now())
    await settle()
    running.cancel()
    assert stage.store.heard_at == NOON
