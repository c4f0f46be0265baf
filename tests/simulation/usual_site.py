"""A site's telephone traffic, drawn at random by weekday and hour, and the object the daemon runs, listening to it.

The traffic is meant to be hard: it opens and closes in the middle of an hour, days differ, after hours an announcement
takes every call, at noon fewer are answered, nobody has entered the bank holidays, and the clocks change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from ringfence.app.usual import UsualWatch
from ringfence.domain.calls import AnsweredBy, CallRecord, PlatformAnswered
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.usual import Calendar, HourCounts, UsualPolicy, hour_of
from ringfence.domain.verdict import Speaks

LONDON: Final = ZoneInfo("Europe/London")
PLATFORM: Final = TargetId(TargetRole.PLATFORM, "uc")
TRUNK: Final = TargetId(TargetRole.TRUNK, "carrier")
FIRST: Final = date(2030, 1, 7)
BANK_HOLIDAYS: Final = frozenset(
    date(2030, *day) for day in ((1, 1), (4, 19), (4, 22), (5, 6), (5, 27), (8, 26), (12, 25), (12, 26))
)
DIDS: Final = 200
LOOK_SECONDS: Final = 30.0
HALF_HOURS: Final = 48
OPENS, CLOSES, NOON, NOON_ENDS = 17, 35, 25, 27  # half hours: 8:30, 17:30, 12:30, 13:30
AFTER_HOURS_SECONDS: Final = 12.0


@dataclass(frozen=True, slots=True)
class Call:
    """Seconds. `answered_after` None: nobody. `lasts` from the answer, or from the beginning where nobody did."""

    begins: datetime
    did: str
    caller: str
    answered_after: float | None
    waited: bool
    lasts: float


Fault = Callable[[Call, Random], Call | None]


def ring_for_ever(call: Call, random: Random) -> Call | None:
    """The platform rings, and nobody can answer."""
    return replace(call, answered_after=None, waited=True, lasts=random.uniform(15, 60))


def announce(call: Call, random: Random) -> Call | None:
    """The platform answers by itself, says so and hangs up; one caller in three hangs up before."""
    lasts = 8.0 if random.random() < 2 / 3 else random.uniform(1, 8)
    return replace(call, answered_after=0.2, waited=False, lasts=lasts)


def drop(call: Call, random: Random) -> Call | None:
    """Calls are answered, and end within seconds: no audio."""
    return replace(call, lasts=random.uniform(1, 8)) if call.answered_after is not None else call


def half_unanswered(call: Call, random: Random) -> Call | None:
    """One of two telephone servers is ill."""
    return ring_for_ever(call, random) if random.random() < 0.5 else call


def silence(call: Call, random: Random) -> Call | None:
    return None


class Traffic:
    """`per_hour`: calls in an hour of an ordinary working day."""

    def __init__(self, seed: int, per_hour: float) -> None:
        self.random = Random(seed)
        self._per_hour = per_hour

    def day(self, day: date) -> list[Call]:
        random = self.random
        busy = random.lognormvariate(0, 0.15)
        answered = min(0.95, max(0.6, random.gauss(0.8, 0.04)))
        calls: list[Call] = []
        for half in range(HALF_HOURS):
            begins = datetime.combine(day, time(half // 2, 30 * (half % 2)), LONDON)
            here = self._per_hour / 2 * busy * self._weight(day, half)
            at = random.expovariate(here) if here else 1.0
            while at < 1:
                calls.append(self._call(begins.astimezone(UTC) + timedelta(minutes=30 * at), day, half, answered))
                at += random.expovariate(here)
        return calls

    def _weight(self, day: date, half: int) -> float:
        if day in BANK_HOLIDAYS or day.weekday() > 4:
            return 0.03
        if not OPENS <= half < CLOSES:
            return 0.02
        return 0.6 if NOON <= half < NOON_ENDS else 1.0

    def _call(self, begins: datetime, day: date, half: int, answered: float) -> Call:
        random = self.random
        did, caller = f"+44113496{random.randrange(DIDS):04}", f"+44163296{random.randrange(9000):04}"
        if day in BANK_HOLIDAYS or day.weekday() > 4 or not OPENS <= half < CLOSES:
            lasts = AFTER_HOURS_SECONDS if random.random() < 0.6 else random.uniform(1, AFTER_HOURS_SECONDS)
            return Call(begins, did, caller, 0.2, False, lasts)
        if random.random() > (answered - 0.15 if NOON <= half < NOON_ENDS else answered):
            return Call(begins, did, caller, None, True, random.uniform(5, 60))
        lasts = random.uniform(1, 10) if random.random() < 0.04 else 10 + random.expovariate(1 / 150)
        return Call(begins, did, caller, 2 + random.expovariate(1 / 9), True, lasts)


@dataclass(frozen=True, slots=True)
class Raised:
    """One alarm. `calls`: how many had come in since the fault began, where there was one."""

    target: TargetId
    kind: EvidenceKind
    at: datetime
    calls: int


class Site:
    """One platform, one trunk, and what was raised."""

    def __init__(
        self, seed: int, per_hour: float, policy: UsualPolicy | None = None, *, holidays: bool = False
    ) -> None:
        self.policy = policy or UsualPolicy()
        calendar = Calendar(LONDON, BANK_HOLIDAYS if holidays else frozenset())
        self.watch = UsualWatch(["uc"], ["carrier"], self.policy, calendar)
        self.traffic = Traffic(seed, per_hour)
        self.raised: list[Raised] = []
        self.calls = 0
        self._numbers = 0
        self._standing: set[tuple[TargetId, EvidenceKind]] = set()
        self._calls_in_fault = 0
        self._next_look: datetime | None = None

    def learn(self, weeks: int, day: date = FIRST) -> date:
        """Counts the weeks from that day on as the watch would, without listening second by second; the next day."""
        counts: dict[tuple[TargetId, int], HourCounts] = {}
        for _ in range(weeks * 7):
            midnight = datetime.combine(day, time(), UTC)
            for hour in range(24):
                for target in (PLATFORM, TRUNK):
                    counts[target, hour_of(midnight) + hour] = HourCounts(heard_seconds=3600)
            before: Call | None = None
            for call in self.traffic.day(day):
                for target in (PLATFORM, TRUNK):
                    _count(counts.setdefault((target, hour_of(call.begins)), HourCounts(3600)), call, before)
                before = call if call.answered_after is not None else before
            day += timedelta(days=1)
        self.watch.know(counts)
        self.watch.link(True)
        return day

    def live(self, first: date, days: int, fault: Fault | None = None, fault_at: time | None = None) -> date:
        """Day after day; the fault, if any, from that time of the first of them on. Returns the day after."""
        begins = None if fault_at is None else datetime.combine(first, fault_at, LONDON).astimezone(UTC)
        for number in range(days):
            day = first + timedelta(days=number)
            calls = self.traffic.day(day)
            if fault is not None and begins is not None:
                calls = list(self._spoilt(calls, fault, begins))
            self._play(calls, datetime.combine(day, time(), LONDON).astimezone(UTC), begins)
            self._next_look = datetime.combine(day + timedelta(days=1), time(), LONDON).astimezone(UTC)
        return first + timedelta(days=days)

    def _spoilt(self, calls: list[Call], fault: Fault, begins: datetime) -> Iterator[Call]:
        for call in calls:
            spoilt = fault(call, self.traffic.random) if call.begins >= begins else call
            if spoilt is not None:
                yield spoilt

    def _play(self, calls: list[Call], midnight: datetime, fault_at: datetime | None) -> None:
        events: list[tuple[datetime, int, Call]] = []
        for call in calls:
            self._numbers += 1
            self.calls += 1
            heard = call.begins + timedelta(seconds=call.answered_after or 0)
            if call.answered_after is not None:
                events.append((heard, self._numbers, call))
            events.append((heard + timedelta(seconds=call.lasts), -self._numbers, call))
        look = midnight if self._next_look is None else max(midnight, self._next_look)
        for at, number, call in sorted(events, key=lambda event: event[0]):
            while look <= at:
                self._look(look)
                look += timedelta(seconds=LOOK_SECONDS)
            if number > 0:
                self.watch.answered(
                    PlatformAnswered(str(number), "uc", call.did, call.caller, call.waited, _moment(at))
                )
            else:
                self._calls_in_fault += fault_at is not None and call.begins >= fault_at
                self.watch.ended(_record(call, str(-number), at), _moment(at))
        end = midnight + timedelta(days=1)
        while look < end:
            self._look(look)
            look += timedelta(seconds=LOOK_SECONDS)

    def _look(self, at: datetime) -> None:
        if not self.watch.look(_moment(at)):
            return
        standing = {
            (target, hint.kind)
            for target in self.watch.targets
            for hint in self.watch.hints(target)
            if hint.speaks is Speaks.AGAINST
        }
        for target, kind in sorted(standing - self._standing, key=str):
            self.raised.append(Raised(target, kind, at, self._calls_in_fault))
        self._standing = standing


def _count(counts: HourCounts, call: Call, before: Call | None) -> None:
    counts.calls += 1
    counts.offered += 1
    if call.answered_after is not None:
        counts.answered += 1
        counts.at_once += not call.waited
        counts.short += call.lasts < 10
        counts.alike += before is not None and call.lasts < 60 and abs(before.lasts - call.lasts) < 0.5


def _moment(at: datetime) -> Moment:
    return Moment(at, at.timestamp())


def _record(call: Call, call_id: str, ended_at: datetime) -> CallRecord:
    answered = call.answered_after
    return CallRecord(
        call_id=call_id,
        ended_at=ended_at,
        did=call.did,
        trunk="carrier",
        scope="uc",
        caller=call.caller,
        decision="normal",
        path="platform",
        reason="scope-normal",
        step=0,
        answered_by=AnsweredBy.NOBODY if answered is None else AnsweredBy.PLATFORM,
        result="cancelled" if answered is None else "answered",
        platform_status=None,
        duration_ms=int(1000 * (call.lasts + (answered or 0))),
        ringing_after_ms=300 if call.waited else None,
        answered_after_ms=None if answered is None else int(1000 * answered),
    )
