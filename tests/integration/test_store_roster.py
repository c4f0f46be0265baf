"""What every roster store has to do: the one in memory that other tests use, and the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ringfence.app.hr.ports import (
    CoverageRow,
    HrRun,
    PlanRow,
    PlanStatus,
    RosterCommit,
    RosterNote,
    RosterStore,
    RunOutcome,
)
from ringfence.domain.directory import Consent, PersonKey
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse, RecordId
from ringfence.domain.hr.roster import (
    Away,
    NumberFacts,
    Origin,
    PersonEntries,
    RecordState,
    Roster,
    RosterChange,
    SourceState,
    Stated,
    Tenure,
    Today,
)
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import parse_ring_hours
from tests.integration.stores import NOW, STORES, later, roster_store

AT = NOW.wall
ADA, BO = PersonKey("p1"), PersonKey("p2")
DID, OTHER_DID = Did("+441134960123"), Did("+441134960124")
MOBILE = HrNumber("+447700900123", NumberUse.PRIVATE, 25)
FULL = HrRecord(
    id="1001",
    key=ADA,
    post="teacher",
    name="Zoë Ada",
    email="ada@example.org",
    site="Leeds",
    department="Maths",
    manager="p9",
    dids=(DID, OTHER_DID),
    numbers=(MOBILE, HrNumber("+441134960125", NumberUse.WORK)),
    active=True,
    starts=date(2024, 9, 1),
    ends=date(2026, 8, 31),
    ends_at=later(90_000.25),
    away_from=date(2026, 4, 1),
    away_until=date(2026, 5, 1),
    deputy=BO,
    on_call=False,
)
BARE = HrRecord("1002", BO)


def id_of(record: HrRecord, source: str = "payroll") -> RecordId:
    return RecordId(source, record.id, record.post)


def said(record: HrRecord) -> RecordState:
    return RecordState(record, record, AT)


def stated(value: object) -> Stated[object]:
    return Stated(value, Origin.HELPDESK, "bo", "asked for it", AT)


def everything() -> RosterChange:
    """One of each, with every field filled somewhere."""
    moved = replace(FULL, key=PersonKey("p1-new"), post="", numbers=())
    hours = parse_ring_hours("fri-mon 22:00-06:00", "Europe/London")
    facts = NumberFacts(Consent.GIVEN, date(2026, 2, 1), "outages", hours, date(2026, 2, 2))
    return RosterChange(
        records={
            id_of(FULL): RecordState(FULL, replace(FULL, site="York"), AT, BARE, later(1), True, later(2)),
            id_of(BARE): said(BARE),
            id_of(moved, "ldap"): RecordState(moved, None, AT),
            RecordId("scim", "elsewhere", "another"): RecordState(FULL, moved, AT),
        },
        entries={
            ADA: PersonEntries(
                stated((MOBILE,)),
                stated((DID,)),
                stated(later(60)),
                stated(Away(date(2026, 3, 2), None, BO)),
                stated(later(120)),
                stated(Today(MOBILE, later(240))),
                {MOBILE.e164: stated(facts), "+447700900124": stated(NumberFacts())},
            ),
            BO: PersonEntries(numbers=stated(()), away=stated(Away(date(2026, 3, 2), date(2026, 3, 9), None))),
        },
        tenures={
            DID: (Tenure(DID, BO, AT, later(5)), Tenure(DID, ADA, later(5))),
            OTHER_DID: (Tenure(OTHER_DID, ADA, AT),),
        },
        releases={DID: later(7)},
        sources={
            "payroll": SourceState("payroll", True, later(1), AT, "not reachable", "cursor 7"),
            "ldap": SourceState("ldap"),
        },
        aliases={PersonKey("old"): ADA},
    )


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RosterStore]:
    async with roster_store(request.param, tmp_path / "ringfence.db") as store:
        yield store


async def commit(store: RosterStore, *changes: RosterChange) -> Roster:
    """The roster as it has to be then."""
    roster = Roster()
    for change in changes:
        await store.commit(RosterCommit(change))
        roster.apply(change)
    return roster


async def test_an_empty_store_holds_an_empty_roster(store: RosterStore) -> None:
    assert await store.load() == Roster()


async def test_everything_is_loaded_as_it_was_stored(store: RosterStore) -> None:
    expected = await commit(store, everything())
    assert await store.load() == expected


async def test_a_moment_of_any_zone_is_the_same_moment_afterwards(store: RosterStore) -> None:
    kathmandu = datetime(2026, 3, 1, 17, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    state = RecordState(replace(FULL, ends_at=kathmandu), None, kathmandu)
    await commit(store, RosterChange(records={id_of(FULL): state}))
    assert (await store.load()).records[id_of(FULL)] == state
    assert kathmandu == AT


async def test_what_is_removed_is_gone_and_what_is_written_again_is_new(store: RosterStore) -> None:
    second = RosterChange(
        records={id_of(FULL): said(replace(FULL, numbers=None)), id_of(BARE): None, RecordId("x", "y", "z"): None},
        entries={ADA: None, BO: PersonEntries(left_at=stated(AT))},
        tenures={DID: (Tenure(DID, ADA, AT),), OTHER_DID: ()},
        releases={DID: None, OTHER_DID: AT},
        sources={"ldap": SourceState("ldap", True)},
        aliases={PersonKey("old"): None, PersonKey("older"): BO},
    )
    expected = await commit(store, everything(), second)
    assert OTHER_DID not in expected.tenures
    assert await store.load() == expected


async def test_runs_are_told_newest_first(store: RosterStore) -> None:
    counts = {Category.JOINER: 3, Category.DID_MOVE: 1}
    full = HrRun(
        "payroll", later(20), RunOutcome.PARTLY_HELD, "a.csv", 7, 1, 2, counts, {Category.ABSENCE: 1}, "why", 4
    )
    runs = (full, HrRun("ldap", later(10), RunOutcome.FAILED), HrRun("payroll", later(20), RunOutcome.UNCHANGED))
    ids = (await store.commit(RosterCommit(RosterChange(), runs))).runs
    assert len(set(ids)) == 3
    first, second, third = (replace(run, id=id_) for run, id_ in zip(runs, ids, strict=True))
    assert await store.runs(10) == [third, first, second]
    assert await store.runs(2) == [third, first]
    assert await store.runs(10, "ldap") == [second]
    assert await store.runs_since(later(10)) == [third, first, second]
    assert await store.runs_since(later(10.001)) == [third, first]
    assert first.accepted[Category.JOINER] == 3


async def test_a_run_that_has_its_number_is_overwritten(store: RosterStore) -> None:
    ids = (await store.commit(RosterCommit(RosterChange(), (HrRun("scim", AT, RunOutcome.APPLIED),)))).runs
    again = HrRun("scim", AT, RunOutcome.HELD, rows=2, id=ids[0])
    assert (await store.commit(RosterCommit(RosterChange(), (again,)))).runs == ids
    assert await store.runs(10) == [again]


async def test_a_plan_is_opened_closed_and_found(store: RosterStore) -> None:
    opened = (PlanRow("payroll", AT, True), PlanRow("ldap", later(1), False, summary="2 joiners"))
    one, two = (await store.commit(RosterCommit(RosterChange(), plans=opened))).plans
    first, second = replace(opened[0], id=one), replace(opened[1], id=two)
    assert await store.plans(10) == [second, first]
    closed = replace(
        first,
        status=PlanStatus.SUPERSEDED,
        closed_at=later(2),
        who="ada",
        why="newer",
        superseded_by=two,
        lines=("joiner p1: +44*******123", "absence p2"),
    )
    newest = PlanRow("scim", later(2), False)
    ids = (await store.commit(RosterCommit(RosterChange(), plans=(closed, newest)))).plans
    assert ids[0] == one
    assert await store.plan(one) == closed
    assert await store.plans(10, only_open=True) == [replace(newest, id=ids[1]), second]
    assert await store.plans(1) == [replace(newest, id=ids[1])]
    assert await store.plan(max(ids) + 1) is None


async def test_notes_are_found_by_person(store: RosterStore) -> None:
    first = RosterNote(AT, "ada", "left", "entered: left", "p1")
    others = (RosterNote(later(1), "bo", "", "approved plan 1"), RosterNote(later(1), "bo", "", "erased", "p2"))
    await store.commit(RosterCommit(RosterChange(), notes=(first,)))
    await store.commit(RosterCommit(RosterChange(), notes=others))
    assert await store.notes(10) == [*reversed(others), first]
    assert await store.notes(1) == [others[1]]
    assert await store.notes(10, "p1") == [first]


async def test_coverage_is_kept_newest_first(store: RosterStore) -> None:
    rows = [CoverageRow(later(day), 100, 90 + day, {"no_number": 10 - day}) for day in range(3)]
    for row in rows:
        await store.add_coverage(row)
    assert await store.coverage(2) == [rows[2], rows[1]]


async def test_what_is_old_is_pruned_but_never_an_open_plan(store: RosterStore) -> None:
    old, new = AT, later(100)
    closed = PlanRow("payroll", old, False, PlanStatus.APPROVED, old)
    plans = (PlanRow("ldap", old, True), closed, replace(closed, closed_at=new))
    runs = tuple(HrRun("payroll", at, RunOutcome.APPLIED) for at in (old, new))
    notes = tuple(RosterNote(at, "ada", "", "entered") for at in (old, new))
    ids = (await store.commit(RosterCommit(everything(), runs, plans, notes))).plans
    for at in (old, new):
        await store.add_coverage(CoverageRow(at, 1, 1, {}))
    roster = await store.load()
    assert await store.prune(new) == 4
    assert {plan.id for plan in await store.plans(10)} == {ids[0], ids[2]}
    assert [run.at for run in await store.runs(10)] == [new]
    assert [note.at for note in await store.notes(10)] == [new]
    assert [row.at for row in await store.coverage(10)] == [new]
    assert await store.prune(new) == 0
    assert await store.load() == roster


async def test_a_wipe_leaves_what_was_not_removed(store: RosterStore) -> None:
    expected = await commit(store, everything(), RosterChange(records={id_of(FULL): None}))
    await store.wipe()
    assert await store.load() == expected
    assert all(state.said_at.tzinfo is UTC for state in (await store.load()).records.values())
