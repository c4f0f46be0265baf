"""Coverage: which DIDs end with somebody known to answer, why the others do not, and the watch that keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from ringfence.app import coverage_watch
from ringfence.app.coverage_watch import FIRST_LOOK_SECONDS, FRESH_SECONDS, LOOK_SECONDS, CoverageWatch
from ringfence.app.hr.ports import CoverageRow
from ringfence.app.paging import Before
from ringfence.app.ports import StoreError
from ringfence.domain.coverage import (
    MAX_UNCOVERED,
    Coverage,
    CoveragePolicy,
    CoverageReason,
    coverage,
    why_uncovered,
)
from ringfence.domain.directory import (
    Consent,
    DefaultNumber,
    DidAssignment,
    Directory,
    LineKind,
    NotRung,
    Person,
    PersonKey,
    Site,
)
from ringfence.domain.line_kinds import SOURCES
from ringfence.domain.numbers import Did
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import StepKind
from ringfence.domain.routing import plan_for
from ringfence.domain.team import Team
from tests.fakes.clock import NOON, FakeClock
from tests.unit.directories import DID, MOBILE, RECEPTION, SECOND_MOBILE, directories, routing_policy

TODAY = date(2030, 1, 15)
POLICY = CoveragePolicy(confirmed_days=180)
CONFIRMED = DefaultNumber(MOBILE, consent=Consent.GIVEN, confirmed_on=date(2030, 1, 2))
PREMIUM = "+448451234567"


def of(
    *numbers: DefaultNumber,
    kind: LineKind = LineKind.VOICE,
    fallback: str | None = RECEPTION,
    owned: bool = True,
    withheld: tuple[tuple[DefaultNumber, NotRung], ...] = (),
    hold: NotRung | None = None,
    deputy: tuple[DefaultNumber, ...] | None = None,
) -> Directory:
    people = [
        Person(PersonKey("ada"), "Ada", "Leeds", numbers, withheld, None if deputy is None else PersonKey("bob")),
        Person(PersonKey("bob"), "Bob", "Leeds", deputy or ()),
    ]
    assignment = DidAssignment(DID, PersonKey("ada") if owned else None, "Leeds", "uc", kind, hold=hold)
    return Directory.of(people, [assignment], [Site("Leeds", fallback)])


def team_of(*numbers: DefaultNumber, floor: int = 1, fallback: str | None = RECEPTION) -> Directory:
    """The team's line, and one member with these numbers."""
    person = Person(PersonKey("ada"), "Ada", "Leeds", numbers, team="Sales")
    line = DidAssignment(DID, None, "Leeds", "uc", team="Sales")
    return Directory.of([person], [line], [Site("Leeds", fallback)], [Team("Sales", "Leeds", floor=floor)])


def replace_did(directory: Directory, **fields: Any) -> Directory:
    line = replace(directory.assignments[DID], **fields)
    return Directory.of(directory.people.values(), [line], directory.sites.values())


def why(directory: Directory, policy: CoveragePolicy = POLICY, today: date = TODAY) -> CoverageReason | None:
    return why_uncovered(directory.assignments[DID], directory, routing_policy(), policy, today)


UNCOVERED: dict[CoverageReason, Directory] = {
    CoverageReason.VACANT: of(owned=False),
    CoverageReason.QUARANTINE: of(CONFIRMED, hold=NotRung.QUARANTINE),
    CoverageReason.CLAIMED_TWICE: of(CONFIRMED, hold=NotRung.CLAIMED_TWICE),
    CoverageReason.NOT_STARTED: of(withheld=((CONFIRMED, NotRung.NOT_STARTED),)),
    CoverageReason.LEFT: of(withheld=((CONFIRMED, NotRung.LEFT),)),
    CoverageReason.AWAY: of(withheld=((CONFIRMED, NotRung.AWAY),)),
    CoverageReason.NO_DEFAULT_NUMBER: of(),
    CoverageReason.NUMBER_REFUSED: of(replace(CONFIRMED, e164=PREMIUM)),
    CoverageReason.WOULD_LOOP: of(replace(CONFIRMED, e164=str(DID))),
    CoverageReason.TEAM_BELOW_FLOOR: team_of(CONFIRMED, floor=2, fallback=None),
    CoverageReason.CONSENT_WITHDRAWN: of(withheld=((CONFIRMED, NotRung.CONSENT_WITHDRAWN),)),
    CoverageReason.CONSENT_MISSING: of(withheld=((CONFIRMED, NotRung.CONSENT_MISSING),)),
    CoverageReason.NEVER_CONFIRMED: of(replace(CONFIRMED, confirmed_on=None)),
    CoverageReason.CONFIRMED_TOO_LONG_AGO: of(replace(CONFIRMED, confirmed_on=date(2029, 1, 1))),
    CoverageReason.NO_SITE_FALLBACK: of(CONFIRMED, kind=LineKind.LIFT, fallback=None),
    CoverageReason.SITE_FALLBACK_REFUSED: of(kind=LineKind.DOOR, fallback=PREMIUM),
}


