"""Which default numbers ring: whose word counts, consent, hours, absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ringfence.domain.directory import (
    Consent,
    DefaultNumber,
    NotRung,
)
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse
from ringfence.domain.hr.roster import (
    Away,
    NumberFacts,
    Origin,
    PersonEntries,
    Roster,
    RosterPolicy,
    Today,
)
from ringfence.domain.ring_hours import RingHours
from tests.unit.rosters import (
    ADA,
    BASE,
    BO,
    CY,
    DAY,
    HOURS,
    MOBILE,
    NIGHTS,
    NOW,
    OTHER_MOBILE,
    POLICY,
    at,
    by_hand,
    imported,
    numbers,
    owner,
    record,
    said,
    withheld,
)


def test_numbers_come_from_the_first_that_states_any() -> None:
    roster = said(record(numbers=()), source="ad")
    assert numbers(at(roster)) == [], "an empty statement counts"
    said(record(numbers=(HrNumber(OTHER_MOBILE, ring_seconds=30),)), source="payroll", roster=roster)
    assert at(roster).directory.people[ADA].default_numbers == (DefaultNumber(OTHER_MOBILE, 30),)
    roster.entries[ADA] = PersonEntries(numbers=by_hand((HrNumber(MOBILE[CY]),)))
    assert numbers(at(roster)) == [MOBILE[CY]]
    by_ad = RosterPolicy(("payroll", "ad"), {"numbers": ("ad",)})
    del roster.entries[ADA]
    assert numbers(at(roster, policy=by_ad)) == []


def test_five_numbers_at_most_each_once_and_within_the_bounds() -> None:
    many = tuple(HrNumber(f"+4477009001{n:02}", ring_seconds=500) for n in (1, 1, 2, 3, 4, 5, 6))
    effective = at(said(record(numbers=many)))
    assert [number[-1] for number in numbers(effective)] == ["1", "2", "3", "4", "5"]
    assert effective.directory.people[ADA].default_numbers[0].ring_seconds == 120


@pytest.mark.parametrize(
    ("consent", "required", "why"),
    [
        (Consent.NOT_STATED, False, None),
        (Consent.NOT_STATED, True, NotRung.CONSENT_MISSING),
        (Consent.GIVEN, True, None),
        (Consent.WITHDRAWN, False, NotRung.CONSENT_WITHDRAWN),
        (Consent.WITHDRAWN, True, NotRung.CONSENT_WITHDRAWN),
    ],
)
def test_consent_counts_for_a_number_whoever_stated_it(consent: Consent, required: bool, why: NotRung | None) -> None:
    roster = Roster(entries={ADA: PersonEntries(facts={MOBILE[ADA]: by_hand(NumberFacts(consent))})})
    effective = at(roster, policy=replace(POLICY, require_consent=required))
    assert numbers(effective) == ([MOBILE[ADA]] if why is None else [])
    assert withheld(effective) == ([] if why is None else [(MOBILE[ADA], why)])


@pytest.mark.parametrize(
    ("use", "own", "on_call", "expected"),
    [
        (NumberUse.PRIVATE, None, False, HOURS),
        (NumberUse.PRIVATE, NIGHTS, False, NIGHTS),
        (NumberUse.PRIVATE, NIGHTS, True, None),
        (NumberUse.PRIVATE, None, True, None),
        (NumberUse.WORK, None, False, None),
        (NumberUse.WORK, NIGHTS, True, NIGHTS),
    ],
)
def test_private_numbers_ring_in_hours(
    use: NumberUse, own: RingHours | None, on_call: bool, expected: RingHours | None
) -> None:
    roster = said(record(numbers=(HrNumber(OTHER_MOBILE, use),), on_call=on_call))
    if own is not None:
        facts = NumberFacts(hours=own, confirmed_on=date(2026, 11, 1))
        roster.entries[ADA] = PersonEntries(facts={OTHER_MOBILE: by_hand(facts)})
    (number,) = at(roster, policy=replace(POLICY, private_hours=HOURS)).directory.people[ADA].default_numbers
    assert number.hours == expected
    assert number.confirmed_on == (date(2026, 11, 1) if own else None)


def test_the_configurations_hours_are_meant_at_the_persons_site_and_not_for_the_import() -> None:
    policy = replace(POLICY, private_hours=HOURS)
    tokyo = imported(zone="Asia/Tokyo")
    (number,) = (
        at(said(record(numbers=(HrNumber(OTHER_MOBILE),))), base=tokyo, policy=policy)
        .directory.people[ADA]
        .default_numbers
    )
    assert number.hours == replace(HOURS, zone="Asia/Tokyo")
    assert at(said(record()), policy=policy).directory.people[ADA] is BASE.people[ADA]


def test_on_call_by_hand_passes() -> None:
    roster = said(record(numbers=(HrNumber(OTHER_MOBILE),)))
    roster.entries[ADA] = PersonEntries(on_call_until=by_hand(NOW + DAY))
    policy = replace(POLICY, private_hours=HOURS)
    during, after = (at(roster, moment, policy=policy) for moment in (NOW, NOW + DAY))
    assert (during.directory.people[ADA].default_numbers[0].hours, during.next_change_at) == (None, NOW + DAY)
    assert (after.directory.people[ADA].default_numbers[0].hours, after.next_change_at) == (HOURS, None)


def test_during_a_long_absence_the_deputy_is_rung() -> None:
    roster = said(record(away_from=date(2026, 11, 1), away_until=date(2026, 11, 30), deputy=BO))
    during = at(roster)
    assert (owner(during)[0], numbers(during), withheld(during)) == (ADA, [], [(MOBILE[ADA], NotRung.AWAY)])
    assert during.directory.people[ADA].deputy == BO
    assert during.next_change_at == datetime(2026, 12, 1, tzinfo=UTC)
    back = at(roster, datetime(2026, 12, 1, tzinfo=UTC))
    assert (numbers(back), back.directory.people[ADA].deputy) == ([MOBILE[ADA]], None)
    before = at(roster, datetime(2026, 10, 31, tzinfo=UTC))
    assert (numbers(before), before.next_change_at) == ([MOBILE[ADA]], datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "deputys",
    [record(BO, active=False), record(BO, starts=date(2027, 1, 1)), record(BO, away_until=date(2027, 1, 1))],
)
def test_a_deputy_who_is_not_there_is_not_rung(deputys: HrRecord) -> None:
    roster = said(record(away_until=date(2026, 12, 31), deputy=BO), deputys)
    assert at(roster).directory.people[ADA].deputy is None
    nobody = said(record(away_until=date(2026, 12, 31), deputy=CY))
    assert at(nobody).directory.people[ADA].deputy is None
    own = said(record(away_until=date(2026, 12, 31), deputy=ADA))
    assert at(own).directory.people[ADA].deputy is None


def test_an_absence_entered_by_hand_counts_instead() -> None:
    roster = said(record(away_from=date(2026, 11, 1), deputy=CY), record(CY))
    roster.entries[ADA] = PersonEntries(away=by_hand(Away(date(2026, 11, 1), None, BO)))
    assert at(roster).directory.people[ADA].deputy == BO
    roster.entries[ADA] = PersonEntries(away=by_hand(Away(date(2026, 12, 1), None, BO)))
    assert numbers(at(roster)) == [MOBILE[ADA]]


def test_what_was_entered_stays_through_leaving_and_coming_back() -> None:
    roster = said(record(active=False))
    roster.entries[ADA] = PersonEntries(numbers=by_hand((HrNumber(OTHER_MOBILE),)))
    assert (numbers(at(roster)), withheld(at(roster))) == ([], [(OTHER_MOBILE, NotRung.LEFT)])
    said(record(active=True), roster=roster)
    assert numbers(at(roster)) == [OTHER_MOBILE]


def test_a_site_that_is_none_of_ours_is_kept_as_it_is_called() -> None:
    person = at(said(record(site="Atlantis"), record(CY))).directory.people
    assert (person[ADA].site, person[CY].site, person[CY].name) == ("Atlantis", "", "cy")


def test_where_somebody_is_today_rings_first_until_its_end() -> None:
    usual = HrNumber(MOBILE[CY])
    here = Today(HrNumber(OTHER_MOBILE, ring_seconds=40), NOW + DAY)
    roster = said(record(numbers=(usual,)))
    roster.entries[ADA] = PersonEntries(today=by_hand(here))
    effective = at(roster)
    assert numbers(effective) == [OTHER_MOBILE, MOBILE[CY]]
    assert effective.next_change_at == here.until
    assert numbers(at(roster, here.until)) == [MOBILE[CY]]
    both = Today(usual, NOW + DAY)
    roster.entries[ADA] = PersonEntries(today=by_hand(both))
    assert numbers(at(roster)) == [MOBILE[CY]], "a number rings once"


def test_whoever_says_where_they_are_consents_to_be_called_there_unless_they_withdrew_it() -> None:
    strict = replace(POLICY, require_consent=True)
    roster = said(record(numbers=()))
    here = Today(HrNumber(OTHER_MOBILE), NOW + DAY)
    roster.entries[ADA] = PersonEntries(today=by_hand(here))
    assert numbers(at(roster, policy=strict)) == [], "the helpdesk's word is no consent"
    own = replace(by_hand(here), origin=Origin.PERSON)
    roster.entries[ADA] = PersonEntries(today=own)
    assert numbers(at(roster, policy=strict)) == [OTHER_MOBILE]
    withdrawn = {OTHER_MOBILE: by_hand(NumberFacts(Consent.WITHDRAWN))}
    roster.entries[ADA] = PersonEntries(today=own, facts=withdrawn)
    assert numbers(at(roster)) == []


def test_what_the_import_says_of_pressing_1_holds_whoever_states_the_number() -> None:
    ada = replace(BASE.people[ADA], default_numbers=(DefaultNumber(MOBILE[ADA], press_one=False),))
    base = replace(BASE, people={**BASE.people, ADA: ada})
    for roster in (
        Roster(),
        said(record(numbers=(HrNumber(MOBILE[ADA]), HrNumber(OTHER_MOBILE)))),
        Roster(entries={ADA: PersonEntries(numbers=by_hand((HrNumber(OTHER_MOBILE), HrNumber(MOBILE[ADA]))))}),
    ):
        asked = {n.e164: n.press_one for n in at(roster, base=base).directory.people[ADA].default_numbers}
        assert asked.pop(MOBILE[ADA]) is False
        assert set(asked.values()) <= {None}


def test_what_is_entered_of_pressing_1_beats_the_import_and_can_be_given_back() -> None:
    ada = replace(BASE.people[ADA], default_numbers=(DefaultNumber(MOBILE[ADA], press_one=False),))
    base = replace(BASE, people={**BASE.people, ADA: ada})
    for entered, rung in ((True, True), (False, False), (None, False)):
        facts = {MOBILE[ADA]: by_hand(NumberFacts(press_one=entered))}
        roster = Roster(entries={ADA: PersonEntries(facts=facts)})
        (number,) = at(roster, base=base).directory.people[ADA].default_numbers
        assert number.press_one is rung
    roster = said(record(numbers=(HrNumber(OTHER_MOBILE),)))
    roster.entries[ADA] = PersonEntries(facts={OTHER_MOBILE: by_hand(NumberFacts(press_one=True))})
    assert [n.press_one for n in at(roster).directory.people[ADA].default_numbers] == [True], "without an import, too"
