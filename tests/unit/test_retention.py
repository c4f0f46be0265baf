"""Private numbers of people who left: erased everywhere when the time is over, or at once, and not to come back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from ringfence.app.hr.ports import HrRun, RunOutcome
from ringfence.app.hr.retention import KEEP_HISTORY
from ringfence.app.hr.views import EntryField
from ringfence.app.operator import NotNow
from ringfence.domain.directory import Consent, DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import NumberFacts, Origin
from tests.fakes.clock import NOON
from tests.fakes.roster_site import ACCOUNTS, GONE, PAYROLL, RECEPTION, RosterSite, did, mobile, post, push, whole

OWN = "+447700900555"


class FakeKeeper:
    """Implements `hr_ports.KeepsNumbers`."""

    source = PAYROLL

    def __init__(self) -> None:
        self.erased: set[str] = set()

    async def erase(self, ids: Collection[str], before: datetime) -> None:
        self.erased |= set(ids)


def imported() -> Directory:
    """Two people with the numbers that HR has, too."""
    people = [
        Person(PersonKey(f"p{number}"), f"Person {number}", "Leeds", (DefaultNumber(mobile(number)),))
        for number in (0, 1)
    ]
    assignments = [DidAssignment(did(number), PersonKey(f"p{number}"), "Leeds", "uc") for number in (0, 1)]
    return Directory.of(people, assignments, [Site("Leeds", RECEPTION)])


def everything_stored(site: RosterSite) -> str:
    """Numbers in clear, wherever they are."""
    numbers = [
        number.e164
        for state in site.store.roster.records.values()
        for record in (state.said, state.accepted, state.rejected)
        if record is not None
        for number in record.numbers or ()
    ]
    for entries in site.store.roster.entries.values():
        numbers += [number.e164 for number in (entries.numbers.value if entries.numbers else ())]
        numbers += list(entries.facts)
    for person in site.directories.stored.directory.people.values():
        numbers += [number.e164 for number in person.default_numbers]
    return " ".join(numbers)


async def enter_by_hand(site: RosterSite) -> None:
    await site.desk.enter(
        "p1", EntryField.NUMBERS, (HrNumber(OWN),), origin=Origin.PERSON, who="p1", why="my new mobile"
    )
    facts = NumberFacts(consent=Consent.GIVEN)
    await site.desk.enter("p1", EntryField.FACTS, facts, origin=Origin.PERSON, who="p1", why="may ring", number=OWN)


async def test_thirty_days_after_the_end_nothing_is_left_but_that_they_left() -> None:
    site = RosterSite(imported())
    keeper = FakeKeeper()
    site.begin([keeper])
    async with site.running():
        await site.load_first(2)
        await enter_by_hand(site)
        await site.hear(push(post(1, active=False)))
        await site.much_later(days=29)
        assert mobile(1) in everything_stored(site)
        assert OWN in everything_stored(site)
        await site.much_later(days=1)
        left = everything_stored(site)
        assert mobile(1) not in left
        assert OWN not in left
        assert mobile(0) in left
        assert site.store.wipes == 2  # and after the start
        assert keeper.erased == {"1"}
        assert (site.rings(0), site.rings(1)) == (True, False)
        assert [note.what for note in await site.desk.notes(1)] == ["private numbers erased"]


async def test_a_feed_that_still_lists_them_is_read_without_them() -> None:
    async with RosterSite(imported()).running() as site:
        await site.load_first(2)
        gone = post(1, active=False)
        await site.hear(push(gone))
        await site.much_later(days=31)
        run = await site.hear(whole(post(0), gone))
        assert run.outcome is RunOutcome.UNCHANGED
        await site.hear(whole(post(0), replace(gone, name="Another Name")))
        await site.hear(whole(post(0), post(1, ends_at=NOON), source=ACCOUNTS))
        assert mobile(1) not in everything_stored(site)


async def test_who_comes_back_brings_their_numbers() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, active=False)))
        await site.much_later(days=31)
        run: HrRun = await site.hear(push(post(1)))
        if run.plan is not None:
            await site.approve(run.plan)
        assert site.rings(1)


async def test_somebody_whose_return_is_held_keeps_them() -> None:
    async with RosterSite().running() as site:
        await site.load_first(30)
        await site.hear(whole(*(post(number, active=False) for number in range(30))))
        run = await site.hear(whole(*map(post, range(30))))
        await site.much_later(days=31)
        assert mobile(29) in everything_stored(site)
        await site.approve(run.plan)
        assert site.rings(29)


async def test_forgotten_at_once_and_for_good() -> None:
    async with RosterSite(imported()).running() as site:
        await site.load_first(2)
        await enter_by_hand(site)
        with pytest.raises(NotNow, match="has not left"):
            await site.desk.forget("p1", "dpo", "asked to")
        await site.hear(push(post(1, active=False)))
        await site.desk.forget("p1", "dpo", "asked to")
        assert (mobile(1) in everything_stored(site), OWN in everything_stored(site)) == (False, False)
        await site.hear(whole(post(0), post(1, active=False)))
        assert mobile(1) not in everything_stored(site)
        assert [(note.who, note.why) for note in await site.desk.notes(1, "p1")] == [("dpo", "asked to")]
        assert site.store.wipes == 2  # and after the start


async def test_a_forgotten_person_stays_forgotten_after_a_restart() -> None:
    site = RosterSite()
    async with site.running():
        await site.load_first(2)
        await site.hear(push(post(1, active=False)))
        await site.desk.forget("p1", "dpo", "asked to")
    site.begin()
    async with site.running():
        await site.hear(whole(post(0), post(1, active=False)))
        assert mobile(1) not in everything_stored(site)


async def test_what_could_not_be_erased_is_erased_when_the_database_is_back(caplog: pytest.LogCaptureFixture) -> None:
    async with RosterSite(imported()).running() as site:
        await site.load_first(2)
        await site.hear(push(post(1, active=False)))
        site.store.fault = GONE
        site.clock.step_wall(timedelta(days=31).total_seconds())
        await site.later(hours=1, seconds=1)
        await site.until(lambda: "cannot be erased yet" in caplog.text)
        for _ in range(3):
            await site.later(minutes=1)
        assert caplog.text.count("cannot be erased yet") == 1
        prunes, site.store.fault = site.store.prunes, None
        await site.later(minutes=2)
        await site.until(lambda: site.store.prunes > prunes)
        assert mobile(1) not in everything_stored(site)
        assert site.store.wipes == 2  # and after the start


async def test_the_history_is_pruned() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        assert await site.desk.runs(1)
        await site.much_later(days=KEEP_HISTORY / timedelta(days=1) + 1)
        assert await site.desk.runs(1) == []


async def test_the_time_counts_from_when_the_end_was_first_known() -> None:
    """A feed that states wrong days long past has nothing erased before anybody could look."""
    async with RosterSite(imported()).running() as site:
        await site.load_first(2)
        await enter_by_hand(site)
        await site.hear(push(post(1, ends=date(1980, 1, 1))))
        await site.much_later(days=29)
        await site.hear(push(post(1, ends=date(1980, 1, 1), department="Sales")))
        assert not site.rings(1)
        assert (mobile(1) in everything_stored(site), OWN in everything_stored(site)) == (True, True)
        await site.much_later(days=31)
        assert (mobile(1) in everything_stored(site), OWN in everything_stored(site)) == (False, False)


async def test_a_leaving_entered_late_counts_from_its_entry() -> None:
    async with RosterSite(imported()).running() as site:
        await site.load_first(2)
        left = NOON - timedelta(days=60)
        await site.desk.enter("p1", EntryField.LEFT_AT, left, origin=Origin.HELPDESK, who="h.help", why="told late")
        await site.much_later(days=1)
        assert mobile(1) in everything_stored(site)
        await site.much_later(days=30)
        assert mobile(1) not in everything_stored(site)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_what_lies_under_an_old_key_is_erased_too(by_hand: bool) -> None:
    """The import and another source go on with the key that was corrected."""
    keeper = FakeKeeper()
    site = RosterSite(imported())
    site.begin([keeper])
    async with site.running():
        await site.load_first(2)
        await site.load_first(2, ACCOUNTS)
        await enter_by_hand(site)
        run = await site.hear(whole(post(0), replace(post(1), key=PersonKey("q1"))))
        await site.approve(run.plan)
        await site.hear(push(replace(post(1, active=False), key=PersonKey("q1"))))
        if by_hand:
            await site.desk.forget("q1", "dpo", "asked to")
        else:
            await site.much_later(days=31)
        assert (mobile(1) in everything_stored(site), OWN in everything_stored(site)) == (False, False)
        assert keeper.erased == {"1"}
        await site.hear(push(post(1), source=ACCOUNTS))
        assert mobile(1) not in everything_stored(site)


async def test_nobody_is_forgotten_before_they_started() -> None:
    """Their feed would bring the numbers back, and without the consent that was withdrawn."""
    async with RosterSite().running() as site:
        await site.load_first(30)
        await site.hear(push(post(31, starts=(NOON + timedelta(days=5)).date())))
        with pytest.raises(NotNow, match="has not started yet"):
            await site.desk.forget("p31", "dpo", "asked to")
        assert mobile(31) in everything_stored(site)
