"""Which identity a carrier takes of us, as the data plane has learnt it: `identity/<trunk>` in AstDB. Pure.

The dialplan writes the record by itself when a rung of the ladder was refused and a lower one rang
(docs/reference/astdb.md); here it is only read, to be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from ringfence.domain.record_text import RecordError, count_of, fields_of


class Rung(StrEnum):
    """Who a diverted call says it is, from the most telling to the least."""

    CALLER = "caller"
    """From is the caller's number; our DID vouches for it in P-Asserted-Identity and Diversion."""
    DID = "did"
    """From is our DID, too."""
    TRUNK = "trunk"
    """From is the number the carrier knows the trunk by, and nothing else is said."""


RUNG_WORDS: Final = {
    Rung.DID: "our DID in place of the caller's number",
    Rung.TRUNK: "the trunk's own number in place of the caller's",
}
"""The rungs that may be learnt, and what a call shows on each."""


@dataclass(frozen=True, slots=True)
class LearntIdentity:
    """What calls by one egress trunk begin with until `until`, and the status that taught it."""

    trunk: str
    rung: Rung
    status: int
    learnt_at: datetime
    until: datetime

    @property
    def sentence(self) -> str:
        return f"its carrier refused our identity with {self.status}: calls show {RUNG_WORDS[self.rung]}"


def decode_identity(trunk: str, text: str, retry: timedelta) -> LearntIdentity:
    """The value of `identity/<trunk>`. Raises RecordError."""
    rung, unix_time, status = fields_of(text, 3)
    if rung not in RUNG_WORDS:
        raise RecordError("the rung is none that could be learnt")
    try:
        learnt_at = datetime.fromtimestamp(count_of(unix_time, "unix_time"), UTC)
        return LearntIdentity(trunk, Rung(rung), count_of(status, "status"), learnt_at, learnt_at + retry)
    except (OverflowError, OSError, ValueError) as error:
        raise RecordError("a number of the record is out of range") from error
