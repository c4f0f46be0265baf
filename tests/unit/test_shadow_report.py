"""The report of a time in shadow mode: its sums, its outages, and what it wants mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ringfence.app.shadow_report import ShadowDesk, ShadowReport
from ringfence.app.snapshot import LinkView, Snapshot, TableView
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.shadow import NoteKind, ShadowNote
from ringfence.domain.shadow_report import outages_of, spans_of, verdict_times
from tests.fakes.calls import a_call
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doors import http_door
from tests.fakes.node import FakeNode
from tests.fakes.shadow_store import FakeShadowStore
from tests.fakes.stores import FakeOutageStore
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

FAILED: dict[str, Any] = {"result": "failure", "answered_by": AnsweredBy.NOBODY}


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def moved(minutes: float, before: str, after: str, scope: str = "uc") -> HistoryRow:
    return HistoryRow(ago(minutes), scope, before, after, "silent", ("our probe: no answer",), "", "")


class _History(FakeOutageStore):
    """Gives these rows, newest first, whatever is asked for."""

    def __init__(self, rows: list[HistoryRow]) -> None:
        super().__init__()
        self.rows = rows

    async def history(self, limit: int, before: object = None, scope: str | None = None) -> list[HistoryRow]:
        return self.rows if before is None else []


def call(number: int, minutes: float, would: str, **said: Any) -> CallRecord:
    usual = {"call_id": f"node-{number}.1", "ended_at": ago(minutes), "decision": "shadow", "would": would}
    return a_call(**usual | said)


def seen(first: float, last: float) -> list[ShadowNote]:
    """That the daemon ran, from so many minutes ago to so many."""
    return [ShadowNote(ago(minutes), NoteKind.SEEN) for minutes in range(int(first), int(last) - 1, -10)]


def in_order(*notes: ShadowNote) -> list[ShadowNote]:
    return sorted(notes, key=lambda note: note.at)


async def report(
    calls: list[CallRecord],
    notes: list[ShadowNote] | None = None,
    rows: list[HistoryRow] | None = None,
    trunks: tuple[str, ...] = ("carrier",),
) -> ShadowReport:
    clock, store = FakeClock(), FakeShadowStore()
    store.journal.calls = calls
    store.kept = notes if notes is not None else [ShadowNote(ago(8 * 1440), NoteKind.SHADOW), *seen(8 * 1440, 0)]
    now = clock.now()
    snapshot = Snapshot("node", now, now, asterisk=LinkView(True, ""), store=LinkView(True, ""))
    well = replace(snapshot, table=TableView("equal"), shadow=True)
    desk = ShadowDesk(True, store, _History(rows or []), clock, lambda: well, trunks)
    return await desk.report(timedelta(days=7))


async def test_a_week_without_a_fault_is_ready() -> None:
    found = await report([call(1, 5, "platform|scope-normal|platform|0")])
    assert found.ready and found.seconds == 7 * 86_400
    assert (found.calls.calls, found.calls.diverted) == (1, 0)


async def test_an_outage_with_its_calls() -> None:
    divert = "divert|scope-divert|person|1"
    calls = [
        call(1, 50, "inline|platform-failure|person|1", **FAILED),
        *(call(number, 40, divert, **FAILED) for number in range(2, 5)),
        call(5, 40, "divert|scope-divert|announcement|1", did="+441134960777", **FAILED),
        call(6, 39, divert, duration_ms=90_300),
        call(7, 5, "platform|scope-normal|platform|0"),
        call(8, 5, "", decision="normal"),
        call(9, 5, ""),
    ]
    rows = [moved(10, "TRIAL", "NORMAL"), moved(15, "HOLD_DOWN", "TRIAL"), moved(45, "NORMAL", "FAILED_OVER")]
    found = await report(calls, rows=rows)
    (outage,) = found.outages
    assert (outage.began, outage.ended, outage.evidence) == (ago(45), ago(10), ("our probe: no answer",))
    assert (outage.calls, outage.answered, outage.failed, outage.perhaps_false) == (5, 1, 4, False)
    tally = found.calls
    assert (tally.calls, tally.not_judged, tally.failed, tally.diverted, tally.saved) == (7, 1, 5, 6, 4)
    assert (tally.outward, tally.outward_talked, tally.outward_seconds) == (5, 1, 90.0)
    assert tally.by_step == {"person": 5, "announcement": 1}
    assert tally.by_reason == {"platform-failure": 1, "scope-divert": 5}
    assert sum(tally.by_hour.values()) == 6
    assert tally.to_nobody == {"+441134960777": 1}


def _texts(found: ShadowReport) -> list[str]:
    return [f"{check.words} {check.fix}" for check in found.checks if not check.ok]


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (
            [call(1, 5, "transparent|no-record|platform|0", did="+441134960888", path="transparent")],
            "+441134960888 (1)",
        ),
        ([call(1, 5, "refused|number-not-clean|nobody|0", path="refused", did="")], "could not be read: 1 by carrier"),
        ([call(1, 5, "inline|platform-slow|person|1")], "rang later than no_progress_seconds"),
        ([call(1, 5, "inline|platform-failure|announcement|1", **FAILED)], "heard an announcement"),
        ([], "no call came by carrier"),
    ],
)
async def test_what_is_to_be_mended_is_named(calls: list[CallRecord], said: str) -> None:
    found = await report(calls)
    (text,) = _texts(found)
    assert said in text and not found.ready


async def test_a_divert_while_the_platform_answered_may_be_a_false_alarm() -> None:
    divert = "divert|scope-divert|person|1"
    rows = [moved(10, "TRIAL", "NORMAL"), moved(45, "NORMAL", "FAILED_OVER")]
    found = await report([call(1, 40, divert), call(2, 40, divert, **FAILED)], rows=rows)
    assert found.outages[0].perhaps_false
    assert any("1 of 1 outages may be false alarms" in text for text in _texts(found))


async def test_a_verdict_unknown_for_long_and_a_short_time_are_told() -> None:
    notes = [
        ShadowNote(ago(600), NoteKind.SHADOW),
        ShadowNote(ago(600), NoteKind.VERDICT, "uc", "unknown", "silent"),
        ShadowNote(ago(540), NoteKind.VERDICT, "uc", "up", "answering"),
    ]
    found = await report([call(1, 5, "platform|scope-normal|platform|0")], in_order(*notes, *seen(600, 0)))
    unknown, short = _texts(found)
    assert "unknown on uc for 60 min" in unknown and "ran for 10 h" in short
    assert found.verdicts[("uc", "unknown")].seconds == 3_600


def test_live_times_are_no_part_of_it() -> None:
    notes = [
        ShadowNote(ago(100), NoteKind.VERDICT, "uc", "down", "silent"),
        ShadowNote(ago(90), NoteKind.SHADOW),
        ShadowNote(ago(80), NoteKind.SHADOW),
        ShadowNote(ago(60), NoteKind.LIVE),
        ShadowNote(ago(30), NoteKind.SHADOW),
        *seen(20, 10),
    ]
    spans = spans_of(notes, ago(70), NOON)
    assert spans == [(ago(70), ago(60)), (ago(30), NOON)]
    assert verdict_times(notes, spans, NOON)[("uc", "down")].seconds == 40 * 60
    rows = [moved(65, "NORMAL", "FAILED_OVER"), moved(50, "NORMAL", "FAILED_OVER", "pbx")]
    assert [outage.scope for outage in outages_of(rows, spans)] == ["uc"], "the other one was declared live"


def test_a_time_in_which_the_daemon_did_not_run_is_no_part_of_it() -> None:
    """A killed daemon's last verdict would else have stood for days, and the week would be full."""
    notes = in_order(
        ShadowNote(ago(600), NoteKind.SHADOW),
        ShadowNote(ago(600), NoteKind.VERDICT, "uc", "up", "answering"),
        *seen(600, 500),
        ShadowNote(ago(100), NoteKind.VERDICT, "uc", "unknown", "silent"),
        *seen(100, 60),
    )
    spans = spans_of(notes, ago(1_000), NOON)
    assert spans == [(ago(600), ago(500)), (ago(100), ago(60))]
    times = verdict_times(notes, spans, NOON)
    assert {word: time.seconds / 60 for (_, word), time in times.items()} == {"up": 100, "unknown": 40}
    gone_live = [*notes, ShadowNote(ago(5), NoteKind.LIVE)]
    assert spans_of(gone_live, ago(1_000), NOON) == spans


