"""What people do with incidents, on stores in memory; the evidence they take along."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO, StringIO
from threading import get_ident
from zipfile import ZipFile

import pytest

from ringfence.app.incident_evidence import DidNames, safe_cell
from ringfence.app.incident_ports import CallBackTaken
from ringfence.app.incidents import Doer, IncidentDesk
from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.directory import Directory
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import Gap, GapReason, Incident
from ringfence.domain.missed_calls import CallBack, CallBackState, MissedCalls, MissedList
from ringfence.domain.notice import NoticeKind, Severity
from ringfence.domain.numbers import Did
from ringfence.domain.override import OverrideTarget
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.incident_desk import FakeIncidents
from tests.fakes.node import DID, OTHER_DID, small_directory
from tests.fakes.stores import FakeJournalStore
from tests.unit.test_incident import call as call_at

ADA, BOB = Doer("ada", "sign-in"), Doer("bob", "sign-in")
CALLER, OTHER_CALLER = "+441632960001", "+441632960002"
PRIVATE = "+447700900123"
VACANT = "+441134960777"


class Stage(FakeIncidents):
    """One incident that opened an hour ago and lasted half an hour."""

    def __init__(self) -> None:
        self.clock, self.journal = FakeClock(), FakeJournalStore()
        super().__init__(self.clock, self.journal, small_directory)
        self.opened_at = NOON - timedelta(hours=1)
        closed = NOON - timedelta(minutes=30)
        self.store.kept[1] = Incident(1, "uc", self.opened_at, closed, "silent", late=False, relapses=1)

    def call(self, seconds: float, answered_by: AnsweredBy, caller: str = CALLER, **fields: object) -> CallRecord:
        """One that came in so many seconds after the opening."""
        record = call_at(0, answered_by, caller=caller, call_id=f"1893456000.{len(self.journal.calls)}")
        record = replace(record, **fields)  # type: ignore[arg-type]
        ended = self.opened_at + timedelta(seconds=seconds, milliseconds=record.duration_ms)
        record = replace(record, ended_at=ended)
        self.journal.calls.append(record)
        return record


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_calls_belong_to_it_from_as_long_before_as_the_verdict_may_take(stage: Stage) -> None:
    for seconds in (-11, -9, 100, 1799, 1801):
        stage.call(seconds, AnsweredBy.PERSON)
    stage.call(5, AnsweredBy.PERSON, scope="legacy")
    stage.call(1790, AnsweredBy.PERSON, OTHER_CALLER, duration_ms=3_600_000)
    view = await stage.desk.view(1)
    assert (view.tally.calls, view.calls_kept) == (4, True)


async def test_a_list_is_put_together_beside_the_loop_and_anew_only_when_something_was_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    grouped = MissedList.grouped

    def seen(missed: MissedList, said: Mapping[str, CallBack]) -> tuple[MissedCalls, ...]:
        threads.append(get_ident())
        return grouped(missed, said)

    monkeypatch.setattr(MissedList, "grouped", seen)
    missed = stage.call(60, AnsweredBy.ANNOUNCEMENT)
    for _ in range(3):
        await stage.desk.view(1)
        await stage.desk.missed(1)
    assert len(threads) == 1
    line = await stage.desk.call_back(1, missed.call_id, CallBackState.CALLING, ADA)
    assert line.state is CallBackState.CALLING
    assert len(threads) == 2
    assert get_ident() not in threads


async def test_one_of_a_platform_that_was_taken_out_of_the_configuration_ends_and_says_why(stage: Stage) -> None:
    for number, scope in ((2, "gone"), (3, "uc")):
        stage.store.kept[number] = Incident(number, scope, NOON, None, "silent", late=False, relapses=0)
        stage.store.handed_over |= {(number, False)}
    await stage.desk.look()
    await stage.desk.look()
    lost, watched = await stage.desk.view(2), await stage.desk.view(3)
    assert (lost.incident.closed_at, watched.incident.closed_at) == (NOON, None)
    assert [note.text for note in lost.notes] == ["Platform gone is no longer configured: closed without a failback."]
    assert not [one for one in stage.teller.told if one.scope == "gone"], "calls do not go to that platform again"


async def test_many_who_look_at_once_read_the_journal_once(stage: Stage) -> None:
    for _ in range(5):
        await stage.desk.view(1)
        await stage.desk.missed(1)
    assert stage.store.scans == 1
    await stage.clock.advance(6)
    await stage.desk.missed(1)
    assert stage.store.scans == 2
    stage.gaps.kept[1] = Gap(1, stage.opened_at, NOON, GapReason.STOPPED, covered=True, calls=9, detail="")
    await stage.desk.missed(1)
    assert stage.store.scans == 3, "calls were completed"


async def test_calls_that_are_no_longer_kept_are_not_passed_over_in_silence(stage: Stage) -> None:
    await stage.clock.advance(91 * 86_400)
    assert (await stage.desk.view(1)).calls_kept is False


async def test_a_note_is_masked_and_recorded(stage: Stage) -> None:
    note = await stage.desk.add_note(1, f" rang {PRIVATE},\ntold them ", ADA)
    assert note.who == "ada"
    assert "900123" not in note.text
    assert note.text.startswith("rang +")
    assert note.text.endswith("123,\ntold them")
    assert [(fact.who, fact.by, fact.action) for fact in stage.store.facts] == [("ada", "sign-in", "note written")]
    assert "told" not in str(stage.store.facts)
    entries = (await stage.desk.view(1)).entries
    assert [entry.who for entry in entries if entry.kind == "note"] == ["ada"]


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001, "bell\x07", "nul\x00"])
async def test_what_is_no_note_is_refused(stage: Stage, text: str) -> None:
    with pytest.raises(OrderRefused):
        await stage.desk.add_note(1, text, ADA)
    assert stage.store.written == {}


async def test_whoever_got_through_after_the_failback_needs_no_call(stage: Stage) -> None:
    stage.call(10, AnsweredBy.ANNOUNCEMENT)
    stage.call(20, AnsweredBy.ANNOUNCEMENT, OTHER_CALLER)
    stage.call(3000, AnsweredBy.PLATFORM, scope="legacy")
    found = await stage.desk.missed(1)
    assert found.counts == {"open": 1, "calling": 0, "done": 0, "not_needed": 0, "reached_later": 1}
    assert [line.caller for line in found.lines if line.waits] == [OTHER_CALLER]


async def test_of_two_agents_the_second_is_told_who_has_it(stage: Stage) -> None:
    one = stage.call(10, AnsweredBy.ANNOUNCEMENT)
    again = stage.call(40, AnsweredBy.NOBODY, result="busy")
    line = await stage.desk.call_back(1, one.call_id, CallBackState.CALLING, ADA)
    assert (line.id, line.state) == (again.call_id, CallBackState.CALLING)
    with pytest.raises(CallBackTaken, match="ada has this one"):
        await stage.desk.call_back(1, again.call_id, CallBackState.CALLING, BOB)
    done = await stage.desk.call_back(1, one.call_id, CallBackState.DONE, ADA, f"mobile is {PRIVATE}")
    assert done.call_back is not None
    assert "900123" not in done.call_back.note
    with pytest.raises(CallBackTaken):
        await stage.desk.call_back(1, one.call_id, CallBackState.OPEN, BOB)
    line = await stage.desk.call_back(1, one.call_id, CallBackState.OPEN, BOB, take_over=True)
    assert (line.state, line.waits) == (CallBackState.OPEN, True)
    assert [fact.detail["state"] for fact in stage.store.facts] == ["calling", "done", "open"]
    assert CALLER not in str(stage.store.facts)


async def test_what_is_not_there_is_said(stage: Stage) -> None:
    with pytest.raises(NotOurs, match="no incident 2"):
        await stage.desk.view(2)
    answered = stage.call(10, AnsweredBy.PERSON)
    with pytest.raises(NotOurs, match="no such missed call"):
        await stage.desk.call_back(1, answered.call_id, CallBackState.DONE, ADA)


async def test_people_are_told_of_the_opening_and_of_the_closing_once(stage: Stage) -> None:
    stage.store.kept[2] = replace(stage.store.kept[1], id=2, closed_at=None, opened_at=NOON)
    for _ in range(3):
        await stage.desk.look()
    told = stage.teller.told
    assert [(one.kind, one.severity, one.title) for one in told] == [
        (NoticeKind.INCIDENT, Severity.CRITICAL, "uc: incident 1 opened"),
        (NoticeKind.INCIDENT, Severity.WARNING, "uc: incident 1 closed"),
        (NoticeKind.INCIDENT, Severity.CRITICAL, "uc: incident 2 opened"),
    ]
    assert "after 30 min with one relapse" in told[1].text
    assert stage.teller.ended == [told[0].key]


async def test_old_incidents_are_forgotten(stage: Stage) -> None:
    await stage.desk.look()
    await stage.clock.advance(731 * 86_400)
    await stage.desk.look()
    assert stage.store.kept == {}


async def test_a_time_that_is_unheard_at_this_moment_is_shown(stage: Stage) -> None:
    deaf = stage.clock.now()
    desk = IncidentDesk(stage.store, stage.gaps, stage.clock, stage.desk.policy, deaf_since=lambda: deaf)
    stage.store.kept[1] = replace(stage.store.kept[1], closed_at=None)
    await stage.clock.advance(100)
    (gap,) = (await desk.missed(1)).gaps
    assert (gap.began, gap.covered, gap.id) == (NOON, None, 0)


def filled(stage: Stage) -> Stage:
    """Everything that must not get out is somewhere in it."""
    stage.call(-4, AnsweredBy.PERSON, path="inline", platform_status=503, did=DID)
    stage.call(10, AnsweredBy.ANNOUNCEMENT, did=OTHER_DID)
    stage.call(20, AnsweredBy.ANNOUNCEMENT, did=VACANT, result="=2+3")
    at = stage.opened_at + timedelta(seconds=5)
    stage.store.history = [
        HistoryRow(
            at, "uc", "NORMAL", "FAILED_OVER", "silent", ("sip options: missed: <b>no answer</b>",), "ringfence", ""
        ),
        HistoryRow(at, f"did:{DID}", "-", "dr", "person_forced_dr", (), "=cmd()", f"ring {PRIVATE} & say so"),
        HistoryRow(at, str(OverrideTarget.of_dids([DID, OTHER_DID])), "-", "dr", "person_forced_dr", (), "ada", "both"),
    ]
    stage.gaps.kept[1] = Gap(1, at, at, GapReason.STOPPED, covered=False, calls=0, detail="there is no such file")
    return stage


async def unpacked(stage: Stage, *, people_masked: bool = False) -> dict[str, str]:
    pack = await stage.evidence.pack(1, ADA, people_masked=people_masked)
    with ZipFile(BytesIO(pack)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


async def test_the_evidence_says_what_was_and_names_no_caller(stage: Stage) -> None:
    files = await unpacked(filled(stage))
    assert set(files) == {"report.html", "calls.csv", "timeline.csv", "incident.json"}
    whole = "".join(files.values())
    for number in (CALLER, OTHER_CALLER, PRIVATE, CALLER[3:], PRIVATE[3:]):
        assert number not in whole, number
    document = json.loads(files["incident.json"])
    assert document["schema"] == "ringfence-incident/1"
    assert (document["calls"], document["calls_failed"], document["seconds_to_verdict"]) == (3, 1, 4.0)
    assert document["statuses"] == [{"from": "2030-01-15T10:59:00.000+00:00", "status": 503, "calls": 1}]
    assert document["calls_complete"] is False
    assert "NOT COVERED" in files["report.html"]
    rows = list(csv.DictReader(StringIO(files["calls.csv"])))
    assert rows[0]["began_local"] == "2030-01-15T10:59:56.000+00:00"
    assert [row["did"] for row in rows] == [f"'{DID}", f"'{OTHER_DID}", f"'{VACANT}"]
    assert rows[2]["result"] == "'=2+3"
    assert [fact.kind for fact in stage.exports] == ["export"]


async def test_the_evidence_can_leave_out_which_people_were_called(stage: Stage) -> None:
    files = await unpacked(filled(stage), people_masked=True)
    whole = "".join(files.values())
    assert not [did for did in (DID, OTHER_DID) if did in whole or did[3:] in whole]
    assert VACANT not in whole, "it is in no directory: it may have been somebody's"
    assert "person-1" in whole and "person-2" in whole
    assert "2 DIDs from person-" in files["timeline.csv"]
    assert stage.exports[0].detail["DIDs of people"] == "left out"


def test_a_did_of_nobody_is_named_and_labels_do_not_follow_the_numbers() -> None:
    directory = Directory.of(
        small_directory().people.values(),
        [replace(one, owner=None) if one.did == DID else one for one in small_directory().assignments.values()],
        small_directory().sites.values(),
    )
    names = DidNames(directory, 1, [DID, OTHER_DID])
    assert (names(DID), names(OTHER_DID)) == (DID, "person-1")
    many = [Did(f"+4411349601{n:02}") for n in range(50)]
    labels = DidNames(Directory(), 1, many)
    assert [labels(did) for did in many] != [f"person-{n}" for n in range(1, 51)]
    assert len({labels(did) for did in many}) == 50


async def test_the_same_incident_gives_the_same_bytes(stage: Stage) -> None:
    first = await filled(stage).evidence.pack(1, ADA, people_masked=False)
    assert first == await stage.evidence.pack(1, BOB, people_masked=False)
    before = await unpacked(stage)
    await stage.clock.advance(1000)
    after = await unpacked(stage)
    assert before["calls.csv"] == after["calls.csv"]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"report.html", "incident.json"}
    documents = [json.loads(files["incident.json"]) for files in (before, after)]
    assert documents[0] != documents[1]
    for document in documents:
        del document["generated_at"]
    assert documents[0] == documents[1]


async def test_nothing_is_given_that_cannot_be_recorded(stage: Stage) -> None:
    stage.store.fault = NotOurs("The database is away.", "")
    with pytest.raises(NotOurs):
        await stage.evidence.pack(1, ADA, people_masked=False)
    assert stage.exports == []


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [name for name, _ in attrs if name in ("src", "href") or name.startswith("on")]


async def test_the_report_needs_nothing_and_runs_nothing(stage: Stage) -> None:
    page = (await unpacked(filled(stage)))["report.html"]
    read = _Tags()
    read.feed(page)
    assert not {"script", "link", "img", "iframe", "b"} & set(read.tags)
    assert read.outside == []
    assert "&lt;b&gt;no answer&lt;/b&gt;" in page
    assert "2 reached no person." in page
    assert page.count("<table>") == page.count("<caption>")
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    assert "url(" not in page


@pytest.mark.parametrize("text", ["=1+1", "+441134960123", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("plain") == "plain"
    assert safe_cell("") == ""
