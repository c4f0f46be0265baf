"""What people are shown of one person: every origin side by side, and why a number does not ring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ringfence.domain.directory import Consent, NotRung, PersonKey
from ringfence.domain.hr.provenance import Claim, PersonView, Standing, person_view
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse, RecordId
from ringfence.domain.hr.roster import (
    Away,
    NumberFacts,
    Origin,
    PersonEntries,
    RecordState,
    Roster,
    RosterPolicy,
    Stated,
    Tenure,
)
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Omission
from tests.unit.directories import DID, MOBILE, SECOND_MOBILE, one_did

ADA = PersonKey("p1")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAID_AT = NOW - timedelta(days=3)
POLICY = RosterPolicy(("payroll", "ad"))


def shown(roster: Roster, key: PersonKey = ADA, policy: RosterPolicy = POLICY) -> PersonView:
    view = person_view(one_did(), roster, policy, key, NOW)
    assert view is not None
    return view


def said(source: str = "payroll", held: dict[str, Any] | None = None, **fields: Any) -> Roster:
    accepted = HrRecord("1", ADA, **fields)
    state = RecordState(replace(accepted, **(held or {})), accepted, SAID_AT)
    return Roster(records={RecordId(source, "1", ""): state})


def by_hand(value: Any) -> Stated[Any]:
    return Stated(value, Origin.HELPDESK, "h.help", "asked for", SAID_AT)


def test_nobody_knows_an_unknown_key() -> None:
    assert person_view(one_did(), Roster(), POLICY, PersonKey("nobody"), NOW) is None


def test_somebody_of_the_import_alone() -> None:
    view = shown(Roster())
    assert (view.name, view.standing, view.since, view.until) == ("Ada Example", Standing.UNKNOWN, None, None)
    assert view.fields["numbers"] == (Claim("+44*******123 20s", "import", in_force=True),)
    assert view.fields["dids"] == (Claim(DID, "import", in_force=True),)
    assert [(item.did, item.since, item.hold) for item in view.dids] == [(DID, None, "")]
    assert [(number.masked, number.rings, number.why_not) for number in view.numbers] == [("+44*******123", True, "")]


def test_every_origin_stands_beside_the_others() -> None:
    roster = said(numbers=(HrNumber(SECOND_MOBILE),), held={"numbers": (HrNumber("+447700900125"),), "name": "Ada New"})
    assert shown(roster).fields["numbers"] == (
        Claim("+44*******124 (private)", "payroll", SAID_AT, in_force=True),
        Claim("+44*******125 (private)", "payroll", SAID_AT, held=True),
        Claim("+44*******123 20s", "import"),
    )
    assert [(claim.value, claim.held, claim.in_force) for claim in shown(roster).fields["name"]] == [
        ("Ada New", True, False),
        ("Ada Example", False, True),
    ]
    roster.entries[ADA] = PersonEntries(numbers=by_hand(()))
    by_helpdesk, *others = shown(roster).fields["numbers"]
    assert by_helpdesk == Claim("none", "helpdesk", SAID_AT, "h.help", in_force=True)
    assert not any(claim.in_force for claim in others)


def test_what_was_entered_stands_under_what_sources_say_of_the_same() -> None:
    roster = said(ends=date(2027, 1, 1), active=True, away_from=date(2026, 1, 1))
    roster.entries[ADA] = PersonEntries(
        left_at=by_hand(NOW), away=by_hand(Away(date(2026, 12, 1), None, ADA)), on_call_until=by_hand(NOW)
    )
    fields = {name: [(c.value, c.origin, c.in_force) for c in claims] for name, claims in shown(roster).fields.items()}
    assert fields["ends_at"] == [(NOW.isoformat(), "helpdesk", True)]
    assert (fields["ends"], fields["active"]) == ([("2027-01-01", "payroll", True)], [("yes", "payroll", True)])
    assert fields["away_from"] == [("2026-12-01", "helpdesk", True), ("2026-01-01", "payroll", False)]
    assert (fields["away_until"][0], fields["deputy"][0]) == (("none", "helpdesk", True), (ADA, "helpdesk", True))
    assert fields["on_call"] == [(NOW.isoformat(), "helpdesk", True)]


def test_where_somebody_stands() -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    employed = shown(said(starts=date(2026, 1, 1), ends=date(2026, 12, 31)))
    assert (employed.standing, employed.since, employed.until) == (
        Standing.EMPLOYED,
        begun,
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert shown(said(starts=date(2026, 12, 1))).standing is Standing.NOT_STARTED
    assert shown(said(ends=date(2026, 11, 1))).standing is Standing.LEFT
    assert shown(said(away_from=date(2026, 11, 1))).standing is Standing.AWAY
    assert shown(Roster(entries={ADA: PersonEntries(left_at=by_hand(NOW))})).standing is Standing.LEFT


def test_a_joiner_who_is_held_is_shown_by_name() -> None:
    key = PersonKey("p9")
    state = RecordState(HrRecord("9", key, name="Bo Held"), None, SAID_AT)
    view = shown(Roster(records={RecordId("ad", "9", ""): state}), key)
    assert (view.name, view.standing) == ("Bo Held", Standing.UNKNOWN)
    assert view.fields["name"] == (Claim("Bo Held", "ad", SAID_AT, held=True),)


def test_why_a_number_does_not_ring() -> None:
    night = RingHours(1320, 420, "Europe/London")
    roster = said(numbers=(HrNumber(MOBILE), HrNumber(SECOND_MOBILE, NumberUse.WORK, 40)))
    withdrawn = NumberFacts(Consent.WITHDRAWN, date(2026, 11, 1), "calls in an outage")
    roster.entries[ADA] = PersonEntries(
        facts={MOBILE: by_hand(withdrawn), SECOND_MOBILE: by_hand(NumberFacts(hours=night))}
    )
    first, second = shown(roster).numbers
    assert (first.rings, first.why_not) == (False, Omission.CONSENT_WITHDRAWN.sentence)
    assert (first.consent, first.consent_on, first.purpose) == (
        withdrawn.consent,
        withdrawn.consent_on,
        withdrawn.purpose,
    )
    assert (second.hours, second.rings, second.why_not) == ("22:00-07:00", False, "it rings in its hours only")
    assert (second.use, second.ring_seconds, second.stated) == (NumberUse.WORK, 40, NumberFacts(hours=night))
    six = said(numbers=tuple(HrNumber(f"+44770090013{n}") for n in range(6)))
    assert [number.rings for number in shown(six).numbers] == [True] * 5 + [False]
    left = shown(said(ends=date(2026, 11, 1)))
    assert [(number.rings, number.why_not) for number in left.numbers] == [
        (False, Omission(NotRung.LEFT.value).sentence)
    ]


def test_a_dids_quarantine_is_told_to_its_new_owner() -> None:
    roster = said(dids=(DID,))
    roster.tenures[DID] = (
        Tenure(DID, PersonKey("gone"), SAID_AT - timedelta(days=9), SAID_AT),
        Tenure(DID, ADA, SAID_AT),
    )
    (held,) = shown(roster).dids
    assert (held.did, held.since) == (DID, SAID_AT)
    assert held.hold == f"{Omission.QUARANTINE.sentence}, until 2026-12-19 12:00 UTC"


def test_a_replaced_key_shows_the_person_and_private_numbers_are_masked() -> None:
    new = PersonKey("p1.new")
    roster = Roster(
        records={RecordId("ad", "1", ""): RecordState(HrRecord("1", new, numbers=(HrNumber(MOBILE),)), None, SAID_AT)},
        aliases={ADA: new},
    )
    view = shown(roster, ADA)
    assert (view.key, [item.did for item in view.dids]) == (new, [DID])
    assert MOBILE not in repr(view)
    assert view.numbers[0].e164 == MOBILE