async def test_over_http_a_time_that_is_none_is_refused() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        assert (await client.get("/v1/shadow?since=7d")).json()["calls"]["calls"] == 0
        for wrong in ("week", "0d", "400d"):
            answer = await client.get("/v1/shadow", params={"since": wrong})
            assert answer.status_code == 422 and "since" in answer.text


def _in_shadow(node: FakeNode) -> None:
    node.holder.swap(replace(node.holder.current, shadow=True))


def test_the_command_line_says_that_nothing_is_done(served: ServedNode) -> None:
    assert "SHADOW" not in ringfence(served, "status").output
    served.call(_in_shadow)
    ordered = ringfence(served, "dr", "on", "--scope", "uc", "--reason", "a drill")
    assert "SHADOW: nothing was done to calls" in ordered.stderr, ordered.output
    assert "SHADOW MODE: nothing is done to calls" in ringfence(served, "status").stdout
    assert "SHADOW" in ringfence(served, "simulate", "0113 496 0123").stdout
    assert "SHADOW: nothing is done to calls; live: calls go to default" in ringfence(
        served, "explain", "0113 496 0123"
    ).stdout.replace("\n", " ")
    found = ringfence(served, "shadow", "report", "--check")
    assert found.exit_code == 4, found.output
    assert "Ready to go live?" in found.stdout and "MEND  no call came by carrier" in found.stdout
    assert told(ringfence(served, "shadow", "report", "--json"))["ready"] is False
    assert ringfence(served, "shadow", "report", "--since", "a week").exit_code == 2
