"""When an incident opens, goes on and closes; its timeline; its calls counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import (
    EntryKind,
    Gap,
    GapReason,
    Incident,
    IncidentStep,
    Note,
    Span,
    call_span,
    incident_step,
    timeline,
)
from ringfence.domain.incident_calls import CallTally, Served, bucket_seconds
from ringfence.domain.outage import TRANSITIONS, Mode
from tests.fakes.calls import a_call

OPENED = datetime(2030, 1, 15, 12, 0, tzinfo=UTC)
CLOSED = OPENED + timedelta(minutes=30)
INCIDENT = Incident(1, "uc", OPENED, CLOSED, "silent", late=False, relapses=0)
DID = "+441134960123"


def at(seconds: float) -> datetime:
    return OPENED + timedelta(seconds=seconds)


def call(
    seconds: float = 0,
    answered_by: AnsweredBy = AnsweredBy.PERSON,
    *,
    path: str = "divert",
    result: str = "answered",
    status: int | None = None,
    did: str = DID,
    caller: str = "+441632960001",
    duration_ms: int = 1_000,
    step: int = 1,
    call_id: str = "",
) -> CallRecord:
    """One that came in so many seconds after the opening."""
    ended = at(seconds) + timedelta(milliseconds=duration_ms)
    return a_call(
        call_id=call_id or f"{seconds}-{caller}-{did}",
        ended_at=ended,
        did=did,
        caller=caller,
        decision="divert",
        path=path,
        reason="scope-divert",
        step=step,
        answered_by=answered_by,
        result=result,
        platform_status=status,
        duration_ms=duration_ms,
    )


@pytest.mark.parametrize(
    ("is_open", "before", "after", "expected"),
    [
        (False, Mode.NORMAL, Mode.FAILED_OVER, IncidentStep.OPEN),
        (True, Mode.FAILED_OVER, Mode.HOLD_DOWN, IncidentStep.NOTHING),
        (True, Mode.HOLD_DOWN, Mode.FAILED_OVER, IncidentStep.RELAPSE),
        (True, Mode.TRIAL, Mode.FAILED_OVER, IncidentStep.RELAPSE),
        (True, Mode.TRIAL, Mode.NORMAL, IncidentStep.CLOSE),
        (False, Mode.FAILED_OVER, Mode.HOLD_DOWN, IncidentStep.OPEN_LATE),
        (False, None, Mode.FAILED_OVER, IncidentStep.OPEN_LATE),
        (False, Mode.TRIAL, Mode.NORMAL, IncidentStep.NOTHING),
        (False, None, Mode.NORMAL, IncidentStep.NOTHING),
        (True, None, Mode.NORMAL, IncidentStep.CLOSE),
    ],
)
def test_what_a_change_does(is_open: bool, before: Mode | None, after: Mode, expected: IncidentStep) -> None:
    assert incident_step(is_open, before, after) is expected


@given(st.data(), st.integers(1, 40))
def test_along_any_way_through_the_modes_exactly_one_is_open_outside_normal(data: st.DataObject, steps: int) -> None:
    mode, is_open = data.draw(st.sampled_from(Mode)), False
    for _ in range(steps):
        after = data.draw(st.sampled_from(sorted(set(TRANSITIONS[mode].values()))))
        step = incident_step(is_open, mode, after)
        is_open = step in (IncidentStep.OPEN, IncidentStep.OPEN_LATE) or (is_open and step is not IncidentStep.CLOSE)
        assert is_open is (after is not Mode.NORMAL)
        mode = after


def change(seconds: float, scope: str, before: str, after: str, why: str = "") -> HistoryRow:
    return HistoryRow(at(seconds), scope, before, after, "silent", ("sip options: missed: no answer",), "ada", why)


def test_the_timeline_is_in_order_and_leaves_out_what_is_another_scopes() -> None:
    changes = [
        change(60, "uc", "FAILED_OVER", "HOLD_DOWN"),
        change(0, "uc", "NORMAL", "FAILED_OVER"),
        change(20, "legacy", "NORMAL", "FAILED_OVER"),
        change(21, "scope:legacy", "-", "dr"),
        change(30, "did:+441134960123", "-", "dr", "call 07700 900123 instead"),
        change(40, "everything", "-", "freeze"),
        change(50, "uc", "NORMAL", "NORMAL"),
    ]
    gap = Gap(1, at(5), at(15), GapReason.STOPPED, covered=False, calls=0, detail="there is no such file")
    entries = timeline(INCIDENT, changes, [Note(1, at(35), "bob", "told +44 7700 900123")], [gap])
    assert [(entry.kind, (entry.at - OPENED).total_seconds()) for entry in entries] == [
        (EntryKind.OPENED, 0),
        (EntryKind.MODE, 0),
        (EntryKind.GAP, 5),
        (EntryKind.OVERRIDE, 30),
        (EntryKind.NOTE, 35),
        (EntryKind.OVERRIDE, 40),
        (EntryKind.MODE, 60),
        (EntryKind.CLOSED, 1800),
    ]
    told = str(entries)
    assert "900123" not in told and "did:+441134960123" in told
    assert "NOT COVERED, calls of this time may be missing here: there is no such file" in told


def test_an_incident_that_was_found_says_so() -> None:
    late = Incident(1, "uc", OPENED, None, "found_in_asterisk", late=True, relapses=0)
    assert "it began earlier" in timeline(late, [], [], [])[0].words
    assert call_span(late, 10, at(50)) == Span(at(-10), at(50))
    assert call_span(late, 10, at(-50)).until == OPENED, "the clock was stepped back"


def test_calls_are_counted_by_who_took_them_and_by_status() -> None:
    tally = CallTally(bucket_seconds(Span(OPENED, CLOSED)))
    for one in (
        call(-4, path="inline", status=503),
        call(-3, AnsweredBy.SITE, path="inline", status=503, did="+441134960124"),
        call(70, AnsweredBy.ANNOUNCEMENT),
        call(80, AnsweredBy.NOBODY, path="platform", result="failure", status=500, step=0),
        call(90, AnsweredBy.NOBODY, result="cancelled"),
        call(95, AnsweredBy.PLATFORM, path="trial", step=0),
    ):
        tally.add(one)
    assert (tally.calls, tally.failed, tally.plan_tried, tally.plan_in_vain) == (6, 3, 4, 2)
    assert tally.served[Served.DEFAULT_NUMBER] == tally.served[Served.RECEPTION] == tally.served[Served.PLATFORM] == 1
    assert tally.statuses == {(at(-60), 503): 2, (at(60), 500): 1}
    assert tally.seconds_to_verdict(OPENED) == 4
    assert (tally.first_failed, tally.last_failed) == (at(-4), at(80))
    assert tally.dids[DID].calls == 5
    assert CallTally(60).seconds_to_verdict(OPENED) is None


def test_a_long_incident_is_counted_in_longer_portions() -> None:
    assert [bucket_seconds(Span(OPENED, OPENED + timedelta(hours=h))) for h in (2, 3, 48, 49)] == [60, 300, 300, 3600]