@pytest.mark.parametrize("reason", CoverageReason)
def test_each_reason(reason: CoverageReason) -> None:
    assert why(UNCOVERED[reason]) is reason
    assert reason.sentence


COVERED: dict[str, Directory] = {
    "confirmed": of(CONFIRMED),
    "consent that nobody stated": of(replace(CONFIRMED, consent=Consent.NOT_STATED)),
    "one of two": of(DefaultNumber(SECOND_MOBILE), CONFIRMED),
    "in hours of its own": of(replace(CONFIRMED, hours=RingHours(480, 1080, "Europe/London"))),
    "the site's number is the person's own": of(replace(CONFIRMED, e164=RECEPTION)),
    "the deputy answers": of(withheld=((DefaultNumber(SECOND_MOBILE), NotRung.AWAY),), deputy=(CONFIRMED,)),
    "another number was withdrawn": of(
        CONFIRMED, withheld=((DefaultNumber(SECOND_MOBILE), NotRung.CONSENT_WITHDRAWN),)
    ),
    "a team's member answers": team_of(CONFIRMED),
    "a place takes over for the team": team_of(CONFIRMED, floor=2),
    "a fax goes to another": replace_did(of(kind=LineKind.FAX), divert_number=RECEPTION),
    "a lift goes to its site": of(kind=LineKind.LIFT, owned=False),
    "a switchboard goes to its site first": of(kind=LineKind.SWITCHBOARD, owned=False),
}


@pytest.mark.parametrize("name", COVERED)
def test_what_is_covered(name: str) -> None:
    assert why(COVERED[name]) is None


def test_a_deputy_without_a_number_covers_nobody() -> None:
    assert why(of(CONFIRMED, deputy=())) is CoverageReason.AWAY


def test_a_confirmation_counts_to_its_last_day() -> None:
    day = date(2029, 7, 19)
    directory = of(replace(CONFIRMED, confirmed_on=day))
    assert why(directory, today=day + timedelta(days=180)) is None
    assert why(directory, today=day + timedelta(days=181)) is CoverageReason.CONFIRMED_TOO_LONG_AGO


def test_consent_that_is_required_has_to_be_stated() -> None:
    strict = CoveragePolicy(180, require_consent=True)
    assert why(of(CONFIRMED), strict) is None
    assert why(of(replace(CONFIRMED, consent=Consent.NOT_STATED)), strict) is CoverageReason.CONSENT_MISSING
    # A directory that did not come through the derivation may still hold one: it never counts.
    assert why(of(replace(CONFIRMED, consent=Consent.WITHDRAWN))) is CoverageReason.CONSENT_WITHDRAWN


def test_lines_that_are_never_diverted_do_not_count() -> None:
    for kind in (LineKind.FAX, LineKind.ALARM):
        assert measured(of(kind=kind)).dids == 0
    assert measured(of(kind=LineKind.FAX)).percent == 100.0


def test_a_target_is_not_reached_by_rounding() -> None:
    assert Coverage(1000, 999, {}, ()).percent == 99.9
    assert Coverage(10_000, 9_999, {}, ()).percent == 99.9
    assert Coverage(3, 2, {}, ()).percent == 66.6


def test_the_list_is_limited_and_the_count_is_not() -> None:
    assignments = [DidAssignment(Did(f"+44113496{n:04d}"), None, "Leeds", "uc") for n in range(MAX_UNCOVERED + 7)]
    found = measured(Directory.of([], assignments, [Site("Leeds")]))
    assert (found.dids, found.covered, len(found.uncovered)) == (MAX_UNCOVERED + 7, 0, MAX_UNCOVERED)
    assert found.reasons == {CoverageReason.VACANT: MAX_UNCOVERED + 7}


@given(directories())
def test_a_covered_did_has_somebody_in_its_plan(directory: Directory) -> None:
    found = measured(directory)
    diverted = {did for did, item in directory.assignments.items() if SOURCES[item.kind] or item.divert_number}
    uncovered = {did for did, _ in found.uncovered}
    assert (found.dids, found.covered) == (len(diverted), len(diverted - uncovered))
    for did in diverted - uncovered:
        plan = plan_for(directory.assignments[did], directory, routing_policy())
        assert any(planned.step.kind is not StepKind.ANNOUNCEMENT for planned in plan.plan)


def measured(directory: Directory) -> Coverage:
    return coverage(directory, routing_policy(), POLICY, TODAY)


class FakeCoverageStore:
    """Implements `coverage_watch.CoverageStore`."""

    def __init__(self) -> None:
        self.rows: list[CoverageRow] = []
        self.fault: StoreError | None = None

    async def add_coverage(self, row: CoverageRow) -> None:
        if self.fault is not None:
            raise self.fault
        self.rows.insert(0, row)

    async def coverage(self, limit: int, before: Before | None = None) -> list[CoverageRow]:
        return self.rows[:limit]


