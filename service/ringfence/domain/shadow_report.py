"""A time in shadow mode added up: which outages would have been declared, and what would have become of the calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident_calls import started_at
from ringfence.domain.outage import Mode
from ringfence.domain.shadow import DECISION, NOTHING_DONE, REFUSED_PATH, SLOW, NoteKind, ShadowNote, read_would

MAX_NAMED: Final = 50
"""DIDs that a report names of each kind, those called most first."""
UNSEEN: Final = timedelta(minutes=20)
"""A daemon that wrote nothing for longer did not run: nobody judged or counted anything then."""
MAX_COUNTED: Final = 10_000
"""Different numbers that are told apart; a scanner dials many more."""

_FAILED: Final = frozenset({"failure", "undeliverable"})
_NO_RECORD: Final = "transparent"


@dataclass(slots=True)
class WouldBeOutage:
    """One outage as it would have been declared. `ended` None: it is still on. Of the calls that would have been
    diverted by it the platform `answered` some and `failed` others all the same."""

    scope: str
    began: datetime
    ended: datetime | None
    reason: str
    evidence: tuple[str, ...]
    calls: int = 0
    answered: int = 0
    failed: int = 0

    @property
    def perhaps_false(self) -> bool:
        """Whether the platform answered calls meanwhile, and at least as many as it failed."""
        return self.answered > 0 and self.answered >= self.failed


@dataclass(slots=True)
class VerdictTime:
    """How long one verdict on a platform stood, in seconds, and how often."""

    seconds: float = 0.0
    times: int = 0


@dataclass(slots=True)
class CallTally:
    """Calls of a time in shadow mode. `not_judged`: they ended while the daemon did not run, and are known from
    Asterisk alone; the other counts are without them. `saved`: the platform failed them, and a person, a team or a site
    would have been rung. `to_nobody`: DIDs whose calls would have heard an announcement. `unread`: by trunk, calls with
    a number that could not be read. `slow`: the platform rang later than we would have waited. `outward_seconds`: of
    calls that would have gone out, from the first ring to the end, as far as the platform answered them."""

    calls: int = 0
    not_judged: int = 0
    failed: int = 0
    diverted: int = 0
    saved: int = 0
    slow: int = 0
    outward: int = 0
    outward_talked: int = 0
    outward_seconds: float = 0.0
    by_trunk: Counter[str] = field(default_factory=Counter)
    by_step: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    by_hour: Counter[datetime] = field(default_factory=Counter)
    to_nobody: Counter[str] = field(default_factory=Counter)
    not_ours: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, record: CallRecord, outages: Sequence[WouldBeOutage]) -> None:
        """One call. `outages` get theirs, too. A call that was no shadow's is left out."""
        would = read_would(record.would)
        if would is None:
            self.not_judged += record.decision == DECISION
            return
        self.calls += 1
        self.by_trunk[record.trunk] += 1
        self.failed += record.result in _FAILED
        if record.path == REFUSED_PATH:
            self.unread[record.trunk] += 1
            return
        if record.path == _NO_RECORD:
            _count(self.not_ours, record.did)
        if not would.diverted:
            return
        self.diverted += 1
        self.slow += would.reason == SLOW
        self.by_step[would.answered_by] += 1
        self.by_reason[would.reason] += 1
        self.by_hour[record.ended_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)] += 1
        if would.outward:
            self._count_outward(record)
        if would.answered_by is AnsweredBy.ANNOUNCEMENT:
            _count(self.to_nobody, record.did)
        if would.path in ("divert", "trial"):
            _note_in(outages, record)

    def _count_outward(self, record: CallRecord) -> None:
        self.outward += 1
        self.saved += record.result in _FAILED
        if record.answered_by is AnsweredBy.PLATFORM:
            self.outward_talked += 1
            self.outward_seconds += max(0, record.duration_ms - (record.ringing_after_ms or 0)) / 1000


def _count(counter: Counter[str], did: str) -> None:
    if did in counter or len(counter) < MAX_COUNTED:
        counter[did] += 1


def _note_in(outages: Sequence[WouldBeOutage], record: CallRecord) -> None:
    came = started_at(record)
    for outage in outages:
        if outage.scope == record.scope and outage.began <= came and (outage.ended is None or came <= outage.ended):
            outage.calls += 1
            outage.answered += record.answered_by is AnsweredBy.PLATFORM
            outage.failed += record.result in _FAILED
            return


def outages_of(rows: Iterable[HistoryRow], spans: Sequence[tuple[datetime, datetime]]) -> list[WouldBeOutage]:
    """Those that began within one of these times. `rows` newest first, as the history gives them."""
    found: list[WouldBeOutage] = []
    on: dict[str, WouldBeOutage] = {}
    for row in sorted(rows, key=lambda row: row.at):
        if row.after == Mode.FAILED_OVER and row.scope not in on and any(a <= row.at <= b for a, b in spans):
            on[row.scope] = WouldBeOutage(row.scope, row.at, None, row.reason, _seen(row))
            found.append(on[row.scope])
        elif row.after == Mode.NORMAL and row.scope in on:
            on.pop(row.scope).ended = row.at
    return found


def _seen(row: HistoryRow) -> tuple[str, ...]:
    return tuple(words for words in row.evidence if words != NOTHING_DONE)


def spans_of(notes: Iterable[ShadowNote], since: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    """The times from `since` on in which nothing was done to calls, and the daemon saw it. `notes` oldest first."""
    found: list[tuple[datetime, datetime]] = []
    began: datetime | None = None
    last = since
    for note in notes:
        if began is not None and note.at - last > UNSEEN:
            found.append((began, last))
            began = None if note.kind is NoteKind.LIVE else note.at
        if note.kind is NoteKind.SHADOW and began is None:
            began = note.at
        elif note.kind is NoteKind.LIVE and began is not None:
            found.append((began, note.at))
            began = None
        last = note.at
    if began is not None:
        found.append((began, now if now - last <= UNSEEN else last))
    return [(max(begin, since), end) for begin, end in found if end > since]


def verdict_times(
    notes: Iterable[ShadowNote], spans: Sequence[tuple[datetime, datetime]], now: datetime
) -> dict[tuple[str, str], VerdictTime]:
    """By platform and verdict, within these times. `notes` oldest first."""
    times: dict[tuple[str, str], VerdictTime] = {}
    standing: dict[str, ShadowNote] = {}

    def settle(note: ShadowNote, until: datetime) -> None:
        inside = sum((_shared(note.at, until, span) for span in spans), timedelta())
        if inside > timedelta():
            time = times.setdefault((note.scope, note.word), VerdictTime())
            time.seconds += inside.total_seconds()
            time.times += 1

    for note in notes:
        if note.kind is not NoteKind.VERDICT:
            continue
        before = standing.get(note.scope)
        if before is not None and before.word == note.word:
            continue
        if before is not None:
            settle(before, note.at)
        standing[note.scope] = note
    for note in standing.values():
        settle(note, now)
    return times


def _shared(begin: datetime, end: datetime, span: tuple[datetime, datetime]) -> timedelta:
    return max(timedelta(), min(end, span[1]) - max(begin, span[0]))
