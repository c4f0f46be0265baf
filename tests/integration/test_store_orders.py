"""Orders that wait and answers given once, on a real file: they outlive a restart. And calls, counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, text

from ringfence.app.once import Answer, Done, KeptAnswer
from ringfence.app.once_mark import OnceMark
from ringfence.app.override_preview import Tally
from ringfence.app.ports import OutageChange
from ringfence.app.second_person import PendingOrder, WordOrder, fact_of_pending
from ringfence.domain.access import SignedInBy
from ringfence.domain.calls import CallRecord
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.migrating import configuration
from ringfence.store.order_store import SqlOrderStore
from ringfence.store.outage_store import SqlOutageStore
from tests.fakes.calls import a_call
from tests.integration.stores import NOW, later, opened, opened_at

TEAM = OverrideTarget(team="Sales")
ORDER = WordOrder(OverrideKind.DR, TEAM, "drill | übung", lasts=timedelta(hours=1), expected="none")
PENDING = PendingOrder("p1", ORDER, "ada", SignedInBy.OIDC, "s1", "person-1", later(0))


async def test_what_waits_outlives_a_restart(place: Path | str) -> None:
    until = replace(PENDING, id="p2", order=WordOrder(OverrideKind.FREEZE, OverrideTarget(), "works", later(60)))
    async with opened_at(place) as database:
        for pending in (PENDING, until):
            fact = fact_of_pending(pending, "asked for", "ada", "drill", later(0))
            await SqlOrderStore(database).save_pending(pending, fact)
    async with opened_at(place) as database:
        store = SqlOrderStore(database)
        assert await store.load_pending() == [PENDING, until]
        await store.remove_pending(PENDING, fact_of_pending(PENDING, "rejected", "bob", "no", later(0)))
        assert await store.load_pending() == [until]
        said = Override(until.order.target, OverrideKind.FREEZE, "ada", "works", later(1), id="p2")
        await SqlOutageStore(database).commit(OutageChange("c1", override_set=said, at=later(1)))
        assert await store.load_pending() == [], "what is carried out waits no longer, whatever happens next"
        assert (await SqlAuditStore(database).head()).number == 4


async def test_an_answer_outlives_a_restart_and_is_forgotten_in_time(place: Path | str) -> None:
    kept = KeptAnswer("body", Answer(200, '{"a": "ü"}'), later(0))
    async with opened_at(place) as database:
        await SqlOrderStore(database).save_answer("k", kept)
    async with opened_at(place) as database:
        store = SqlOrderStore(database)
        assert (await store.load_answer("k"), await store.load_answer("other")) == (kept, None)
        await store.prune_answers(later(0))
        assert await store.load_answer("k") == kept
        await store.prune_answers(later(1))
        assert await store.load_answer("k") is None


async def test_what_was_done_is_stored_with_its_key_and_makes_room_for_the_answer(place: Path | str) -> None:
    asked = fact_of_pending(PENDING, "asked for", "ada", "drill", later(0))
    rejected = fact_of_pending(PENDING, "rejected", "bob", "no", later(1))
    said = Override(TEAM, OverrideKind.DR, "ada", "drill", later(2), id="w1")
    change = OutageChange("c1", override_set=said, override_released=OverrideTarget(), at=later(2))
    marks = {name: OnceMark(name, "body") for name in ("asked", "rejected", "said", "late")}
    answered = KeptAnswer("body", Answer(200, "{}"), later(3))
    async with opened_at(place) as database:
        store, outages = SqlOrderStore(database), SqlOutageStore(database)
        await store.save_pending(PENDING, asked, marks["asked"])
        await store.mark_pending(PENDING, OnceMark("again", "body"), later(0.5))
        await store.remove_pending(PENDING, rejected, marks["rejected"])
        await outages.commit(replace(change, once=marks["said"]))
        # Its change waited in the spool, and the answer could be stored before.
        await store.save_answer("late", answered)
        await outages.commit(replace(change, key="c2", once=marks["late"]))
        assert await store.load_answers(3) == {
            "rejected": KeptAnswer("body", Done(pending=PENDING), later(1)),
            "said": KeptAnswer("body", Done(said, OverrideTarget()), later(2)),
            "late": answered,
        }
        assert await store.load_answer("asked") == KeptAnswer("body", Done(pending=PENDING), later(0))
        assert await store.load_answer("again") == KeptAnswer("body", Done(pending=PENDING), later(0.5))
        await store.save_answer("said", answered)
        assert await store.load_answer("said") == answered


async def test_calls_are_counted_by_did_in_several_windows(place: Path | str) -> None:
    def call(did: str, seconds: float) -> CallRecord:
        return a_call(call_id=f"{did}-{seconds}", ended_at=later(seconds), did=did)

    async with opened_at(place) as database:
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
