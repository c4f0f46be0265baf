"""Whatever is kept by a name that a caller or a person gives is kept for a while, or so many of them: after months it
is as much as after weeks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pytest

from ringfence.app.access.lockout import MAX_KNOWN, Lockout
from ringfence.app.audit import Auditor, AuditStore
from ringfence.app.judge import Judge, Watched
from ringfence.app.memory import Memory
from ringfence.app.notify.alarms import Alarm, AlarmWatch
from ringfence.app.override_watch import OverrideWatch
from ringfence.app.ports import LegRefused
from ringfence.app.refusal_watch import RefusalWatch
from ringfence.app.reveal import Calls, People, Revealer
from ringfence.app.usual import MAX_ANSWERED, UsualWatch, hours_kept
from ringfence.app.usual_keeper import UNSTORED_HOURS
from ringfence.asterisk.leg_memory import REMEMBERED_LEGS, LegMemory
from ringfence.domain.access import EVERYTHING, Caller, SignedInBy
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import AnsweredBy, PlatformAnswered
from ringfence.domain.directory import DefaultNumber
from ringfence.domain.health import EvidenceKind, RiseFall, TargetId, TargetRole
from ringfence.domain.known_answers import KnownAnswers
from ringfence.domain.notice import Severity
from ringfence.domain.outcomes import CallOutcome, OutcomeClass, OutcomePolicy
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.usual import Calendar, UsualPolicy, hour_of
from ringfence.domain.verdict import WitnessPolicy
from tests.fakes.calls import a_call
from tests.fakes.clock import FakeClock
from tests.fakes.room import held
from tests.fakes.stores import FakeMemoryStore
from tests.unit.test_alarms import FakeAlarmStore
from tests.unit.test_alarms import Told as ToldAlarms
from tests.unit.test_reveal import OneCall, Somebody
from tests.unit.test_usual_watch import LONDON

PAGE = Path(__file__).parents[2] / "docs/reference/memory.md"
EARLY_DAYS, LATE_DAYS = 40, 60
A_DAY = 24 * 3600.0
A_DAYS_NAMES = 30
"""New ones every day: DIDs, callers, people."""
PLATFORM = TargetId(TargetRole.PLATFORM, "uc")


class Part(Protocol):
    """One of the daemon's, with the days that go by for it. `parts`: what is counted; `own`: what is the test's."""

    clock: FakeClock
    parts: tuple[object, ...]
    own: tuple[object, ...]

    async def work(self, names: Sequence[int]) -> None:
        """Of one day; nobody has come with any of these names before."""
        ...


class Deliveries:
    """DIDs that are called, and given up, and others come: `Judge`, and what `Memory` keeps of it."""

    def __init__(self) -> None:
        self.clock, store = FakeClock(), FakeMemoryStore()
        watched = [Watched(PLATFORM, (EvidenceKind.SIP_OPTIONS,), RiseFall(1, 2))]
        self.judge = Judge(watched, {"uc": OutcomePolicy()}, WitnessPolicy(), lambda _: True)
        self.memory = Memory(store, self.judge, self.clock, {})
        self.parts, self.own = (self.judge, self.memory), (self.clock, store, store.delivered)

    async def work(self, names: Sequence[int]) -> None:
        assert await self.memory.recall()
        for name in names:
            caller, now = f"+44113497{name:05}", self.clock.now()
            self.judge.observe_call(CallOutcome("uc", did(name), caller, OutcomeClass.PUT_THROUGH, 200, now))
        await self.memory._save()


class Reveals:
    """People who ask for a number in clear, and are never seen again."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        auditor, call = Auditor(cast(AuditStore, NoRecord())), OneCall("+441619960111")
        self.revealer = Revealer(
            cast(People, Somebody()), cast(Calls, call), auditor, self.clock, ToldAlarms().tell, per_hour=3
        )
        self.parts, self.own = (self.revealer,), (self.clock, auditor, call)

    async def work(self, names: Sequence[int]) -> None:
        for name in names:
            await self.revealer.caller_of(Caller(f"p{name}", EVERYTHING, SignedInBy.OIDC), "1.1", "callback")


class NoRecord:
    """Implements what of `AuditStore` an auditor needs."""

    async def append(self, facts: Sequence[AuditFact]) -> None:
        pass


