"""What would have become of a call in shadow mode, by what was decided when it came in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import StoreUnavailable
from ringfence.app.shadow import LOOK_SECONDS, ShadowWatch, held_in_shadow, settled
from ringfence.domain.calls import WITHHELD, AnsweredBy, CallRecord
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.reasons import Reason
from ringfence.domain.records import ModeRecord, decode_mode, encode_mode, shadowed
from ringfence.domain.route_table import RouteTable
from ringfence.domain.shadow import NoteKind, Would, read_would, would_of
from ringfence.domain.shadow_notice import in_shadow
from ringfence.domain.verdict import Verdict, VerdictState
from tests.fakes.astdb import FakeAstDb
from tests.fakes.calls import a_call
from tests.fakes.clock import NOON, FakeClock, settle
from tests.fakes.shadow_store import FakeShadowStore
from tests.unit.test_simulation import DID, DIVERT, RULES, record

NORMAL = {"mode/uc": "1|normal|0|NORMAL|-|1700000000"}
TRIAL = {"mode/uc": "1|trial|4|TRIAL|-|1700000000"}
FAILED: dict[str, Any] = {"result": "failure", "answered_by": AnsweredBy.NOBODY, "platform_status": 503}
UC = TargetId(TargetRole.PLATFORM, "uc")


def would(table: dict[str, str], **said: Any) -> Would:
    return would_of(a_call(**{"did": DID, "decision": "shadow", "reason": "shadow"} | said), table.get, RULES)


@pytest.mark.parametrize(
    ("table", "said", "expected"),
    [
        (NORMAL | record(), {}, Would("platform", "scope-normal", AnsweredBy.PLATFORM, 0)),
        (NORMAL | record(), FAILED, Would("inline", "platform-failure", AnsweredBy.PERSON, 1)),
        (
            NORMAL | record(),
            FAILED | {"result": "undeliverable", "platform_status": 480},
            Would("undeliverable", "platform-undeliverable", AnsweredBy.SITE, 1),
        ),
        (NORMAL | record(), FAILED | {"result": "busy"}, Would("platform", "scope-normal", AnsweredBy.NOBODY, 0)),
        (DIVERT | record(), {}, Would("divert", "scope-divert", AnsweredBy.PERSON, 1)),
        (NORMAL | record(forced="divert"), {}, Would("divert", "forced-divert", AnsweredBy.PERSON, 1)),
        (DIVERT | record(forced="pinned"), FAILED, Would("platform", "forced-pinned", AnsweredBy.NOBODY, 0)),
        (DIVERT | record("a:unavailable:0"), {}, Would("divert", "scope-divert", AnsweredBy.ANNOUNCEMENT, 1)),
        (NORMAL, {"path": "transparent"}, Would("transparent", "no-record", AnsweredBy.PLATFORM, 0)),
        (NORMAL | record(), {"ringing_after_ms": 9_000}, Would("inline", "platform-slow", AnsweredBy.PERSON, 1)),
        (
            NORMAL | record(),
            {"result": "cancelled", "answered_by": AnsweredBy.NOBODY, "ringing_after_ms": None, "duration_ms": 9_000},
            Would("inline", "platform-slow", AnsweredBy.PERSON, 1),
        ),
        (
            NORMAL | record(),
            {"result": "cancelled", "answered_by": AnsweredBy.NOBODY, "ringing_after_ms": None, "duration_ms": 7_000},
            Would("platform", "scope-normal", AnsweredBy.NOBODY, 0),
        ),
        (
            NORMAL,
            {"path": "refused", "reason": "number-not-clean", "did": "", "result": "refused"},
            Would("refused", "number-not-clean", AnsweredBy.NOBODY, 0),
        ),
    ],
)
def test_what_would_have_become_of_it(table: dict[str, str], said: dict[str, Any], expected: Would) -> None:
    assert would(table, **said) == expected
    assert read_would(expected.text) == expected


def test_in_a_trial_one_call_in_four_would_have_tried_the_platform() -> None:
    found = [would(TRIAL | record(), call_id=f"node-{number}.1").diverted for number in range(400)]
    assert 60 < found.count(False) < 140
    assert would(TRIAL | record(critical=1)).diverted, "a critical DID never does"


@pytest.mark.parametrize("text", ["", "inline|x|person", "inline|x|martian|1", "inline|x|person|-1"])
def test_what_is_no_such_word_is_none(text: str) -> None:
    assert read_would(text) is None


@pytest.mark.parametrize("decision", Decision)
def test_a_mode_in_shadow_moves_no_call_and_says_what_was_decided(decision: Decision) -> None:
    one_in = 4 if decision is Decision.TRIAL else 0
    decided = ModeRecord(decision, one_in, Mode.FAILED_OVER, OverrideKind.DR, 1_700_000_000)
    held = decode_mode(shadowed(encode_mode(decided)))
    assert held == replace(decided, decision=Decision.PINNED, one_in=0, shadow=True)
    assert not decode_mode(encode_mode(decided)).shadow


async def test_asterisk_holds_the_shadow_and_the_daemon_knows_what_it_wants() -> None:
    clock, astdb = FakeClock(), FakeAstDb()
    publisher = ModePublisher(astdb, clock, held_in_shadow)
    task = asyncio.create_task(publisher.run())
    publisher.want("mode/uc", DIVERT["mode/uc"])
    publisher.want("egress/a", "1|down")
    await settle()
    assert astdb.rows == {"mode/uc": "1|pinned|0|FAILED_OVER|-|1700000000|shadow", "egress/a": "1|down"}
    assert publisher.wanted("mode/uc") == DIVERT["mode/uc"] and publisher.published("mode/uc")
    astdb.rows["mode/uc"] = DIVERT["mode/uc"]
    await clock.advance(4)
    assert astdb.rows["mode/uc"].endswith("|shadow"), "somebody else's word is put right"
    puts = len(astdb.puts)
    await clock.advance(30)
    assert len(astdb.puts) == puts, "what is held is what is wanted there"
    task.cancel()


STATES = (NoteKind.SHADOW, NoteKind.LIVE)


class Stage:
    """A watch whose decisions and verdicts a test says."""

    def __init__(self, enabled: bool = True) -> None:
        self.clock, self.store = FakeClock(), FakeShadowStore()
        self.mode = NORMAL["mode/uc"]
        self.verdict = Verdict(VerdictState.UP, Reason.ANSWERING)
        self.table: RouteTable | None = RouteTable.of(record().items())
        self.watch = ShadowWatch(
            enabled,
            self.store,
            self.clock,
            lambda: RULES,
            lambda: self.table,
            lambda key: self.mode,
            lambda: {UC: self.verdict},
            90,
        )

    def decide(self, mode: dict[str, str]) -> None:
        self.mode = mode["mode/uc"]
        self.watch.mode_put("mode/uc")

    def ended(self, lasted_seconds: float) -> CallRecord:
        """A call that ends now."""
        call = a_call(did=DID, ended_at=self.clock.now().wall, duration_ms=int(lasted_seconds * 1000), caller=WITHHELD)
        return self.watch.note(call)


async def test_it_is_what_was_decided_when_the_call_came_in() -> None:
    stage = Stage()
    stage.decide(NORMAL)
    await stage.clock.advance(60)
    stage.decide(DIVERT)
    await stage.clock.advance(60)
    assert stage.ended(30).would.startswith("divert|")
    assert stage.ended(90).would.startswith("platform|"), "it came in before the outage"
    assert stage.ended(9_000).would.startswith("platform|"), "the first there is"


async def test_live_or_without_a_table_nothing_is_noted() -> None:
    stage, live = Stage(), Stage(enabled=False)
    stage.table = None
    assert stage.ended(1).would == "" == live.ended(1).would


async def test_it_is_written_down_since_when_and_how_verdicts_went() -> None:
    stage = Stage()
    task = asyncio.create_task(stage.watch.run())
    await settle()
    stage.verdict = Verdict(VerdictState.DOWN, Reason.SILENT)
    stage.store.fault = StoreUnavailable("gone")
    await stage.clock.advance(LOOK_SECONDS)
    stage.verdict = Verdict(VerdictState.UP, Reason.ANSWERING)
    await stage.clock.advance(LOOK_SECONDS)
    stage.store.fault = None
    await stage.clock.advance(LOOK_SECONDS * 3)
    task.cancel()
    told = [(note.kind, note.word, note.at - NOON) for note in stage.store.kept]
    at = timedelta(seconds=LOOK_SECONDS)
    assert told == [
        (NoteKind.SHADOW, "", timedelta()),
        (NoteKind.SEEN, "", timedelta()),
        (NoteKind.VERDICT, "up", timedelta()),
        (NoteKind.VERDICT, "down", at),
        (NoteKind.VERDICT, "up", 2 * at),
    ]


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        ((True, True), [NoteKind.SHADOW]),
        ((False,), []),
        ((True, False, False, True), [NoteKind.SHADOW, NoteKind.LIVE, NoteKind.SHADOW]),
    ],
)
async def test_going_live_is_written_down_once(ran: tuple[bool, ...], expected: list[NoteKind]) -> None:
    store = FakeShadowStore()
    for enabled in ran:
        stage = Stage(enabled)
        stage.watch._store = store
        task = asyncio.create_task(stage.watch.run())
        await settle()
        task.cancel()
    assert [note.kind for note in store.kept if note.kind in STATES] == expected


async def test_waiting_for_a_state_has_an_end() -> None:
    clock, state = FakeClock(), ["publishing"]
    waiting = asyncio.create_task(settled(lambda: state[0], ("equal",), clock, 10.0))
    await settle()
    await clock.advance(5)
    assert not waiting.done()
    state[0] = "equal"
    await clock.advance(1)
    assert await waiting
    never = asyncio.create_task(settled(lambda: "publishing", ("equal",), clock, 10.0))
    await settle()
    await clock.advance(11)
    assert not await never


def test_notices_about_calls_are_marked_and_others_are_not() -> None:
    notice = Notice("key", NoticeKind.MODE, Severity.CRITICAL, NOON, "platform uc: DR mode", "Calls go elsewhere.")
    marked = in_shadow(notice)
    assert marked.title == "SHADOW: platform uc: DR mode"
    assert "nothing was done to calls" in marked.text and marked.text.endswith("Calls go elsewhere.")
    assert in_shadow(marked) == marked
    access = replace(notice, kind=NoticeKind.ACCESS)
    assert in_shadow(access) == access
