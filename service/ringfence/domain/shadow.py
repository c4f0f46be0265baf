"""Shadow mode: what would have become of a call that nothing was done to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from zlib import crc32

from ringfence.domain.assumed import FarEnd, PlatformDoes
from ringfence.domain.calls import WITHHELD, AnsweredBy, CallRecord
from ringfence.domain.incident_calls import started_at
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import decode_mode, decode_route
from ringfence.domain.route_table import did_path
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import Assumptions, Question, SiteRules, Table

SLOW: Final = "platform-slow"
"""The reason of a call that the platform rang too late: live, `no_progress_seconds` would have ended the wait."""

NOTHING_DONE: Final = "SHADOW: nothing was done to calls"
"""Among the evidence of every change of a mode in shadow mode, so that it says so for as long as it is kept."""
REFUSED_PATH: Final = "refused"
DECISION: Final = "shadow"
"""The dialplan's decision for a call that nothing was done to."""
OUTWARD: Final = frozenset({AnsweredBy.PERSON, AnsweredBy.SITE, AnsweredBy.TEAM})
"""Who is reached by a call that leaves, and costs."""

_STEP: Final = re.compile(r"[0-9]{1,3}")
_OUTCOMES: Final = {does.value: does for does in PlatformDoes}


@dataclass(frozen=True, slots=True)
class Would:
    """How a call would have gone, had whoever was rung first answered. The fields are those of a `CallRecord`: `step` 0
    and `answered_by` platform or nobody where the platform keeps it."""

    path: str
    reason: str
    answered_by: AnsweredBy
    step: int

    @property
    def text(self) -> str:
        """As the journal keeps it."""
        return f"{self.path}|{self.reason}|{self.answered_by}|{self.step}"

    @property
    def diverted(self) -> bool:
        """Whether the plan would have taken it."""
        return self.step > 0

    @property
    def outward(self) -> bool:
        """Whether a call would have gone out for it."""
        return self.diverted and self.answered_by in OUTWARD


def read_would(text: str) -> Would | None:
    """None: the call was no shadow's, or a newer version wrote it."""
    parts = text.split("|")
    if len(parts) != 4 or parts[2] not in list(AnsweredBy) or not _STEP.fullmatch(parts[3]):
        return None
    return Would(parts[0], parts[1], AnsweredBy(parts[2]), int(parts[3]))


def would_of(record: CallRecord, table: Table, rules: SiteRules) -> Would:
    """`table` gives the records that are wanted, and under `mode/` what was decided when the call came in."""
    if record.path == REFUSED_PATH:
        return Would(record.path, record.reason, AnsweredBy.NOBODY, 0)
    does, slow = _platform_did(record, table, rules)
    caller = "" if record.caller == WITHHELD else record.caller
    assumed = Assumptions(platform=does, otherwise=FarEnd.ANSWERS, to_platform=_tries(record, table))
    found = simulate(Question(record.did, record.trunk, started_at(record), assumed, caller), table, rules).ending
    reason = SLOW if slow and found.path == "inline" else found.reason
    return Would(found.path, reason, found.answered_by, found.step)


def _platform_did(record: CallRecord, table: Table, rules: SiteRules) -> tuple[PlatformDoes, bool]:
    """What the platform did, and whether that was to ring too late."""
    timeouts = rules.platforms.get(record.scope)
    patience_ms = timeouts.no_progress_seconds * 1000 if timeouts is not None else 0
    if record.ringing_after_ms is not None and patience_ms and record.ringing_after_ms > patience_ms:
        return PlatformDoes.SILENT, True
    if record.result == "cancelled":
        # Who gives up before anything was heard, and later than we would have waited, waited in vain.
        in_vain = record.ringing_after_ms is None and patience_ms and record.duration_ms > patience_ms
        return (PlatformDoes.SILENT, True) if in_vain else (PlatformDoes.UNANSWERED, False)
    return _OUTCOMES.get(record.result, PlatformDoes.ANSWERS), False


def _tries(record: CallRecord, table: Table) -> bool:
    """In a trial the dialplan draws one call in so many; here its id does, so that asking again gives the same."""
    try:
        scope = decode_route(table(did_path(record.did)) or "").scope
    except RecordError:
        scope = record.scope
    try:
        one_in = decode_mode(table(f"mode/{scope}") or "").one_in
    except RecordError:
        return True
    return one_in < 1 or crc32(record.call_id.encode()) % one_in == 0


class NoteKind(StrEnum):
    """What is noted beside the calls."""

    SHADOW = "shadow"
    """From here on nothing was done to calls."""
    LIVE = "live"
    VERDICT = "verdict"
    """A platform's verdict changed."""
    SEEN = "seen"
    """The daemon ran, in shadow mode."""


@dataclass(frozen=True, slots=True)
class ShadowNote:
    """`scope`, and `word`, the verdict's state, of a verdict alone; `reason` says why it is so."""

    at: datetime
    kind: NoteKind
    scope: str = ""
    word: str = ""
    reason: str = ""
