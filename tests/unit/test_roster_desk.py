"""The roster's desk: what is said becomes what is routed by, in time, and nothing is lost or believed too soon."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ringfence.app.hr.force import TICK_SECONDS
from ringfence.app.hr.ports import PlanStatus, RunOutcome
from ringfence.app.hr.views import EntryField
from ringfence.app.operator import NotNow, NotOurs, OrderRefused
from ringfence.app.ports import StoreError
from ringfence.domain.directory import DidAssignment, Directory, PersonKey, Site
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import Origin
from ringfence.domain.numbers import Did
from tests.fakes.clock import NOON, settle
from tests.fakes.roster_site import ACCOUNTS, GONE, PAYROLL, RosterSite, did, mobile, post, push, vacant_dids, whole


async def test_a_first_load_is_held_in_a_plan_of_its_own_and_routed_by_when_approved() -> None:
    async with RosterSite().running() as site:
        run = await site.hear(whole(*map(post, range(30))))
        (view,) = await site.desk.plans()
        assert (run.outcome, run.plan, view.row.first_load) == (RunOutcome.HELD, view.row.id, True)
        assert await site.desk.runs(10) == [run]
        assert not site.rings(0)
        done = await site.desk.decide(view.row.id, True, "hr", "looked at", fingerprint=view.fingerprint)
        assert done.row.status is PlanStatus.APPROVED
        assert all(site.rings(number) for number in range(30))
        assert await site.desk.plans() == []
        (payroll, _) = site.desk.sources()
        assert (payroll.loaded, payroll.records, payroll.held) == (True, 30, 0)


async def test_a_leaver_of_a_first_load_leaves_at_once() -> None:
    async with RosterSite().running() as site:
        await site.load_first(3)
        run = await site.hear(whole(*map(post, (0, 1)), replace(post(2), active=False), source=ACCOUNTS))
        assert run.leavers == 1
        assert [site.rings(number) for number in range(3)] == [True, True, False]


async def test_a_stored_moment_takes_effect_with_all_feeds_stopped() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, ends=date(2030, 1, 15))))
        midnight = datetime(2030, 1, 16, tzinfo=UTC)
        site.clock.step_wall((midnight - NOON).total_seconds() - 60)
        await site.later(seconds=59)
        assert site.rings(1)
        await site.later(seconds=1)
        assert (site.rings(0), site.rings(1)) == (True, False)


async def test_it_takes_effect_with_the_database_gone_and_is_stored_later(caplog: pytest.LogCaptureFixture) -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        ends_at = NOON + timedelta(hours=2)
        await site.hear(push(post(1, ends_at=ends_at)))
        site.store.fault = GONE
        site.clock.step_wall(timedelta(hours=2).total_seconds() - 10)
        await site.later(seconds=10)
        assert not site.rings(1)
        assert site.store.roster.tenures[did(1)][-1].until is None
        assert len([r for r in caplog.records if "who holds which DID" in r.message]) == 1
        site.store.fault = None
        await site.later(seconds=10)
        assert site.store.roster.tenures[did(1)][-1].until == ends_at


async def test_a_wall_clock_that_is_set_forward_is_noticed() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, ends_at=NOON + timedelta(days=9))))
        site.clock.step_wall(timedelta(days=9).total_seconds())
        await site.later(seconds=TICK_SECONDS)
        assert not site.rings(1)


async def test_a_wall_clock_that_is_set_back_lets_nobody_ring_before_they_start() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(31, starts=(NOON + timedelta(days=2)).date())))
        site.clock.step_wall(timedelta(days=3).total_seconds())
        await site.later(seconds=TICK_SECONDS)
        assert site.rings(31)
        site.clock.step_wall(-timedelta(days=3).total_seconds())
        await site.later(seconds=TICK_SECONDS)
        assert not site.rings(31)


async def test_two_moments_close_together_take_effect_in_time() -> None:
    async with RosterSite().running() as site:
        await site.load_first(3)
        first, second = NOON + timedelta(seconds=30), NOON + timedelta(seconds=30.5)
        await site.hear(push(post(1, ends_at=first), post(2, ends_at=second)))
        await site.later(seconds=30)
        assert (site.rings(1), site.rings(2)) == (False, True)
        await site.later(seconds=0.5)
        assert not site.rings(2)


async def test_a_restart_loses_nothing_and_publishes_nobody_who_left() -> None:
    site = RosterSite()
    async with site.running():
        await site.load_first(3)
        await site.hear(push(post(1, active=False), post(2, ends_at=NOON + timedelta(days=1))))
    site.begin()
    site.clock.step_wall(timedelta(days=2).total_seconds())
    async with site.running():
        assert [site.rings(number) for number in range(3)] == [True, False, False]
        assert all(
            mobile(1) not in value and mobile(2) not in value for table in site.tables for value in table.values()
        )


async def test_nothing_is_published_until_both_stores_could_be_read() -> None:
    site = RosterSite()
    site.store.fault = GONE
    with pytest.raises(StoreError):
        await site.desk.load()
    with pytest.raises(StoreError):
        await site.desk.hear(push(post(0)))
    await site.desk.rebase(site.directories.stored)  # an import meanwhile: those who left are not known yet
    assert site.tables == []
    site.store.fault = None
    async with site.running():
        assert len(site.tables) == 1


async def test_a_directory_that_nobody_imported_is_never_published_whatever_the_sources_say() -> None:
    site = RosterSite()
    site.directories.stored = replace(site.directories.stored, directory=Directory(), version=0)
    async with site.running():
        await site.load_first(2)
        assert site.tables == []


async def test_a_table_that_cannot_be_published_is_an_alarm_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    full = [DidAssignment(Did(f"+44113{number:04d}000"), None, "Leeds", "uc") for number in range(501)]
    site = RosterSite(Directory.of([], full, [Site("Leeds")]))
    async with site.running():
        await site.hear(push(post(0, active=False)))
        assert (site.tables, "bucket" in site.desk.summary().fault) == ([], True)
        assert caplog.text.count("cannot be published") == 1
        stored = await site.directories.replace(site.directories.stored, vacant_dids(3), "me", "fewer", NOON)
        await site.desk.rebase(stored)
        assert (len(site.tables), site.desk.summary().fault) == (1, "")


async def test_a_store_that_fails_leaves_everything_as_it_was() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        site.store.fault = GONE
        with pytest.raises(StoreError):
            await site.desk.hear(push(post(1, active=False)))
        await site.settled()
        assert site.rings(1)
        site.store.fault = None
        await site.hear(push(post(1, active=False)))
        assert not site.rings(1)


async def test_what_is_only_said_derives_nothing() -> None:
    async with RosterSite().running() as site:
        before = len(site.tables)
        await site.hear(push(post(0)))
        assert len(site.tables) == before
        await site.load_first(30)
        before = len(site.tables)
        shifted = [post(number, numbers=(HrNumber(mobile(number + 100)),)) for number in range(30)]
        run = await site.hear(whole(*shifted))
        assert (run.outcome, run.held) == (RunOutcome.HELD, {Category.NUMBER_CHANGE: 30})
        assert len(site.tables) == before


async def test_a_newer_complete_feed_supersedes_the_plan_and_the_same_one_does_not() -> None:
    async with RosterSite().running() as site:
        await site.load_first(10)
        first = await site.hear(whole(*map(post, range(8))))
        again = await site.hear(whole(*map(post, range(8))))
        newer = await site.hear(whole(*map(post, range(7))))
        assert first.plan == again.plan != newer.plan
        assert first.plan is not None and newer.plan is not None
        old = (await site.desk.plan(first.plan)).row
        assert (old.status, old.superseded_by) == (PlanStatus.SUPERSEDED, newer.plan)
        assert any("missing" in line for line in old.lines)
        with pytest.raises(NotNow, match=f"plan {newer.plan}"):
            await site.desk.decide(first.plan, True, "hr", "too late")
        await site.hear(whole(*map(post, range(10))))
        assert (await site.desk.plan(newer.plan)).row.status is PlanStatus.RESOLVED


async def test_a_part_is_approved_and_the_rest_goes_on_as_a_plan_of_its_own() -> None:
    async with RosterSite().running() as site:
        await site.load_first(10)
        run = await site.hear(whole(*map(post, range(8))))
        assert run.plan is not None
        view = await site.desk.plan(run.plan)
        assert [item.category for item in view.items] == [Category.ABSENCE] * 2
        done = await site.desk.decide(run.plan, True, "hr", "has left", items=[view.items[0].id])
        (rest,) = await site.desk.plans()
        assert (done.row.status, done.row.superseded_by) == (PlanStatus.PARTLY, rest.row.id)
        assert [item.id for item in rest.items] == [view.items[1].id]
        assert (site.rings(8), site.rings(9)) == (False, True)
        assert [note.why for note in await site.desk.notes(10, "p8")] == ["has left", "looked at"]
        assert [note.why for note in await site.desk.notes(10, "p9")] == ["looked at"]


async def test_a_rejected_item_is_not_asked_again() -> None:
    async with RosterSite().running() as site:
        await site.load_first(10)
        run = await site.hear(whole(*map(post, range(9))))
        assert run.plan is not None
        done = await site.desk.decide(run.plan, False, "hr", "a filter was set")
        assert done.row.status is PlanStatus.REJECTED
        again = await site.hear(whole(*map(post, range(9))))
        assert (again.plan, site.rings(9)) == (None, True)


async def test_nobody_approves_what_came_in_since() -> None:
    async with RosterSite().running() as site:
        await site.load_first(10)
        run = await site.hear(whole(*map(post, range(9))))
        assert run.plan is not None
        shown = await site.desk.plan(run.plan)
        await site.hear(push(replace(post(0), key=PersonKey("p77"))))
        with pytest.raises(NotNow, match="other items"):
            await site.desk.decide(run.plan, True, "hr", "seen", fingerprint=shown.fingerprint)
        with pytest.raises(OrderRefused, match="nobody"):
            await site.desk.decide(run.plan, True, "hr", "seen", items=["nobody"])
        with pytest.raises(NotOurs):
            await site.desk.decide(999, True, "hr", "seen")


async def test_the_pushes_of_a_minute_are_one_run_that_counts_for_the_guard_after_a_crash() -> None:
    site = RosterSite()
    async with site.running():
        await site.load_first(30)
        for number in range(15):
            await site.desk.hear(push(post(number, numbers=(HrNumber(mobile(number + 100)),))))
        rows = await site.desk.runs(10)
        assert (rows[0].rows, rows[0].accepted[Category.NUMBER_CHANGE]) == (15, 1)
        assert len(rows) == 2  # and the first load
    site.begin()
    async with site.running():
        run = await site.hear(push(post(29, numbers=(HrNumber(mobile(129)),))))
        assert Category.NUMBER_CHANGE not in run.accepted


async def test_many_pushes_are_derived_together_and_the_last_one_counts() -> None:
    async with RosterSite().running() as site:
        await site.load_first(30)
        before = len(site.tables)
        for number in range(30):
            await site.desk.hear(push(post(number, active=False)))
        await site.settled()
        assert not any(site.rings(number) for number in range(30))
        assert 1 <= len(site.tables) - before < 15


async def test_an_import_is_published_together_with_the_roster() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, active=False)))
        more = Directory.of(
            [],
            [*site.directories.stored.directory.assignments.values()],
            site.directories.stored.directory.sites.values(),
        )
        effective = await site.desk.effective_with(more)
        assert effective.directory.assignments[did(1)].hold is not None
        stored = await site.directories.replace(site.directories.stored, more, "me", "new", NOON)
        await site.desk.rebase(stored)
        assert (site.rings(0), site.rings(1)) == (True, False)


async def test_a_rehearsal_tells_all_and_stores_nothing() -> None:
    async with RosterSite().running() as site:
        await site.load_first(4)
        commits = site.store.commits
        rehearsal = await site.desk.rehearse(whole(*map(post, (0, 1)), post(2, active=False)))
        assert (rehearsal.run.leavers, [item.person for item in rehearsal.held]) == (1, ["p3"])
        assert any(did(2) in line for line in rehearsal.lines)
        assert not any(mobile(2) in line for line in rehearsal.lines)
        assert site.store.commits == commits
        assert (await site.hear(whole(*map(post, range(4))))).outcome is RunOutcome.UNCHANGED


async def test_what_was_entered_by_hand_rings_at_once_and_outlives_feeds() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        own = (HrNumber("+447700900555"),)
        words = {"origin": Origin.HELPDESK, "who": "desk", "why": "asked for it"}
        await site.desk.enter("p0", EntryField.NUMBERS, own, **words)  # type: ignore[arg-type]
        await site.hear(whole(*map(post, range(2))))
        assert site.rung(0) & {"+447700900555", mobile(0)} == {"+447700900555"}
        await site.desk.enter("p0", EntryField.NUMBERS, None, **words)  # type: ignore[arg-type]
        assert site.rings(0)
        await site.desk.enter("p1", EntryField.LEFT_AT, NOON, **words)  # type: ignore[arg-type]
        assert not site.rings(1)
        assert all("555" not in note.what or "*" in note.what for note in await site.desk.notes(10))
        with pytest.raises(NotOurs):
            await site.desk.enter("nobody", EntryField.NUMBERS, own, **words)  # type: ignore[arg-type]
        with pytest.raises(OrderRefused, match="not in the directory"):
            await site.desk.enter("p0", EntryField.DIDS, (did(99),), **words)  # type: ignore[arg-type]


async def test_a_quarantine_is_released_by_a_person() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, active=False)))
        await site.hear(push(post(0, dids=(did(0), did(1)))))
        assert not site.rings(1, other=0)
        assert await site.desk.release_did(did(1), "desk", "nobody calls the one who left")
        assert site.rings(1, other=0)
        assert not await site.desk.release_did(did(1), "desk", "again")
        with pytest.raises(NotOurs):
            await site.desk.release_did("+441134961000", "desk", "typing")


async def test_people_are_found_by_key_did_and_name() -> None:
    async with RosterSite().running() as site:
        await site.load_first(12)
        for text in ("p11", did(11), "person 11"):
            assert [view.key for view in await site.desk.find(text)] == ["p11"]
        assert len(await site.desk.find("Person", limit=5)) == 5
        with pytest.raises(NotOurs):
            await site.desk.person("nobody")


async def test_a_plan_whose_header_could_not_be_stored_opens_after_the_restart() -> None:
    site = RosterSite()
    async with site.running():
        await site.load_first(3)
        await site.hear(whole(*map(post, range(2))))
        site.store.plan_rows.popitem()
    site.begin()
    async with site.running():
        (view,) = await site.desk.plans()
        assert [item.person for item in view.items] == ["p2"]
        await settle()


class BrokenKeeper:
    """Implements `hr_ports.KeepsNumbers`, with a fault that nobody thought of."""

    source = PAYROLL

    async def erase(self, ids: Collection[str], before: datetime) -> None:
        raise ValueError("a fault of ours")


async def test_a_fault_in_one_part_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    site = RosterSite()
    site.begin([BrokenKeeper()])
    task = asyncio.create_task(site.desk.run())
    try:
        await site.desk.load()
        await site.until(lambda: "task broke" in caplog.text)
        run = await site.desk.hear(whole(*map(post, range(2))))
        await site.desk.decide(run.plan or 0, True, "hr", "looked at")
        await site.desk.hear(push(post(1, active=False)))
        await site.until(lambda: not site.rings(1))
        assert site.rings(0)
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)


async def test_tenures_that_a_fault_kept_from_the_store_are_stored_by_the_next_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        ends_at = NOON + timedelta(seconds=60)
        await site.hear(push(post(1, ends_at=ends_at)))
        site.store.fault = ValueError("a fault of ours")
        await site.later(seconds=60)
        assert (site.rings(1), "task broke" in caplog.text) == (False, True)
        site.store.fault = None
        await site.later(seconds=60)
        assert site.store.roster.tenures[did(1)][-1].until == ends_at
