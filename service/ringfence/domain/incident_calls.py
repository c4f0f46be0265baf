"""What became of the calls of an incident, counted while they are read: the journal may hold more of them than fit in
memory at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.incident import Span

MAX_DIDS: Final = 100_000
MAX_BUCKETS: Final = 2_000
MINUTE_SECONDS: Final = 60
FIVE_MINUTES_SECONDS: Final = 300
HOUR_SECONDS: Final = 3_600
SHORT: Final = timedelta(hours=2)
LONG: Final = timedelta(days=2)


class Served(StrEnum):
    """Who took a call, in the words of whoever reads a report."""

    PLATFORM = "platform"
    DEFAULT_NUMBER = "default number"
    RECEPTION = "reception"
    TEAM = "team"
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"
    DIALPLAN = "own dialplan"
    NOBODY = "nobody"


SERVED: Final = {
    AnsweredBy.PLATFORM: Served.PLATFORM,
    AnsweredBy.PERSON: Served.DEFAULT_NUMBER,
    AnsweredBy.SITE: Served.RECEPTION,
    AnsweredBy.TEAM: Served.TEAM,
    AnsweredBy.VOICEMAIL: Served.VOICEMAIL,
    AnsweredBy.ANNOUNCEMENT: Served.ANNOUNCEMENT,
    AnsweredBy.DIALPLAN: Served.DIALPLAN,
    AnsweredBy.NOBODY: Served.NOBODY,
}
NOBODY_THERE: Final = frozenset({Served.VOICEMAIL, Served.ANNOUNCEMENT, Served.NOBODY})


def started_at(call: CallRecord) -> datetime:
    """When the call came in."""
    return call.ended_at - timedelta(milliseconds=call.duration_ms)


def platform_failed(call: CallRecord) -> bool:
    """Whether the platform let this very call down. A person who is busy or does not answer is no failure."""
    return call.path in ("inline", "rescued") or call.result == "failure"


def bucket_seconds(span: Span) -> int:
    """By how much time statuses are counted together: a minute up to two hours, five minutes up to two days."""
    length = span.until - span.since
    return MINUTE_SECONDS if length <= SHORT else FIVE_MINUTES_SECONDS if length <= LONG else HOUR_SECONDS


@dataclass(slots=True)
class DidTally:
    """The calls to one DID."""

    calls: int = 0
    served: Counter[Served] = field(default_factory=Counter)


@dataclass(slots=True)
class CallTally:
    """`add` every call of an incident, in any order. `bucket`: seconds (see `bucket_seconds`). What does not fit within
    the limits is counted in `left_out` alone."""

    bucket: int
    calls: int = 0
    served: Counter[Served] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[datetime, int]] = field(default_factory=Counter)
    dids: dict[str, DidTally] = field(default_factory=dict)
    first_failed: datetime | None = None
    last_failed: datetime | None = None
    failed: int = 0
    plan_tried: int = 0
    plan_in_vain: int = 0
    left_out: int = 0

    def add(self, call: CallRecord) -> None:
        served = SERVED[call.answered_by]
        self.calls += 1
        self.served[served] += 1
        self.results[call.result or "unknown"] += 1
        self._did(call.did, served)
        if call.step > 0:
            self.plan_tried += 1
            self.plan_in_vain += served in NOBODY_THERE
        if not platform_failed(call):
            return
        begun = started_at(call)
        self.failed += 1
        self.first_failed = begun if self.first_failed is None else min(begun, self.first_failed)
        self.last_failed = begun if self.last_failed is None else max(begun, self.last_failed)
        if call.platform_status is not None:
            self._status(begun, call.platform_status)

    def seconds_to_verdict(self, opened_at: datetime) -> float | None:
        """From the first call that failed to the verdict; None where no call failed before it."""
        if self.first_failed is None or self.first_failed > opened_at:
            return None
        return (opened_at - self.first_failed).total_seconds()

    def _did(self, did: str, served: Served) -> None:
        tally = self.dids.get(did)
        if tally is None:
            if len(self.dids) >= MAX_DIDS:
                self.left_out += 1
                return
            tally = self.dids[did] = DidTally()
        tally.calls += 1
        tally.served[served] += 1

    def _status(self, at: datetime, status: int) -> None:
        begin = datetime.fromtimestamp(at.timestamp() // self.bucket * self.bucket, UTC)
        if (begin, status) in self.statuses or len(self.statuses) < MAX_BUCKETS:
            self.statuses[begin, status] += 1
        else:
            self.left_out += 1
