"""Counts of calls by the hour, on each engine."""

from __future__ import annotations

from ringfence.app.usual import Key
from ringfence.app.usual_keeper import UsualStore
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.usual import HourCounts
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.usual_store import SqlUsualStore
from tests.fakes.calls import a_call

PLATFORM, TRUNK = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.TRUNK, "uc")


async def test_counts_of_an_hour_are_added_up_and_the_oldest_go(database: Database) -> None:
    store: UsualStore = SqlUsualStore(database)
    first: dict[Key, HourCounts] = {
        (PLATFORM, 500_000): HourCounts(60, 5, 4, 3, 2, 1, 1),
        (TRUNK, 500_000): HourCounts(60, 5),
        (PLATFORM, 500_001): HourCounts(3600),
    }
    await store.add(first)
    assert await store.load(0) == first
    await store.add({(PLATFORM, 500_000): HourCounts(60, 1, 1, 1, 0, 1, 0)})
    assert (await store.load(0))[PLATFORM, 500_000] == HourCounts(120, 6, 5, 4, 2, 2, 1)
    assert await store.load(500_001) == {(PLATFORM, 500_001): HourCounts(3600)}
    await store.prune(500_001)
    assert await store.load(0) == {(PLATFORM, 500_001): HourCounts(3600)}
    await store.add({})


async def test_the_journal_keeps_when_a_call_was_answered(database: Database) -> None:
    journal = SqlJournalStore(database)
    calls = [a_call(call_id="a", answered_after_ms=1200), a_call(call_id="b", answered_after_ms=None)]
    await journal.append(calls)
    assert [(await journal.find(call.call_id)) for call in calls] == calls
