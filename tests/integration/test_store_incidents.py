"""Incidents on a real file: opened and closed with the mode change, notes, call-backs, gaps."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.app.audit import AuditQuery
from ringfence.app.incident_ports import CallBackTaken, Claim
from ringfence.app.ports import OutageChange, StoreUnavailable, VersionConflict
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.incident import Gap, GapReason, Incident, Note, Span
from ringfence.domain.missed_calls import CallBack, CallBackState
from ringfence.domain.outage import Mode, ScopeState, first_state
from ringfence.domain.override import OverrideKind
from ringfence.domain.reasons import Reason
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.gap_store import SqlGapStore
from ringfence.store.incident_store import PORTION_ROWS, SqlIncidentStore
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.outage_store import SqlOutageStore
from tests.integration.stores import NOW, later, locked_by_another
from tests.integration.test_store_journal import call
from tests.integration.test_store_outage import EVERYTHING, UC, moved, word

FACT = AuditFact(NOW.wall, AuditKind.INCIDENT, "call back", "incident 1 of scope uc", "ada")
EVER = Span(later(-1e6), later(1e6))
WAY = (Mode.FAILED_OVER, Mode.HOLD_DOWN, Mode.FAILED_OVER, Mode.HOLD_DOWN, Mode.TRIAL, Mode.NORMAL)


@pytest.fixture
def store(database: Database) -> SqlIncidentStore:
    return SqlIncidentStore(database)


def at(change: OutageChange, seconds: float) -> OutageChange:
    """The same, decided so much later."""
    assert change.transition is not None
    assert change.state is not None
    moment = NOW.plus(seconds)
    return replace(
        change,
        at=moment.wall,
        state=replace(change.state, since=moment),
        transition=replace(change.transition, at=moment),
    )


async def go(database: Database, state: ScopeState, *modes: Mode, since: float = 0) -> ScopeState:
    """Stores one change after another, a minute apart."""
    for number, mode in enumerate(modes):
        change = at(moved(state, mode, f"{state.scope}-{state.version}"), since + 60 * number)
        await SqlOutageStore(database).commit(change)
        assert change.state is not None
        state = change.state
    return state


async def only(store: SqlIncidentStore) -> Incident:
    (incident,) = await store.incidents(10)
    return incident


async def test_an_outage_with_a_relapse_is_one_incident(database: Database, store: SqlIncidentStore) -> None:
    state = await go(database, first_state("uc", NOW), *WAY[:3])
    assert await only(store) == Incident(1, "uc", later(0), None, "silent", late=False, relapses=1)
    await go(database, state, *WAY[3:], since=180)
    assert await only(store) == Incident(1, "uc", later(0), later(300), "silent", late=False, relapses=1)


async def test_two_outages_are_two_and_scopes_do_not_mix(database: Database, store: SqlIncidentStore) -> None:
    state = await go(database, first_state("uc", NOW), *WAY)
    await go(database, state, Mode.FAILED_OVER, since=1000)
    await go(database, first_state("legacy", NOW), Mode.FAILED_OVER, since=2000)
    assert [one.scope for one in await store.incidents(10)] == ["legacy", "uc", "uc"]
    assert [one.id for one in await store.incidents(1, before=3)] == [2]
    assert [one.id for one in await store.incidents(9, scope="uc", is_open=True)] == [2]
    assert [one.id for one in await store.incidents(9, is_open=False)] == [1]


async def test_one_that_no_failback_will_close_is_closed_once_with_a_note_and_a_row_of_the_record(
    database: Database, store: SqlIncidentStore
) -> None:
    await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    incident = await only(store)
    for seconds in (60, 120):
        await store.abandon(incident, Note(0, later(seconds), "ringfence", "It is not configured."), FACT)
    assert (await only(store)).closed_at == later(60)
    assert [note.at for note in await store.notes(1)] == [later(60)]
    assert len(await SqlAuditStore(database).page(AuditQuery(kind=AuditKind.INCIDENT), 10)) == 1
    assert await store.untold(10) == []


async def test_a_persons_word_opens_none(database: Database, store: SqlIncidentStore) -> None:
    outages = SqlOutageStore(database)
    for number, target in enumerate((UC, EVERYTHING)):
        await outages.commit(word(OverrideKind.DR, target, f"w{number}"))
    await outages.commit(OutageChange("released", override_released=UC, at=later(1), who="ada"))
    await outages.commit(OutageChange("stored", state=replace(first_state("uc", NOW), version=1), at=later(1)))
    assert await store.incidents(10) == []


async def test_a_change_that_is_stored_twice_or_refused_opens_no_other(
    database: Database, store: SqlIncidentStore
) -> None:
    outages = SqlOutageStore(database)
    change = moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1")
    await outages.commit(change)
    await outages.commit(change)
    with pytest.raises(VersionConflict):
        await outages.commit(replace(change, key="k2"))
    assert (await only(store)).relapses == 0


async def test_a_change_that_was_spooled_opens_it_with_its_own_time(
    database: Database, store: SqlIncidentStore
) -> None:
    """Hours later, in order, as the ledger drains."""
    await go(database, first_state("uc", NOW), Mode.FAILED_OVER, since=-7200)
    assert (await only(store)).opened_at == later(-7200)


@pytest.mark.parametrize("silent", [False, True])
async def test_a_database_begun_anew_in_mid_outage_says_that_it_began_earlier(
    database: Database, store: SqlIncidentStore, *, silent: bool
) -> None:
    found = replace(first_state("uc", NOW), mode=Mode.FAILED_OVER, reason=Reason.FOUND_IN_ASTERISK)
    if silent:
        await SqlOutageStore(database).commit(OutageChange("k", state=replace(found, version=1), at=later(5)))
        assert await only(store) == Incident(1, "uc", later(5), None, "found_in_asterisk", late=True, relapses=0)
        return
    state = await go(database, found, Mode.HOLD_DOWN, since=10)
    assert ((await only(store)).late, (await only(store)).opened_at) == (True, later(10))
    await go(database, state, Mode.TRIAL, Mode.NORMAL, since=20)
    assert (await only(store)).closed_at == later(80)


async def test_nothing_is_stored_of_an_incident_whose_change_is_not(
    database: Database, store: SqlIncidentStore, place: Path | str
) -> None:
    with locked_by_another(place), pytest.raises(StoreUnavailable):
        await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    assert await store.incidents(10) == []


async def test_no_incident_ends_before_it_began(database: Database, store: SqlIncidentStore) -> None:
    state = await go(database, first_state("uc", NOW), Mode.FAILED_OVER, Mode.HOLD_DOWN, Mode.TRIAL)
    await go(database, state, Mode.NORMAL, since=-500)
    assert (await only(store)).closed_at == later(0)


async def test_the_history_of_its_time_and_its_calls_are_read_in_portions(
    database: Database, store: SqlIncidentStore
) -> None:
    await go(database, first_state("uc", NOW), *WAY)
    await SqlOutageStore(database).commit(word(OverrideKind.DR, UC, "w", 90))
    changes = await store.changes(Span(later(0), later(120)))
    assert [(c.before, c.after) for c in changes] == [
        ("NORMAL", "FAILED_OVER"),
        ("FAILED_OVER", "HOLD_DOWN"),
        ("-", "dr"),
        ("HOLD_DOWN", "FAILED_OVER"),
    ]
    count = 2 * PORTION_ROWS + 5
    # Many end in the same moment: none is left out at the edge of a portion.
    calls = [replace(call(n), ended_at=later(n // 100)) for n in range(count)]
    await SqlJournalStore(database).append([*calls, replace(call(count), scope="legacy")])
    portions = [portion async for portion in store.calls("uc", EVER)]
    assert [record for portion in portions for record in portion] == calls
    assert [len(portion) for portion in portions] == [PORTION_ROWS, PORTION_ROWS, 5]
    some = [record async for portion in store.calls(None, Span(later(1), later(2))) for record in portion]
    assert some == calls[100:300]


async def test_notes_are_kept_in_order_with_the_record(database: Database, store: SqlIncidentStore) -> None:
    await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    first = await store.add_note(1, Note(0, later(1), "ada", "they know"), FACT)
    second = await store.add_note(1, Note(0, later(2), "bob", "x" * 2000), FACT)
    assert await store.notes(1) == [first, second]
    assert (first.id, second.id) == (1, 2)
    assert await store.notes(2) == []
    noted = await SqlAuditStore(database).page(AuditQuery(kind=AuditKind.INCIDENT), 10)
    assert [row.who for row in noted] == ["ada", "ada"]


def claim(who: str, state: CallBackState, seconds: float = 0, *, take_over: bool = False, calls: str = "ab") -> Claim:
    said = CallBack(state, who, later(seconds), "no answer")
    return Claim(1, tuple(calls), later(0), said, take_over)


async def test_of_two_agents_at_once_one_has_it(database: Database, store: SqlIncidentStore) -> None:
    await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    both = (store.claim(claim(who, CallBackState.CALLING, 1), FACT) for who in ("ada", "bob"))
    ended = await asyncio.gather(*both, return_exceptions=True)
    (taken,) = [one for one in ended if one is not None]
    assert isinstance(taken, CallBackTaken)
    held = (await store.call_backs(1))["b"]
    assert (taken.held, held.state) == (held, CallBackState.CALLING)
    assert held.who in str(taken)


async def test_what_somebody_has_is_theirs_until_it_is_taken_over(database: Database, store: SqlIncidentStore) -> None:
    await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    await store.claim(claim("ada", CallBackState.CALLING, 1, calls="a"), FACT)
    with pytest.raises(CallBackTaken, match="ada has this one"):
        await store.claim(claim("bob", CallBackState.DONE, 2, calls="abc"), FACT)
    await store.claim(claim("bob", CallBackState.CALLING, 3, take_over=True, calls="abc"), FACT)
    with pytest.raises(CallBackTaken, match="bob has this one"):
        await store.claim(claim("ada", CallBackState.DONE, 4, calls="a"[:0] + "abc"), FACT)
    await store.claim(claim("bob", CallBackState.OPEN, 5, calls="abc"), FACT)
    await store.claim(claim("ada", CallBackState.DONE, 6, calls="abc"), FACT)
    assert {call_id: said.state for call_id, said in (await store.call_backs(1)).items()} == {
        "a": CallBackState.CALLING,
        "c": CallBackState.DONE,
    }


async def test_what_nobody_was_told_of_is_found_until_it_is(database: Database, store: SqlIncidentStore) -> None:
    state = await go(database, first_state("uc", NOW), Mode.FAILED_OVER)
    (one,) = await store.untold(10)
    await store.told(one)
    assert await store.untold(10) == []
    await go(database, state, *WAY[3:])
    (one,) = await store.untold(10)
    assert one.closed_at is not None
    await store.told(one)
    assert await store.untold(10) == []


async def test_old_ones_go_with_all_that_belongs_to_them(database: Database, store: SqlIncidentStore) -> None:
    state = await go(database, first_state("uc", NOW), *WAY)
    await go(database, state, Mode.FAILED_OVER, since=1000)
    await store.add_note(1, Note(0, later(1), "ada", "they know"), FACT)
    await store.claim(claim("ada", CallBackState.DONE), FACT)
    gaps = SqlGapStore(database)
    await gaps.add_gap(Span(later(0), later(10)), GapReason.STOPPED)
    assert await store.prune(later(300)) == 0
    assert await store.prune(later(301)) == 1
    assert [one.id for one in await store.incidents(10)] == [2]
    assert (await store.notes(1), await store.call_backs(1), await gaps.gaps(EVER, 10)) == ([], {}, [])
    assert await store.prune(later(1e6)) == 0, "one that lasts is never too old"


async def test_gaps_and_the_last_sign_of_hearing(database: Database) -> None:
    gaps = SqlGapStore(database)
    assert await gaps.last_heard() is None
    await gaps.heard(later(1))
    await gaps.heard(later(2))
    assert await gaps.last_heard() == later(2)
    first = await gaps.add_gap(Span(later(0), later(10)), GapReason.STOPPED)
    second = await gaps.add_gap(Span(later(20), later(30)), GapReason.DISCONNECTED)
    assert await gaps.uncovered(10) == [first, second]
    settled = replace(first, covered=False, detail="there is no such file")
    await gaps.settle(settled)
    assert await gaps.uncovered(10) == [second]
    assert await gaps.gaps(Span(later(10), later(20)), 10) == [settled, second]
    assert await gaps.gaps(Span(later(11), later(19)), 10) == []
    assert first == Gap(1, later(0), later(10), GapReason.STOPPED, None, 0, "")


async def test_the_journal_tells_which_calls_it_lacks(database: Database) -> None:
    await SqlJournalStore(database).append([call(n) for n in range(3)])
    new = await SqlGapStore(database).unknown([call(n) for n in (1, 3, 3, 4)])
    assert new == [call(3), call(4)]
