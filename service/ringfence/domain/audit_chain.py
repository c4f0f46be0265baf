"""The chain: each row's digest covers the digest before it, its own number and everything it says.

What is verified is the text that lies in the database, not what it means: a kind or a time that nobody can read any
more is a changed row, not an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ringfence.domain.audit import AuditFact, settled

FIRST_DIGEST: Final = "0" * 64
"""What stands before the first row."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as it is stored, all of it text. `at` is aware UTC in ISO 8601 with microseconds, so that rows sort by
    it; `detail` is a JSON object. `digest` is SHA-256 in hexadecimal."""

    number: int
    at: str
    kind: str
    action: str
    about: str
    who: str
    why: str
    by: str
    detail: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The chain's head at one moment, kept where whoever writes the database does not write."""

    number: int
    digest: str
    at: str = ""


class FaultKind(StrEnum):
    """What was done to the record."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    INSERTED = "inserted"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class AuditFault:
    """`number` is the first row concerned."""

    kind: FaultKind
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`rows` were read; `anchors` were compared. Without faults, `head` is what stands at the end."""

    rows: int
    anchors: int
    head: Anchor
    faults: tuple[AuditFault, ...]


def time_text(at: datetime) -> str:
    """As rows hold it. `at` is aware."""
    assert at.tzinfo is not None
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def row_of(fact: AuditFact, previous: Anchor) -> AuditRow:
    """The fact, settled, as the row that follows."""
    safe = settled(fact)
    detail = json.dumps(dict(safe.detail), separators=(",", ":"), sort_keys=True)
    at, number = time_text(safe.at), previous.number + 1
    row = AuditRow(number, at, safe.kind, safe.action, safe.about, safe.who, safe.why, safe.by, detail)
    return _sealed(row, digest_of(row, number, previous.digest))


def digest_of(row: AuditRow, number: int, previous: str) -> str:
    """What the row's digest is if it stands at this number after that digest."""
    said = (row.at, row.kind, row.action, row.about, row.who, row.why, row.by, row.detail)
    # A list in ASCII JSON: no text can be mistaken for the end of another.
    encoded = json.dumps([previous, number, *said], separators=(",", ":"))
    return hashlib.sha256(encoded.encode("ascii")).hexdigest()


def verify(rows: Iterable[AuditRow], anchors: Sequence[Anchor] = (), head: Anchor | None = None) -> AuditReport:
    """The first row with which the chain does not hold, and every anchor that it contradicts. `rows` are all there are,
    by number; `head` is what the database itself takes for the end."""
    check = Verification(anchors)
    for row in rows:
        check.feed(row)
    return check.report(head)


class Verification:
    """The same, row by row: the record need not be held in memory."""

    def __init__(self, anchors: Sequence[Anchor] = ()) -> None:
        self._anchors = {anchor.number: anchor for anchor in anchors}
        # Two anchors at one number with two digests: the record was rewritten between them.
        self._doubtful = [a for a in anchors if self._anchors[a.number].digest != a.digest]
        self._in_all = len(anchors)
        self._last = Anchor(0, FIRST_DIGEST)
        self._before_last = self._last
        self._rows = 0
        self._broken: AuditFault | None = None
        self._wanted: tuple[Anchor, ...] = ()
        self._agreed = 0
        self._against: AuditFault | None = None

    def feed(self, row: AuditRow) -> None:
        """The next row by number."""
        self._rows += 1
        if self._broken is None:
            self._broken = self._fault(row)
            if self._broken is not None:
                # Whatever stood here may stand elsewhere now; and the row before may be the one that does not belong.
                self._wanted = (self._last, self._before_last)
        elif self._broken.kind is FaultKind.CHANGED:
            self._look_for_the_moved(row)
        self._compare(row)
        self._before_last, self._last = self._last, Anchor(row.number, row.digest)

    def report(self, head: Anchor | None = None) -> AuditReport:
        found = [fault for fault in (self._broken, self._end(head), self._against, *self._cut()) if fault is not None]
        found += [_rewritten(anchor, "another anchor at this row has another digest") for anchor in self._doubtful]
        return AuditReport(self._rows, self._in_all, self._last, tuple(found))

    def _fault(self, row: AuditRow) -> AuditFault | None:
        due = self._last.number + 1
        if row.number > due:
            gone = f"row {due} is" if row.number == due + 1 else f"rows {due} to {row.number - 1} are"
            return AuditFault(FaultKind.REMOVED, due, f"{gone} missing")
        if row.number < due:
            return AuditFault(FaultKind.INSERTED, row.number, f"row {row.number} was never written by Ringfence")
        if row.digest == digest_of(row, row.number, self._last.digest):
            return None
        if row.digest == digest_of(row, row.number - 1, self._before_last.digest):
            words = f"row {row.number - 1} was put in: row {row.number} once stood there"
            return AuditFault(FaultKind.INSERTED, row.number - 1, words)
        return AuditFault(FaultKind.CHANGED, row.number, f"row {row.number} is not what was written")

    def _look_for_the_moved(self, row: AuditRow) -> None:
        for before in self._wanted[:1]:
            if row.digest == digest_of(row, before.number + 1, before.digest):
                assert self._broken is not None
                number = before.number + 1
                words = f"row {number} stands as row {row.number} now: a row was put before it, or rows were moved"
                self._broken = AuditFault(FaultKind.MOVED, number, words)

    def _compare(self, row: AuditRow) -> None:
        anchor = self._anchors.pop(row.number, None)
        if anchor is None:
            return
        if anchor.digest == row.digest:
            self._agreed = row.number
        elif self._against is None:
            words = f"somewhere from row {self._agreed + 1} on the record was written anew"
            self._against = _rewritten(anchor, words)

    def _cut(self) -> list[AuditFault]:
        """Anchors at rows that are not there."""
        beyond = [anchor for number, anchor in self._anchors.items() if number > self._last.number]
        if not beyond:
            return []
        newest = max(beyond, key=lambda anchor: anchor.number)
        words = f"rows {self._last.number + 1} to {newest.number} are cut off: they were anchored at {newest.at or '?'}"
        return [AuditFault(FaultKind.CUT_OFF, self._last.number + 1, words)]

    def _end(self, head: Anchor | None) -> AuditFault | None:
        last = self._last
        if head is None or (head.number, head.digest) == (last.number, last.digest):
            return None
        if head.number > last.number:
            words = f"rows {last.number + 1} to {head.number} are cut off"
            return AuditFault(FaultKind.CUT_OFF, last.number + 1, words)
        if head.number < last.number:
            words = f"from row {head.number + 1} on, Ringfence never wrote them"
            return AuditFault(FaultKind.INSERTED, head.number + 1, words)
        return _rewritten(last, "the last row is not the one that was written last")


def _rewritten(anchor: Anchor, words: str) -> AuditFault:
    when = f" (anchored at {anchor.at})" if anchor.at else ""
    return AuditFault(FaultKind.REWRITTEN, anchor.number, f"row {anchor.number}: {words}{when}")


def _sealed(row: AuditRow, digest: str) -> AuditRow:
    return AuditRow(row.number, row.at, row.kind, row.action, row.about, row.who, row.why, row.by, row.detail, digest)
