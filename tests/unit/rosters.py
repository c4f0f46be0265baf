"""Rosters for tests: what a source says, what is entered by hand, and what is then in force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ringfence.domain.directory import (
    DefaultNumber,
    DidAssignment,
    Directory,
    NotRung,
    Person,
    PersonKey,
    Site,
)
from ringfence.domain.hr.derivation import Effective, derive
from ringfence.domain.hr.record import HrRecord, RecordId
from ringfence.domain.hr.roster import (
    Origin,
    RecordState,
    Roster,
    RosterChange,
    RosterPolicy,
    Stated,
)
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import RingHours

ADA, BO, CY = PersonKey("ada"), PersonKey("bo"), PersonKey("cy")
ONE, TWO, ELSEWHERE = Did("+441134960101"), Did("+441134960102"), Did("+441134960999")
MOBILE = {ADA: "+447700900101", BO: "+447700900102", CY: "+447700900103"}
OTHER_MOBILE = "+447700900199"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RosterPolicy(("payroll", "ad"))
HOURS = RingHours(420, 1320, "Europe/London")
NIGHTS = RingHours(1320, 420, "Europe/London")


def imported(
    owners: dict[Did, PersonKey | None] | None = None,
    people: tuple[PersonKey, ...] = (ADA, BO),
    zone: str | None = None,
) -> Directory:
    """Ada has ONE by the import, unless another is said."""
    owners = {ONE: ADA, TWO: None} | (owners or {})
    return Directory.of(
        [Person(key, key.title(), "Leeds", (DefaultNumber(MOBILE[key]),)) for key in people],
        [DidAssignment(did, owner, "Leeds", "uc") for did, owner in owners.items()],
        [Site("Leeds", "+441134960000", time_zone=zone), Site("York")],
    )


BASE = imported()


def record(key: PersonKey = ADA, post: str = "", **fields: Any) -> HrRecord:
    return HrRecord(f"id-{key}", key, post, **fields)


def said(*records: HrRecord, source: str = "payroll", roster: Roster | None = None, held: bool = False) -> Roster:
    """A roster in which a source says so, and it is accepted."""
    roster = roster or Roster()
    for item in records:
        inactive = NOW - DAY if item.active is False else None
        state = RecordState(item, None if held else item, NOW - DAY, inactive_since=inactive)
        roster.records[RecordId(source, item.id, item.post)] = state
    return roster


def by_hand(value: Any) -> Stated[Any]:
    return Stated(value, Origin.HELPDESK, "h.help", "asked for", NOW - DAY)


def at(roster: Roster, now: datetime = NOW, base: Directory = BASE, policy: RosterPolicy = POLICY) -> Effective:
    return derive(base, roster, policy, now)


def owner(effective: Effective, did: Did = ONE) -> tuple[PersonKey | None, NotRung | None, datetime | None]:
    item = effective.directory.assignments[did]
    return item.owner, item.hold, item.hold_until


def numbers(effective: Effective, key: PersonKey = ADA) -> list[str]:
    return [number.e164 for number in effective.directory.people[key].default_numbers]


def withheld(effective: Effective, key: PersonKey = ADA) -> list[tuple[str, NotRung]]:
    return [(number.e164, why) for number, why in effective.directory.people[key].withheld]


def settled(roster: Roster, now: datetime = NOW, base: Directory = BASE) -> Roster:
    """With the tenures that follow stored, as the daemon does it."""
    roster.apply(RosterChange(tenures=at(roster, now, base).tenures))
    return roster
