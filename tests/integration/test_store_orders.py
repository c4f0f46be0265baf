"""Orders that wait and answers given once, on a real file: they outlive a restart. And calls, counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, text

from ringfence.app.once import Answer, KeptAnswer
from ringfence.app.override_preview import Tally
from ringfence.app.second_person import PendingOrder, WordOrder
from ringfence.domain.access import SignedInBy
from ringfence.domain.calls import CallRecord
from ringfence.domain.override import OverrideKind, OverrideTarget
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.migrating import configuration
from ringfence.store.order_store import SqlOrderStore
from ringfence.store.outage_store import SqlOutageStore
from tests.fakes.calls import a_call
from tests.integration.stores import NOW, later, opened

TEAM = OverrideTarget(team="Sales")
ORDER = WordOrder(OverrideKind.DR, TEAM, "drill | übung", lasts=timedelta(hours=1), expected="none")
PENDING = PendingOrder("p1", ORDER, "ada", SignedInBy.OIDC, "s1", "person-1", later(0))


async def test_what_waits_outlives_a_restart(tmp_path: Path) -> None:
    until = replace(PENDING, id="p2", order=WordOrder(OverrideKind.FREEZE, OverrideTarget(), "works", later(60)))
    async with opened(tmp_path / "ringfence.db") as database:
        for pending in (PENDING, until):
            await SqlOrderStore(database).save_pending(pending)
    async with opened(tmp_path / "ringfence.db") as database:
        store = SqlOrderStore(database)
        assert await store.load_pending() == [PENDING, until]
        await store.remove_pending("p1")
        assert await store.load_pending() == [until]


async def test_an_answer_outlives_a_restart_and_is_forgotten_in_time(tmp_path: Path) -> None:
    kept = KeptAnswer("body", Answer(200, '{"a": "ü"}'), later(0))
    async with opened(tmp_path / "ringfence.db") as database:
        await SqlOrderStore(database).save_answer("k", kept)
    async with opened(tmp_path / "ringfence.db") as database:
        store = SqlOrderStore(database)
        assert (await store.load_answer("k"), await store.load_answer("other")) == (kept, None)
        await store.prune_answers(later(0))
        assert await store.load_answer("k") == kept
        await store.prune_answers(later(1))
        assert await store.load_answer("k") is None


async def test_calls_are_counted_by_did_in_several_windows(tmp_path: Path) -> None:
    def call(did: str, seconds: float) -> CallRecord:
        return a_call(call_id=f"{did}-{seconds}", ended_at=later(seconds), did=did)

    async with opened(tmp_path / "ringfence.db") as database:
        store = SqlJournalStore(database)
        assert await store.oldest() is None
        await store.append([call("a", 0), call("a", 9), call("a", 10), call("b", 5), call("a", 25), call("b", 40)])
        counted = await store.tally([(later(0), later(10)), (later(20), later(30))])
        assert counted == {"a": Tally(3, 4_500), "b": Tally(1, 1_500)}
        assert await store.oldest() == later(0)


async def test_a_word_of_an_earlier_version_outlives_the_upgrade(tmp_path: Path) -> None:
    def back(connection: Connection) -> None:
        command.downgrade(configuration(connection), "0008")

    async with opened(tmp_path / "ringfence.db") as database:
        await database.write(lambda connection: connection.run_sync(back))
        row = (
            "INSERT INTO overrides (target, did, kind, who, why, set_at) "
            "VALUES ('did:+441134960123', '+441134960123', 'dr', 'ada', 'old', :at)"
        )
        at = {"at": NOW.wall.replace(tzinfo=None).isoformat(" ", "microseconds")}
        await database.write(lambda connection: connection.execute(text(row), at))
    async with opened(tmp_path / "ringfence.db") as database:
        (word,) = await SqlOutageStore(database).load_overrides()
        assert (word.target, word.id, word.replaced, word.alone) == (
            OverrideTarget(did="+441134960123"),
            "",
            None,
            False,
        )
