"""What came of one surgical call: every message, its time, and what the caller could tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from tests.lab.sip import SipMessage, encode


class Ended(Enum):
    """Who ended the call."""

    NOT_ANSWERED = "refused by the far side"
    CANCELLED = "cancelled by the caller as asked"
    GIVEN_UP = "given up: no final response in time"
    BY_CALLER = "hung up by the caller after the hold time"
    BY_CALLEE = "hung up by the far side"


@dataclass(frozen=True, slots=True)
class Response:
    """One response to the INVITE; repeats are kept. Monotonic time."""

    status: int
    at: float
    message: SipMessage


@dataclass(frozen=True, slots=True)
class CallResult:
    """All times are monotonic and comparable with `time.monotonic()` of this machine."""

    invited_at: float
    responses: tuple[Response, ...]
    final_status: int | None
    answered_at: float | None
    rtp_packet_times: tuple[float, ...]
    rtp_packets: tuple[bytes, ...]
    """As they came; `tests.lab.heard` listens to them."""
    ended: Ended
    call_id: str
    received: tuple[bytes, ...]
    sent: tuple[bytes, ...]
    ended_at: float

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    @property
    def ringing_after_seconds(self) -> float | None:
        """From the INVITE to the first 18x; nothing if it never rang."""
        times = [response.at for response in self.responses if 180 <= response.status < 190]
        return times[0] - self.invited_at if times else None

    @property
    def answered_after_seconds(self) -> float | None:
        return None if self.answered_at is None else self.answered_at - self.invited_at

    @property
    def rtp_packet_count(self) -> int:
        """Far ends of the lab send no media unless told to talk, so anything here was played by Asterisk."""
        return len(self.rtp_packet_times)

    @property
    def longest_rtp_gap_seconds(self) -> float:
        """Between two packets that follow one another; none with fewer than two. Our own lateness is in it."""
        times = self.rtp_packet_times
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def mentions(self, text: str | bytes) -> bool:
        """Whether it stands anywhere in anything the caller received."""
        wanted = encode(text)
        return any(wanted in datagram for datagram in self.received)