class Watched:
    """A watch over a directory that the test changes."""

    def __init__(self, target_percent: float = 95.0) -> None:
        self.clock, self.store = FakeClock(), FakeCoverageStore()
        self.directory: Directory | None = None
        self.watch = self.again(target_percent)

    def again(self, target_percent: float = 95.0) -> CoverageWatch:
        return CoverageWatch(self.clock, lambda: self.directory, routing_policy(), self.store, target_percent, POLICY)


async def until(true: Callable[[], bool]) -> None:
    """The measuring is done in a thread."""
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


async def test_one_row_a_day_whatever_happens() -> None:
    seen = Watched()
    running = asyncio.create_task(seen.watch.run())
    await seen.clock.advance(LOOK_SECONDS)
    assert (seen.watch.latest, seen.store.rows) == (None, []), "there is no directory yet"
    seen.directory = of(CONFIRMED)
    await seen.clock.advance(LOOK_SECONDS)
    await until(lambda: len(seen.store.rows) == 1)
    seen.directory = of()
    await seen.clock.advance(FRESH_SECONDS)
    await until(lambda: seen.watch.latest is not None and seen.watch.latest.coverage.covered == 0)
    assert len(seen.store.rows) == 1, "the day has its row"
    seen.clock.step_wall(12 * 3600)
    await seen.clock.advance(LOOK_SECONDS)
    await until(lambda: len(seen.store.rows) == 2)
    running.cancel()
    assert [(row.dids, row.covered, row.reasons) for row in await seen.watch.history(10)] == [
        (1, 0, {"no_default_number": 1}),
        (1, 1, {}),
    ]


async def test_a_restart_adds_no_second_row() -> None:
    seen = Watched()
    seen.directory = of(CONFIRMED)
    seen.store.rows = [CoverageRow(datetime(2030, 1, 15, 0, 0, 1, tzinfo=UTC), 1, 1, {})]
    running = asyncio.create_task(seen.watch.run())
    await until(lambda: seen.watch.latest is not None)
    await seen.clock.advance(LOOK_SECONDS)
    running.cancel()
    assert len(seen.store.rows) == 1


async def test_it_measures_although_the_store_is_gone() -> None:
    seen = Watched()
    seen.directory = of(CONFIRMED)
    seen.store.fault = StoreError("The database does not answer.")
    with pytest.raises(StoreError):
        await seen.watch.run()
    assert seen.watch.latest is not None
    assert seen.watch.latest.coverage.percent == 100.0


async def test_whoever_asks_gets_an_answer_of_this_minute() -> None:
    seen = Watched()
    assert await seen.watch.current() is None
    seen.directory = of(CONFIRMED)
    first, at_once = await asyncio.gather(seen.watch.current(), seen.watch.current())
    assert first is at_once
    assert first is not None
    assert (first.at, first.coverage.percent, first.below) == (NOON, 100.0, False)
    seen.directory = of()
    await seen.clock.advance(FRESH_SECONDS - 1)
    assert await seen.watch.current() is first
    await seen.clock.advance(1)
    later = await seen.watch.current()
    assert later is not None
    assert (later.coverage.percent, later.below) == (0.0, True)


async def test_whoever_has_no_patience_is_told_that_there_is_no_answer_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_watch, "PATIENCE_SECONDS", 0.0)
    seen = Watched()
    seen.directory = of(CONFIRMED)
    assert await seen.watch.current(patient=False) is None
    first = await seen.watch.current()
    assert first is not None
    assert await seen.watch.current(patient=False) is first


async def test_it_is_measured_once_as_long_as_nothing_changes() -> None:
    seen = Watched()
    seen.directory = of(CONFIRMED)
    first = await seen.watch.current()
    seen.directory = of(CONFIRMED)  # as a start makes it again when HR has said the same as ever
    await seen.clock.advance(FRESH_SECONDS)
    again = await seen.watch.current()
    assert first is not None
    assert again is not None
    assert again.at > first.at, "it is true of this minute"
    assert again.coverage is first.coverage
    seen.clock.step_wall(24 * 3600)
    await seen.clock.advance(FRESH_SECONDS)
    another_day = await seen.watch.current()
    assert another_day is not None
    assert another_day.coverage is not first.coverage, "a confirmation grows old by days alone"


async def test_the_first_directory_is_measured_before_anybody_asks() -> None:
    seen = Watched()
    running = asyncio.create_task(seen.watch.run())
    await seen.clock.advance(LOOK_SECONDS / 2)
    seen.directory = of(CONFIRMED)
    await seen.clock.advance(FIRST_LOOK_SECONDS)
    await until(lambda: seen.watch.latest is not None)
    running.cancel()


async def test_each_edge_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    seen = Watched(95.0)
    for directory in (of(CONFIRMED), of(), of(DefaultNumber(MOBILE)), of(CONFIRMED)):
        seen.directory = directory
        await seen.clock.advance(FRESH_SECONDS)
        await seen.watch.current()
    assert [(record.levelname, record.getMessage()) for record in caplog.records if "coverage" in record.name] == [
        ("WARNING", "coverage is below its target"),
        ("INFO", "coverage meets its target again"),
    ]
