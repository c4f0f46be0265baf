"""One outage of one scope as people look back on it: when it opened, what happened since, when it closed.

An incident is opened by a verdict and closed by the failback. A person's override or a drill moves calls and opens
none: nothing is wrong with the platform. A relapse in hold-down or trial is the same incident going on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ringfence.domain.audit import masked
from ringfence.domain.history import HistoryRow
from ringfence.domain.outage import Mode
from ringfence.domain.reasons import Reason

MAX_NOTE_CHARACTERS: Final = 2_000


class IncidentStep(StrEnum):
    """What a stored change does to the incident of its scope."""

    OPEN = "open"
    OPEN_LATE = "open_late"
    RELAPSE = "relapse"
    CLOSE = "close"
    NOTHING = "nothing"


def incident_step(is_open: bool, before: Mode | None, after: Mode) -> IncidentStep:
    """`before` is None where the state was stored without a mode change. A scope that is found outside NORMAL while no
    incident is open (the database was begun anew in mid-outage) opens one late: when it began is not known here."""
    if after is Mode.NORMAL:
        return IncidentStep.CLOSE if is_open else IncidentStep.NOTHING
    if is_open:
        relapsed = after is Mode.FAILED_OVER and before in (Mode.HOLD_DOWN, Mode.TRIAL)
        return IncidentStep.RELAPSE if relapsed else IncidentStep.NOTHING
    return IncidentStep.OPEN if before is Mode.NORMAL else IncidentStep.OPEN_LATE


@dataclass(frozen=True, slots=True)
class Incident:
    """One outage of `scope`. `closed_at` is None while it lasts. `reason` is the verdict's that opened it. `late`: it
    was opened by a later change than the failover, so it began before `opened_at`."""

    id: int
    scope: str
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    late: bool
    relapses: int

    @property
    def sentence(self) -> str:
        return Reason(self.reason).sentence if self.reason in list(Reason) else self.reason

    def end(self, now: datetime) -> datetime:
        """Its end, or this moment while it lasts."""
        return self.closed_at or max(now, self.opened_at)


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote. Never changed, never removed before the incident is. Numbers in it are masked."""

    id: int
    at: datetime
    who: str
    text: str


class GapReason(StrEnum):
    """Why nobody heard Asterisk's events, or what was heard is lost."""

    STOPPED = "stopped"
    DISCONNECTED = "disconnected"
    OVERFLOWED = "overflowed"

    @property
    def words(self) -> str:
        return _GAP_WORDS[self]


_GAP_WORDS: Final = {
    GapReason.STOPPED: "the daemon was not running",
    GapReason.DISCONNECTED: "the daemon was not connected to Asterisk",
    GapReason.OVERFLOWED: "the database took no calls for too long",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which calls ended and nobody heard of it. `covered`: since completed from Asterisk's own records, which
    brought `calls` that the journal lacked; None: not tried yet. `detail` says why it is not."""

    id: int
    began: datetime
    ended: datetime
    reason: GapReason
    covered: bool | None
    calls: int
    detail: str

    @property
    def words(self) -> str:
        if self.covered is None:
            state = "the calls of this time are not completed from Asterisk's own records yet"
        elif self.covered:
            state = f"completed from Asterisk's own records: {self.calls} calls were added"
        else:
            state = f"NOT COVERED, calls of this time may be missing here: {self.detail}"
        return f"{self.reason.words}; {state}"


class EntryKind(StrEnum):
    """What a line of the timeline tells of."""

    OPENED = "opened"
    MODE = "mode"
    OVERRIDE = "override"
    NOTE = "note"
    GAP = "gap"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. `about` is what an override is about, else empty."""

    at: datetime
    kind: EntryKind
    words: str
    detail: tuple[str, ...] = ()
    who: str = ""
    about: str = ""


_MODES: Final = frozenset(Mode)
_MODE_WORDS: Final = {
    Mode.FAILED_OVER: "failed over, calls go to default numbers",
    Mode.HOLD_DOWN: "watched, calls still go to default numbers",
    Mode.TRIAL: "tried with some of the calls",
    Mode.NORMAL: "failed back, calls go to the platform",
}
_OVERRIDE_WORDS: Final = {
    "dr": "override set: DR mode",
    "normal": "override set: normal mode",
    "freeze": "override set: the mode is frozen",
    "-": "override ended",
}
_ORDER: Final = {kind: place for place, kind in enumerate(EntryKind)}


def concerns(change: HistoryRow, scope: str) -> bool:
    """Whether a row of the history belongs to an incident of this scope: its own, everything's, and whatever is
    narrower than a platform (`did:`, `site:` and the like), because the way of its calls changed, too."""
    return change.scope in (scope, "everything", f"scope:{scope}") or (
        ":" in change.scope and not change.scope.startswith("scope:")
    )


def timeline(
    incident: Incident, changes: Iterable[HistoryRow], notes: Sequence[Note], gaps: Iterable[Gap]
) -> tuple[Entry, ...]:
    """Everything that is stored about an incident, oldest first. Numbers in what people wrote are masked."""
    words = f"opened: {incident.sentence}"
    if incident.late:
        words += "; it began earlier, when this database did not know of it"
    entries = [Entry(incident.opened_at, EntryKind.OPENED, words)]
    for change in changes:
        if concerns(change, incident.scope) and (entry := _entry(change)) is not None:
            entries.append(entry)
    entries += [Entry(note.at, EntryKind.NOTE, masked(note.text), who=note.who) for note in notes]
    entries += [
        Entry(gap.began, EntryKind.GAP, gap.words, (f"until {gap.ended.isoformat(timespec='seconds')}",))
        for gap in gaps
    ]
    if incident.closed_at is not None:
        entries.append(Entry(incident.closed_at, EntryKind.CLOSED, "closed"))
    return tuple(sorted(entries, key=lambda entry: (entry.at, _ORDER[entry.kind])))


def _entry(change: HistoryRow) -> Entry | None:
    sentence = Reason(change.reason).sentence if change.reason in list(Reason) else change.reason
    if change.before in _MODES and change.after in _MODES:
        if change.before == change.after:
            return None  # a state that was stored without a change
        words = f"{_MODE_WORDS[Mode(change.after)]}: {sentence}"
        detail = (*(masked(line) for line in change.evidence), *_why(change))
        return Entry(change.at, EntryKind.MODE, words, detail, change.who)
    words = _OVERRIDE_WORDS.get(change.after, f"override: {change.after}")
    return Entry(change.at, EntryKind.OVERRIDE, f"{words} ({sentence})", _why(change), change.who, change.scope)


def _why(change: HistoryRow) -> tuple[str, ...]:
    return (f"reason given: {masked(change.why)}",) if change.why else ()


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, both included."""

    since: datetime
    until: datetime

    def has(self, moment: datetime) -> bool:
        return self.since <= moment <= self.until

    def with_(self, other: Span) -> Span:
        """Both, and what lies between them."""
        return Span(min(self.since, other.since), max(self.until, other.until))


def call_span(incident: Incident, detection_seconds: float, now: datetime) -> Span:
    """The time whose calls belong to an incident: from as long before the verdict as detection may have taken."""
    return Span(incident.opened_at - timedelta(seconds=detection_seconds), incident.end(now))
