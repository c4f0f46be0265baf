"""What becomes of calls, counted by the hour, and held against what is usual. Synchronous and free of I/O, so that a
simulation of years drives the very object that the daemon runs.

All it can do is to speak against an *up* platform, which makes that *degraded*, to say that telephones which seem
logged out usually are not at this hour, or to raise a trunk's alarm.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfence.domain.calls import AnsweredBy, CallRecord, PlatformAnswered, has_number
from ringfence.domain.chance import silence_needed
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.usual import (
    HOUR_SECONDS,
    Calendar,
    Expectation,
    HourCounts,
    Trait,
    UsualPolicy,
    calls_per_year,
    expectation,
    hour_of,
    local,
    weeks_known,
)
from ringfence.domain.usual_trail import WINDOWS, Quiet, Seen, Trail
from ringfence.domain.usual_words import UsualView, silence_evidence, trait_evidence
from ringfence.domain.verdict import Evidence, Speaks

log = logging.getLogger(__name__)

OFFERED: Final = frozenset({"platform", "transparent", "inline", "undeliverable", "trial"})
"""Paths of calls that were dialled to the platform and come to us without its answer."""
LONGEST_STEP_SECONDS: Final = 30.0
WEIGH_SECONDS: Final = 60.0
ALIKE_SECONDS: Final = 0.5
ALIKE_LONGEST_SECONDS: Final = 60.0
MAX_ANSWERED: Final = 4096

Key = tuple[TargetId, int]
NOTHING_EXPECTED: Final = Expectation(0.0, {})


@dataclass(slots=True)
class _Subject:
    """One platform or inbound trunk."""

    calendar: Calendar
    history: dict[int, HourCounts] = field(default_factory=dict)
    trails: dict[Trait, Trail] = field(default_factory=dict)
    quiet: Quiet = field(default_factory=Quiet)
    expected: Expectation = NOTHING_EXPECTED
    hour: int | None = None
    closed: bool = False
    weeks: int = 0
    false_alarm: float = 0.0
    missing_needed: float = float("inf")
    last: tuple[float, str] | None = None  # length of the answered call that ended last, and its DID
    weighed: Moment | None = None  # None: a call was seen since
    of_calls: tuple[Evidence, ...] = ()
    hints: tuple[Evidence, ...] = ()


class UsualWatch:
    """`answered` and `ended` for each call, `look` every few seconds. Nothing is said before `know` told the past."""

    def __init__(
        self,
        platforms: Iterable[str],
        trunks: Iterable[str],
        policy: UsualPolicy,
        calendar: Calendar,
        *,
        enabled: bool = True,
    ) -> None:
        """`calendar` holds for each until `keep_calendars`. Not `enabled`: calls are counted, and nothing is said."""
        self._policy = policy
        self._enabled = enabled
        self._subjects = {TargetId(TargetRole.PLATFORM, name): _Subject(calendar) for name in platforms}
        for subject in self._subjects.values():
            subject.trails = {trait: Trail() for trait in Trait}
        self._subjects |= {TargetId(TargetRole.TRUNK, name): _Subject(calendar) for name in trunks}
        self._unstored: dict[Key, HourCounts] = {}
        self._answered: OrderedDict[str, PlatformAnswered | None] = OrderedDict()  # None: known to last
        self._listening = False
        self._looked: Moment | None = None
        self._heard_hour, self._heard_seconds = 0, 0.0

    @property
    def targets(self) -> tuple[TargetId, ...]:
        return tuple(self._subjects)

    def know(self, past: Mapping[Key, HourCounts]) -> None:
        """What was counted before this start, ours from now on; what has been counted since is added."""
        for (target, hour), counts in past.items():
            if (subject := self._subjects.get(target)) is not None:
                counts.add(subject.history.get(hour, HourCounts()))
                subject.history[hour], subject.hour = counts, None

    def keep_calendars(self, calendars: Mapping[TargetId, Calendar]) -> None:
        for target, calendar in calendars.items():
            subject = self._subjects[target]
            if subject.calendar != calendar:
                subject.calendar, subject.hour = calendar, None

    def link(self, up: bool) -> None:
        """The connection on which calls are heard."""
        self._listening = up
        self._looked = None
        for subject in self._subjects.values():
            subject.quiet.deaf()

    def answered(self, call: PlatformAnswered) -> None:
        """The platform took a call."""
        target = TargetId(TargetRole.PLATFORM, call.scope)
        if target not in self._subjects or call.call_id in self._answered:
            return
        self._answered[call.call_id] = call
        if len(self._answered) > MAX_ANSWERED:
            self._answered.popitem(last=False)
        self._see(target, Trait.UNANSWERED, call, False)
        self._see(target, Trait.AT_ONCE, call, not call.waited)
        self._count(target, hour_of(call.at.wall), HourCounts(offered=1, answered=1, at_once=int(not call.waited)))

    def ended(self, record: CallRecord, now: Moment) -> None:
        """The journal's record of a call that is over."""
        if record.path == "refused":
            return  # somebody tries numbers: that is no sign of life of the trunk
        platform = TargetId(TargetRole.PLATFORM, record.scope)
        for target in (platform, TargetId(TargetRole.TRUNK, record.trunk)):
            if target in self._subjects:
                self._subjects[target].quiet.called(now)
                self._count(target, hour_of(now.wall), HourCounts(calls=1))
        if platform not in self._subjects or not record.did.startswith("+"):
            return
        known = record.call_id in self._answered
        call = self._answered.pop(record.call_id, None)
        if call is not None:
            self._judge_length(platform, call, now)
        if record.answered_by is AnsweredBy.PLATFORM:
            self._compare_length(platform, record, now)
        elif not known and record.path in OFFERED and (record.path != "trial" or not record.step):
            seen = Seen(True, record.did, _caller(record.caller), now, record.ringing_after_ms is not None)
            self._add(platform, Trait.UNANSWERED, seen)
            self._count(platform, hour_of(now.wall), HourCounts(offered=1))

    def look(self, now: Moment) -> bool:
        """Weighs what has been seen. True: something is not as usual any more, or is again."""
        if not self._listening:
            return False
        self._hear(now)
        for call in list(self._answered.values()):
            if call is not None and now.since(call.at) >= self._policy.short_seconds:
                self._judge_length(TargetId(TargetRole.PLATFORM, call.scope), call, now)
                self._answered[call.call_id] = None
        changed = False
        for target, subject in self._subjects.items() if self._enabled else ():
            before = [hint.kind for hint in _against(subject.hints)]
            self._weigh(subject, now)
            against = _against(subject.hints)
            if before != [hint.kind for hint in against]:
                changed = True
                _tell(target, against)
        return changed

    def hints(self, target: TargetId) -> tuple[Evidence, ...]:
        """For the verdict; as of the last look."""
        subject = self._subjects.get(target)
        return () if subject is None else subject.hints

    def view(self) -> UsualView:
        """As of the last look. `weeks`: of the one of which least is known. Empty while nothing is said."""
        if not self._enabled:
            return UsualView()
        weeks = min((subject.weeks for subject in self._subjects.values()), default=0)
        return UsualView(weeks, {target: _against(subject.hints) for target, subject in self._subjects.items()})

    def take_unstored(self) -> dict[Key, HourCounts]:
        """What was counted since this was asked before; `give_back` it when it cannot be stored."""
        self._count_heard()
        taken, self._unstored = self._unstored, {}
        return taken

    def give_back(self, taken: Mapping[Key, HourCounts], oldest_hour: int) -> None:
        """Hours before `oldest_hour` are given up."""
        for key, counts in taken.items():
            if key[1] >= oldest_hour:
                self._unstored.setdefault(key, HourCounts()).add(counts)

    def forget(self, oldest_hour: int) -> None:
        for subject in self._subjects.values():
            subject.history = {hour: counts for hour, counts in subject.history.items() if hour >= oldest_hour}

    def _hear(self, now: Moment) -> None:
        """Every hour that was heard has its row, also without a call."""
        step = 0.0 if self._looked is None else min(now.since(self._looked), LONGEST_STEP_SECONDS)
        self._looked = now
        if self._heard_hour != (hour := hour_of(now.wall)):
            self._count_heard()
            self._heard_hour, self._heard_seconds = hour, 0.0
        self._heard_seconds += step

    def _count_heard(self) -> None:
        whole, self._heard_seconds = int(self._heard_seconds), self._heard_seconds % 1
        for target in self._subjects if whole else ():
            self._count(target, self._heard_hour, HourCounts(heard_seconds=whole))

    def _weigh(self, subject: _Subject, now: Moment) -> None:
        hour = hour_of(now.wall)
        if subject.hour != hour:
            self._expect(subject, hour)
        # Calls grow old as well, but slowly.
        if subject.weighed is None or now.since(subject.weighed) >= WEIGH_SECONDS:
            subject.weighed = now
            subject.of_calls = tuple(self._weigh_calls(subject, now))
        subject.quiet.look(now, subject.expected.calls_per_hour, subject.missing_needed)
        if subject.closed:
            subject.quiet.excuse()
        silence = silence_evidence(subject.quiet, subject.expected.calls_per_hour, now)
        subject.hints = subject.of_calls if silence is None else (*subject.of_calls, silence)

    def _weigh_calls(self, subject: _Subject, now: Moment) -> Iterator[Evidence]:
        for trait, trail in subject.trails.items():
            share = subject.expected.shares.get(trait)
            trail.look(now, share, subject.false_alarm, self._policy)
            shown = trail.recent(now) if trail.standing or trait is Trait.UNANSWERED else []
            hint = trait_evidence(trait, trail.standing, shown, share, self._policy.short_seconds)
            if hint is not None:
                yield hint

    def _expect(self, subject: _Subject, hour: int) -> None:
        subject.hour, subject.weighed = hour, None
        subject.closed = local(hour, subject.calendar).date() in subject.calendar.closed
        subject.expected = expectation(subject.history, hour, subject.calendar, self._policy)
        subject.weeks = weeks_known(subject.history, hour, self._policy)
        tries = calls_per_year(subject.history)
        # One platform's tests for each call: its traits in both windows, and the silence before it.
        tests = len(subject.trails) * len(WINDOWS) + 1
        a_test = self._policy.false_alarms_per_year / tests
        subject.false_alarm = a_test / tries
        subject.missing_needed = silence_needed(tries, a_test)

    def _judge_length(self, target: TargetId, call: PlatformAnswered, now: Moment) -> None:
        short = now.since(call.at) < self._policy.short_seconds
        self._see(target, Trait.SHORT, call, short)
        self._count(target, hour_of(now.wall), HourCounts(short=int(short)))

    def _compare_length(self, target: TargetId, record: CallRecord, now: Moment) -> None:
        if record.answered_after_ms is None:
            return
        subject, seconds = self._subjects[target], (record.duration_ms - record.answered_after_ms) / 1000
        before, subject.last = subject.last, (seconds, record.did)
        alike = (
            before is not None
            and seconds <= ALIKE_LONGEST_SECONDS
            and abs(before[0] - seconds) <= ALIKE_SECONDS
            and before[1] != record.did
        )
        self._add(target, Trait.ALIKE, Seen(alike, record.did, _caller(record.caller), now))
        self._count(target, hour_of(now.wall), HourCounts(alike=int(alike)))

    def _see(self, target: TargetId, trait: Trait, call: PlatformAnswered, bad: bool) -> None:
        self._add(target, trait, Seen(bad, call.did, _caller(call.caller), call.at, call.waited))

    def _add(self, target: TargetId, trait: Trait, seen: Seen) -> None:
        subject = self._subjects[target]
        subject.trails[trait].add(seen)
        subject.weighed = None

    def _count(self, target: TargetId, hour: int, counts: HourCounts) -> None:
        self._subjects[target].history.setdefault(hour, HourCounts()).add(counts)
        self._unstored.setdefault((target, hour), HourCounts()).add(counts)


def hours_kept(policy: UsualPolicy) -> int:
    """A day more than is looked at, for hours on either side and a change to summer time."""
    return (policy.weeks * 7 + 1) * 86_400 // HOUR_SECONDS


def _caller(caller: str) -> str:
    return caller if has_number(caller) else ""


def _against(hints: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(hint for hint in hints if hint.speaks is Speaks.AGAINST)


def _tell(target: TargetId, against: Iterable[Evidence]) -> None:
    words = [hint.words for hint in against]
    if words:
        log.warning("calls are not as usual", extra={"target": str(target), "reason": "; ".join(words)})
    else:
        log.info("calls are as usual again", extra={"target": str(target)})