class Refusals:
    """Legs that the dialplan does not let out, of ever other DIDs."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.watch = RefusalWatch(self.clock)
        self.parts, self.own = (self.watch,), (self.clock,)

    async def work(self, names: Sequence[int]) -> None:
        for name in names:
            self.watch.note(LegRefused("capped", "did-minutes", did(name), "carrier", self.clock.now()))


class Usual:
    """Calls, while the database is away for good: nothing that is counted is ever stored."""

    def __init__(self) -> None:
        self.clock, self.policy = FakeClock(), UsualPolicy(weeks=4)
        self.watch = UsualWatch(["uc"], ["carrier"], self.policy, Calendar(LONDON))
        self.watch.link(True)
        self.parts, self.own = (self.watch,), (self.clock,)

    async def work(self, names: Sequence[int]) -> None:
        for name in names:
            now, call_id = self.clock.now(), f"node-{name}"
            if name % 3:
                self.watch.answered(PlatformAnswered(call_id, "uc", did(name), f"+44161996{name:05}", True, now))
            answered_by = AnsweredBy.PLATFORM if name % 3 else AnsweredBy.NOBODY
            self.watch.ended(a_call(call_id=call_id, did=did(name), ended_at=now.wall, answered_by=answered_by), now)
        self.watch.look(self.clock.now())
        this_hour = hour_of(self.clock.now().wall)
        self.watch.give_back(self.watch.take_unstored(), this_hour - UNSTORED_HOURS)
        self.watch.forget(this_hour - hours_kept(self.policy))


class Words:
    """Orders that run out, which people are told of before."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.standing: list[Override] = []
        self.watch = OverrideWatch(self.clock, lambda: self.standing, Quiet(), timedelta(minutes=30))
        self.parts, self.own = (self.watch,), (self.clock, self.standing)

    async def work(self, names: Sequence[int]) -> None:
        now = self.clock.now().wall
        self.standing[:] = [
            Override(
                *(OverrideTarget(did=did(name)), OverrideKind.DR, "ann", "test", now - timedelta(hours=2)),
                now + timedelta(minutes=10),
            )
            for name in names
        ]
        await self.watch.look()


class Quiet:
    """Implements `notify.ports.Tells`."""

    async def tell(self, notice: object) -> None:
        pass


class Alarms:
    """Troubles with names of their own: a file, a team, a target."""

    def __init__(self) -> None:
        self.clock, self.there = FakeClock(), list[Alarm]()
        told, store = ToldAlarms(), FakeAlarmStore()
        self.watch = AlarmWatch(lambda: self.there, told, store, self.clock)
        self.parts, self.own = (self.watch,), (self.clock, self.there, told, store)

    async def work(self, names: Sequence[int]) -> None:
        self.there[:] = [Alarm(f"team {name}", "is out", "Look.", Severity.WARNING) for name in names]
        for _ in range(3):
            await self.watch.look()
            await self.clock.advance(90)


def did(name: int) -> str:
    return f"+44113496{name:05}"


@pytest.mark.parametrize("kind", [Deliveries, Reveals, Refusals, Usual, Words, Alarms])
async def test_after_months_it_is_as_much_as_after_weeks(kind: type[Part]) -> None:
    part, sizes = kind(), list[int]()
    for day in range(LATE_DAYS):
        await part.work(range(day * A_DAYS_NAMES, (day + 1) * A_DAYS_NAMES))
        sizes.append(held(*part.parts, without=part.own))
        await part.clock.advance(A_DAY)
    assert sizes[0] >= A_DAYS_NAMES, "nothing was kept at all: this test looks away"
    assert max(sizes[EARLY_DAYS:]) <= max(sizes[:EARLY_DAYS])


async def test_a_flood_of_names_is_bounded() -> None:
    """Of those who keep the newest so many, whenever they came."""
    clock, lockout, legs = FakeClock(), Lockout(), LegMemory()
    watch = UsualWatch(["uc"], ["carrier"], UsualPolicy(), Calendar(LONDON))
    for name in range(2 * MAX_KNOWN):
        lockout.wrong(f"account {name}", clock.now())
        legs.heard(f"leg {name}")
        legs.handed(f"caller {name}", did(name))
        watch.answered(PlatformAnswered(f"node-{name}", "uc", did(name), "", True, clock.now()))
    assert held(lockout) <= MAX_KNOWN
    assert held(legs) <= 2 * REMEMBERED_LEGS
    assert len(watch._answered) == MAX_ANSWERED


def test_answers_about_numbers_are_bounded_and_worked_out_again() -> None:
    worked_out: Counter[str] = Counter()
    answers = KnownAnswers[int](most=100)

    def work_out(number: str) -> int:
        worked_out[number] += 1
        return int(number)

    for _ in range(2):
        for number in range(1_000):
            assert [answers.of(f"{number}", work_out) for _ in range(3)] == [number] * 3
            assert len(answers) <= 100
    assert set(worked_out.values()) == {2}


def test_what_is_known_of_numbers_is_such_answers() -> None:
    gate, press_one = EgressGate(EgressPolicy(frozenset({"GB"}))), PressOne()
    for name in range(10):
        number = f"+4477009000{name:02}"
        gate.why_not(number, ())
        press_one.asks(DefaultNumber(number))
    assert [type(one._answers) for one in (gate, press_one)] == [KnownAnswers, KnownAnswers]
    assert [len(one._answers) for one in (gate, press_one)] == [10, 10]


def test_the_page_tells_the_limits() -> None:
    rows = re.findall(r"^\|.*\| ([^|]+) \| `([\w.]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 20
    for told, place in rows:
        module, name = place.rsplit(".", 1)
        if module[module.rfind(".") + 1].isupper():
            module, kind = module.rsplit(".", 1)
            value = getattr(getattr(import_module(f"ringfence.{module}"), kind)(), name)
        else:
            value = getattr(import_module(f"ringfence.{module}"), name)
        if told[0].isdigit():
            assert told.split()[0] == f"{value:,}", place
