"""The rules of the roster, one by one: who is employed, who owns a DID, what is in quarantine, which numbers ring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ringfence.domain.directory import (
    Consent,
    Directory,
    NotRung,
    PersonKey,
)
from ringfence.domain.hr.derivation import Conflict
from ringfence.domain.hr.record import HrNumber, HrRecord
from ringfence.domain.hr.roster import (
    Away,
    NumberFacts,
    PersonEntries,
    Roster,
    RosterPolicy,
    Tenure,
)
from tests.unit.rosters import (
    ADA,
    BASE,
    BO,
    CY,
    DAY,
    ELSEWHERE,
    MOBILE,
    NOW,
    ONE,
    OTHER_MOBILE,
    POLICY,
    TWO,
    at,
    by_hand,
    imported,
    numbers,
    owner,
    record,
    said,
    settled,
    withheld,
)


def test_without_a_roster_the_import_is_in_force_as_it_is() -> None:
    effective = at(Roster())
    assert effective.directory is BASE
    assert (effective.next_change_at, dict(effective.tenures), effective.conflicts) == (None, {}, ())


def test_what_differs_in_nothing_is_the_same_object() -> None:
    effective = at(said(record(BO, name="Bo", dids=(TWO,))))
    assert effective.directory.people[ADA] is BASE.people[ADA]
    assert effective.directory.people[BO] is BASE.people[BO]
    assert effective.directory.assignments[ONE] is BASE.assignments[ONE]
    assert owner(effective, TWO) == (BO, None, None)


# --- who is employed


@pytest.mark.parametrize(
    ("zone", "begins"),
    [(None, datetime(2026, 12, 1, tzinfo=UTC)), ("Asia/Tokyo", datetime(2026, 11, 30, 15, tzinfo=UTC))],
)
def test_a_joiner_begins_at_midnight_of_the_sites_time_zone(zone: str | None, begins: datetime) -> None:
    base = imported({ONE: None}, zone=zone)
    roster = said(record(CY, dids=(ONE,), starts=date(2026, 12, 1), site="Leeds", numbers=(HrNumber(MOBILE[CY]),)))
    before = at(roster, begins - timedelta(seconds=1), base)
    assert owner(before) == (None, NotRung.NOT_STARTED, begins)
    assert withheld(before, CY) == [(MOBILE[CY], NotRung.NOT_STARTED)]
    assert before.next_change_at == begins
    after = at(roster, begins, base)
    assert owner(after) == (CY, None, None)
    assert numbers(after, CY) == [MOBILE[CY]]
    assert after.next_change_at is None


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"ends": date(2026, 11, 30)}, datetime(2026, 12, 1, tzinfo=UTC)),
        ({"ends": date(2026, 7, 31)}, datetime(2026, 7, 31, 23, tzinfo=UTC)),  # summer time
        ({"ends_at": NOW + DAY, "ends": date(2026, 12, 24)}, NOW + DAY),
        ({"active": False}, NOW - DAY),
        ({"active": True, "ends_at": NOW}, NOW),
    ],
)
def test_a_leaver_stops_at_the_end_of_the_last_day_or_at_once(fields: dict[str, Any], ends: datetime) -> None:
    roster = said(record(**fields))
    before = at(roster, ends - timedelta(seconds=1))
    assert (owner(before), numbers(before), before.next_change_at) == ((ADA, None, None), [MOBILE[ADA]], ends)
    after = at(roster, ends)
    assert owner(after) == (None, NotRung.QUARANTINE, ends + 30 * DAY)
    assert (numbers(after), withheld(after)) == ([], [(MOBILE[ADA], NotRung.LEFT)])
    assert after.next_change_at == ends + 30 * DAY
    assert owner(at(roster, ends + 30 * DAY)) == (None, None, None)


def test_days_beyond_the_calendars_edges_end_and_begin_nothing() -> None:
    base = imported(zone="Asia/Tokyo")
    for_ever = said(record(site="Leeds", starts=date.min, ends=date.max))
    assert owner(at(for_ever, base=base)) == (ADA, None, None)
    assert owner(at(said(record(starts=date.max)), base=imported(zone="America/New_York")))[1] is NotRung.NOT_STARTED


def test_of_two_posts_in_one_source_either_keeps_somebody_employed() -> None:
    first = record(post="1", starts=date(2020, 1, 1), ends=date(2026, 11, 1), name="Ada Old", dids=(ONE,))
    second = record(post="2", starts=date(2021, 1, 1), name="Ada New", dids=(TWO,))
    both = at(said(first, second), NOW - 60 * DAY)
    assert (owner(both)[0], owner(both, TWO)[0], both.directory.people[ADA].name) == (ADA, ADA, "Ada Old")
    one = at(said(first, second))
    assert owner(one) == (None, None, None), "whoever is still here can be reached: no quarantine"
    assert (owner(one, TWO)[0], one.directory.people[ADA].name) == (ADA, "Ada New")
    none = at(said(first, replace(second, ends=date(2026, 11, 20))))
    assert owner(none)[2] == datetime(2026, 12, 2, tzinfo=UTC), "thirty days from the end of the post with that DID"
    assert owner(none, TWO)[2] == datetime(2026, 12, 21, tzinfo=UTC)


def test_of_several_sources_any_ends_it_and_one_without_a_word_does_not_matter() -> None:
    roster = said(record(name="Ada"), source="payroll")
    assert owner(at(said(record(active=True), source="ad", roster=roster)))[0] == ADA
    assert owner(at(said(record(active=False), source="ad", roster=roster)))[0] is None


def test_a_source_that_the_configuration_has_lost_still_ends_somebody() -> None:
    assert owner(at(said(record(active=False), source="gone")))[0] is None


def test_a_leaving_entered_by_hand_counts_like_a_sources() -> None:
    roster = said(record(active=True))
    roster.entries[ADA] = PersonEntries(left_at=by_hand(NOW + DAY))
    assert (owner(at(roster))[0], at(roster).next_change_at) == (ADA, NOW + DAY)
    assert owner(at(roster, NOW + DAY)) == (None, NotRung.QUARANTINE, NOW + 31 * DAY)
    only_imported = Roster(entries=dict(roster.entries))
    assert owner(at(only_imported, NOW + DAY))[0] is None


def test_what_is_held_restricts_and_grants_nothing() -> None:
    ends = said(record(ends=date(2026, 11, 1), dids=(TWO,), name="Other"), held=True)
    assert owner(at(ends))[1] is NotRung.QUARANTINE
    begins = said(record(BO, starts=date(2027, 1, 1), dids=(TWO,), name="Other"), held=True)
    assert (owner(at(begins), TWO)[0], at(begins).directory.people[BO].name) == (None, "Bo")
    joiner = said(record(CY, dids=(TWO,)), held=True)
    assert (CY in at(joiner).directory.people, owner(at(joiner), TWO)) == (False, (None, None, None))
    also = said(record(post="2"), roster=said(record(post="1", ends=date(2026, 11, 1))), held=True)
    assert owner(at(also))[0] is None, "a second post that nobody has accepted keeps nobody"


def test_an_entry_alone_makes_nobody_an_employee() -> None:
    roster = Roster(entries={CY: PersonEntries(dids=by_hand((TWO,)), numbers=by_hand((HrNumber(MOBILE[CY]),)))})
    effective = at(roster)
    assert (CY in effective.directory.people, owner(effective, TWO)) == (False, (None, None, None))


# --- who owns a DID


def test_claims_are_compared_by_hand_then_source_then_import() -> None:
    roster = said(record(BO, dids=(ONE,)), source="ad")
    assert owner(at(roster)) == (BO, None, None), "a source beats the import"
    said(record(CY, dids=(ONE,)), source="payroll", roster=roster)
    assert owner(at(roster)) == (CY, None, None), "the first source beats the second"
    roster.entries[ADA] = PersonEntries(dids=by_hand((ONE,)))
    assert (owner(at(roster)), at(roster).conflicts) == ((ADA, None, None), ())
    another = RosterPolicy(("payroll", "ad"), {"dids": ("import", "ad")})
    del roster.entries[ADA]
    assert owner(at(roster, policy=another)) == (ADA, None, None)


def test_a_statement_of_no_dids_is_one() -> None:
    assert owner(at(said(record(dids=())))) == (None, None, None)
    assert owner(at(said(record(dids=None)))) == (ADA, None, None)


def test_equal_claims_leave_the_did_with_whoever_has_it() -> None:
    both = said(record(BO, dids=(TWO,)), record(CY, dids=(TWO,)))
    effective = at(both)
    assert owner(effective, TWO) == (None, NotRung.CLAIMED_TWICE, None)
    assert effective.conflicts == (Conflict(TWO, None, (BO, CY)),)
    both.tenures[TWO] = (Tenure(TWO, CY, NOW - DAY),)
    assert (owner(at(both), TWO), at(both).conflicts) == ((CY, None, None), (Conflict(TWO, CY, (BO, CY)),))
    by_import = said(record(ADA, dids=(ONE,)), record(CY, dids=(ONE,)))
    assert (owner(at(by_import)), at(by_import).conflicts[0].holder) == ((ADA, None, None), ADA)
    assert owner(at(settled(by_import)))[0] == ADA


def test_a_did_that_is_not_imported_is_reported_of_employed_people_only() -> None:
    roster = said(record(dids=(ONE, ELSEWHERE)), record(BO, dids=(ELSEWHERE,), active=False))
    assert at(roster).unknown_dids == ((ADA, ELSEWHERE),)
    assert set(at(roster).directory.assignments) == {ONE, TWO}


def test_a_new_key_takes_over_everything_under_the_old_one() -> None:
    new = PersonKey("ada.new")
    roster = said(HrRecord("id-ada", new, name="Ada Newname"))
    roster.aliases[ADA] = new
    roster.entries[ADA] = PersonEntries(numbers=by_hand((HrNumber(OTHER_MOBILE),)))
    roster.tenures[ONE] = (Tenure(ONE, ADA, NOW - 9 * DAY),)
    effective = at(roster)
    assert (owner(effective), ADA in effective.directory.people) == ((new, None, None), False)
    assert numbers(effective, new) == [OTHER_MOBILE]
    assert effective.tenures == {ONE: (Tenure(ONE, new, NOW - 9 * DAY),)}


# --- tenures and quarantine


def test_tenures_are_opened_closed_and_forgotten() -> None:
    roster = settled(said(record(dids=(ONE,))))
    assert roster.tenures == {ONE: (Tenure(ONE, ADA, NOW),)}
    assert not at(roster, NOW + DAY).tenures
    said(record(dids=(TWO,)), record(BO, dids=(ONE,)), roster=roster)
    settled(roster, NOW + DAY)
    assert roster.tenures[ONE] == (Tenure(ONE, ADA, NOW, NOW + DAY), Tenure(ONE, BO, NOW + DAY))
    assert roster.tenures[TWO] == (Tenure(TWO, ADA, NOW + DAY),)
    assert owner(at(roster, NOW + DAY)) == (BO, None, None), "after a mover there is no quarantine"
    settled(roster, NOW + 31 * DAY)
    assert roster.tenures[ONE] == (Tenure(ONE, BO, NOW + DAY),)


def test_a_tenure_ends_with_its_owners_end_however_late_that_is_seen() -> None:
    roster = settled(said(record(dids=(ONE,))), NOW - 9 * DAY)
    said(record(dids=(), ends_at=NOW - 5 * DAY), roster=roster)
    assert at(roster).tenures == {ONE: (Tenure(ONE, ADA, NOW - 9 * DAY, NOW - 5 * DAY),)}
    assert owner(at(roster)) == (None, NotRung.QUARANTINE, NOW + 25 * DAY)
    assert owner(at(settled(roster))) == (None, NotRung.QUARANTINE, NOW + 25 * DAY)


def test_a_reused_did_is_in_quarantine_also_with_a_new_owner() -> None:
    roster = said(record(dids=(ONE,), active=False), record(BO, dids=(ONE,)))
    effective = at(roster)
    assert owner(effective) == (BO, NotRung.QUARANTINE, NOW + 29 * DAY)
    assert owner(at(settled(roster), NOW + 29 * DAY)) == (BO, None, None)
    roster.releases[ONE] = NOW
    assert owner(at(roster)) == (BO, None, None), "released"
    roster.releases[ONE] = NOW - 2 * DAY
    assert owner(at(roster))[1] is NotRung.QUARANTINE, "released before, of somebody else's"
    short = replace(POLICY, quarantine=timedelta(0))
    assert owner(at(roster, policy=short)) == (BO, None, None)


def test_a_mover_who_leaves_later_quarantines_the_old_did_from_the_move() -> None:
    roster = settled(said(record(dids=(ONE,))), NOW - 9 * DAY)
    said(record(dids=(TWO,)), roster=roster)
    settled(roster, NOW - 5 * DAY)
    said(record(dids=(TWO,), active=False), roster=roster)
    assert owner(at(roster)) == (None, NotRung.QUARANTINE, NOW + 25 * DAY)
    assert owner(at(roster), TWO) == (None, NotRung.QUARANTINE, NOW + 29 * DAY)


def test_somebody_who_comes_back_is_not_kept_out_of_their_own_did() -> None:
    roster = settled(said(record(dids=(ONE,))), NOW - 9 * DAY)
    said(record(dids=(ONE,), active=False), roster=roster)
    settled(roster)
    assert owner(at(roster))[1] is NotRung.QUARANTINE
    said(record(dids=(ONE,), active=True), roster=roster)
    assert owner(at(roster, NOW + DAY)) == (ADA, None, None)


def test_somebody_who_vanished_from_import_and_sources_is_in_quarantine_too() -> None:
    roster = settled(said(record(BO)))
    without = imported({ONE: None}, people=(BO,))
    assert owner(at(roster, NOW + DAY, without)) == (None, NotRung.QUARANTINE, NOW + 31 * DAY)


def test_a_stale_import_puts_no_others_did_into_quarantine() -> None:
    roster = settled(said(record(BO, dids=(ONE,))), NOW - 9 * DAY)
    said(record(dids=None, active=False), roster=roster)
    assert owner(at(roster)) == (BO, None, None), "it was Bo's long before Ada left"


def test_somebody_who_never_began_leaves_nothing_behind() -> None:
    roster = said(record(CY, dids=(TWO,), starts=date(2027, 1, 1), active=False))
    assert owner(at(roster), TWO) == (None, None, None)


def test_a_did_that_is_no_longer_ours_remembers_who_left_it() -> None:
    roster = settled(said(record(dids=(ONE,))), NOW - 9 * DAY)
    base = Directory.of(BASE.people.values(), [BASE.assignments[TWO]], BASE.sites.values())
    settled(roster, NOW, base)
    assert roster.tenures == {ONE: (Tenure(ONE, ADA, NOW - 9 * DAY, NOW),)}
    assert at(roster, NOW + 30 * DAY, base).tenures == {ONE: ()}


def test_an_absence_by_hand_that_is_over_hides_no_present_one() -> None:
    roster = said(record(ADA, away_from=(NOW - DAY).date(), deputy=BO), record(BO))
    last_year = Away((NOW - 400 * DAY).date(), (NOW - 380 * DAY).date(), None)
    roster.entries[ADA] = PersonEntries(away=by_hand(last_year))
    assert at(roster).directory.people[ADA].deputy == BO
    to_come = Away((NOW + 5 * DAY).date(), None, None)
    roster.entries[ADA] = PersonEntries(away=by_hand(to_come))
    assert at(roster).directory.people[ADA].deputy is None


def test_required_consent_is_asked_of_those_whom_only_the_import_knows() -> None:
    policy = replace(POLICY, require_consent=True)
    assert numbers(at(Roster(), policy=policy)) == []
    assert numbers(at(said(record(BO)), policy=policy)) == []
    given = by_hand(NumberFacts(Consent.GIVEN))
    roster = Roster(entries={ADA: PersonEntries(facts={MOBILE[ADA]: given})})
    assert (numbers(at(roster, policy=policy)), numbers(at(roster, policy=policy), BO)) == ([MOBILE[ADA]], [])
