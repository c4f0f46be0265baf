"""Alarms: told when they stand, told when they end, across a restart; and the heartbeat that stops with us."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ringfence.app.notify.alarms import Alarm, AlarmWatch, alarms_of
from ringfence.app.notify.heartbeat import Heartbeat
from ringfence.app.notify.ports import ChannelUnavailable, StandingAlarm, Untold
from ringfence.app.notify.words import notice_of
from ringfence.app.ports import StoreUnavailable
from ringfence.app.snapshot import LinkView, Snapshot, TableView, TargetView
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Verdict, VerdictState
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.stores import Faulty


class Told:
    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.ended: list[str] = []

    async def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    async def over(self, key: str) -> None:
        self.ended.append(key)


class FakeAlarmStore(Faulty):
    """Implements `notify.ports.AlarmStore`."""

    def __init__(self) -> None:
        self.rows: dict[str, StandingAlarm] = {}

    async def standing(self) -> list[StandingAlarm]:
        self._answer()
        return list(self.rows.values())

    async def begins(self, alarm: StandingAlarm) -> None:
        self._answer()
        self.rows[alarm.name] = alarm

    async def ends(self, name: str) -> None:
        self._answer()
        self.rows.pop(name, None)


class Watched:
    def __init__(self, clock: FakeClock, store: FakeAlarmStore) -> None:
        self.clock, self.told, self.there = clock, Told(), list[Alarm]()
        self.watch = AlarmWatch(lambda: self.there, self.told, store, clock)

    async def run_for(self, seconds: float) -> None:
        for _ in range(int(seconds / 5)):
            await self.watch._recall()
            await self.watch.look()
            await self.clock.advance(5)


TRUNK = Alarm("trunk carrier", "trunk carrier is down", "Ask the carrier.", Severity.CRITICAL)


async def test_an_alarm_is_told_once_it_has_stood_for_a_minute_and_when_it_has_been_gone_for_one() -> None:
    here = Watched(FakeClock(), FakeAlarmStore())
    here.there = [TRUNK]
    await here.run_for(55)
    assert here.told.notices == []
    await here.run_for(600)
    (begun,) = here.told.notices
    assert (begun.severity, begun.at) == (Severity.CRITICAL, NOON)
    assert begun.text.startswith("trunk carrier is down, since 2030-01-15 12:00 UTC.\nAsk the carrier.")
    here.there = []
    await here.run_for(30)
    here.there = [TRUNK]
    await here.run_for(30)
    assert len(here.told.notices) == 1
    here.there = []
    await here.run_for(120)
    ended = here.told.notices[-1]
    assert (ended.key, ended.severity, ended.title) == (
        f"{begun.key}:over",
        Severity.INFO,
        "over: trunk carrier is down",
    )
    assert here.told.ended == [begun.key]
    assert len(here.told.notices) == 2


async def test_what_flickers_is_told_to_nobody() -> None:
    here = Watched(FakeClock(), FakeAlarmStore())
    for _ in range(20):
        here.there = [TRUNK]
        await here.run_for(50)
        here.there = []
        await here.run_for(10)
    assert here.told.notices == []


async def test_a_daemon_that_starts_anew_neither_repeats_an_alarm_nor_forgets_its_end() -> None:
    clock, store = FakeClock(), FakeAlarmStore()
    here = Watched(clock, store)
    here.there = [TRUNK]
    await here.run_for(120)
    again = Watched(clock, store)
    again.there = [TRUNK]
    await again.run_for(300)
    assert again.told.notices == []
    again.there = []
    await again.run_for(120)
    assert [notice.title for notice in again.told.notices] == ["over: trunk carrier is down"]
    assert store.rows == {}


async def test_a_database_that_does_not_answer_silences_no_alarm() -> None:
    store = FakeAlarmStore()
    store.fault = StoreUnavailable("The disk is full.")
    here = Watched(FakeClock(), store)
    here.there = [TRUNK]
    await here.run_for(300)
    assert len(here.told.notices) == 1


def test_the_snapshots_troubles_are_alarms_and_a_platform_that_is_down_is_none() -> None:
    clock = FakeClock()
    now = clock.now()
    calm = Snapshot("n", now, now, asterisk=LinkView(True, ""), store=LinkView(True, ""), table=TableView("equal"))
    assert list(alarms_of(calm)) == []
    down = Verdict(VerdictState.DOWN, Reason.SILENT)
    degraded = Verdict(VerdictState.DEGRADED, Reason.EVIDENCE_DISAGREES)
    targets = {
        target: TargetView(target, verdict, None)
        for target, verdict in [
            (TargetId(TargetRole.PLATFORM, "uc"), down),
            (TargetId(TargetRole.PLATFORM, "pbx"), degraded),
            (TargetId(TargetRole.TRUNK, "carrier"), down),
            (TargetId(TargetRole.CONTROL, "gateway"), down),
        ]
    }
    worse = replace(
        calm,
        targets=targets,
        asterisk=LinkView(False, "refused"),
        store=LinkView(False, "locked."),
        no_dialplan=True,
        missing_modules=frozenset({"func_db"}),
        table=TableView("differs", lost_scopes=frozenset({"old"})),
        http="The certificate ends in 3 days.",
    )
    found = {alarm.name: alarm.severity for alarm in alarms_of(worse)}
    assert found == {
        "asterisk": Severity.CRITICAL,
        "dialplan": Severity.CRITICAL,
        "modules": Severity.CRITICAL,
        "database": Severity.CRITICAL,
        "table": Severity.WARNING,
        "certificate": Severity.WARNING,
        "lost scope old": Severity.WARNING,
        "degraded pbx": Severity.WARNING,
        "trunk carrier": Severity.CRITICAL,
        "control gateway": Severity.WARNING,
    }


def row(**changes: object) -> Untold:
    told = Untold(1, "k", NOON, "uc", "NORMAL", "FAILED_OVER", "outage", "silent", "ringfence", "", ("sip: no answer",))
    return replace(told, **changes)  # type: ignore[arg-type]


def test_history_in_words() -> None:
    moved = notice_of(row())
    assert moved is not None and moved.severity is Severity.CRITICAL and moved.scope == "uc"
    assert "since 2030-01-15 12:00 UTC, because every kind of probe" in moved.text and "- sip: no answer" in moved.text
    forced = notice_of(row(signal="override", before="-", after="dr", reason="person_forced_dr", who="pat", why="fire"))
    assert forced is not None and (forced.kind, forced.severity) == (NoticeKind.OVERRIDE, Severity.WARNING)
    assert forced.title == "platform uc: calls are forced to default numbers by pat" and "Why: fire." in forced.text
    over = notice_of(row(signal="override", before="dr", after="-", reason="override_expired", scope="site:Leeds"))
    assert over is not None and (over.kind, over.scope) == (NoticeKind.OVERRIDE_ENDS, "")
    assert over.title == "site Leeds: the override has reached its end"
    released = notice_of(
        row(signal="override", before="dr", after="-", reason="person_released", who="pat", why="done")
    )
    assert released is not None and "was released by pat" in released.title and "Why: done." in released.text
    assert notice_of(row(signal="stored", after="NORMAL")) is None
    assert notice_of(row(after="NORMAL")) is None
    assert notice_of(row(after="SOMETHING_NEW")) is None


class Outside:
    def __init__(self) -> None:
        self.heard: list[Mapping[str, object]] = []
        self.fault: ChannelUnavailable | None = None

    async def beat(self, state: Mapping[str, object]) -> None:
        if self.fault is not None:
            raise self.fault
        self.heard.append(state)


async def test_the_heartbeat_stops_when_we_are_not_ready_and_tells_the_edge(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outside, ready = Outside(), [True]
    heart = Heartbeat(outside, lambda: {"node": "n"} if ready[0] else None, FakeClock(), 60)
    for well in (True, True, False, False, True):
        ready[0] = well
        await heart.beat()
    outside.fault = ChannelUnavailable("It does not run.")
    await heart.beat()
    await heart.beat()
    assert len(outside.heard) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "the heartbeat is not sent",
        "the heartbeat is sent again",
        "the heartbeat is not sent",
    ]
