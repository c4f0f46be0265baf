"""What the ends of the lab saw of each call, and the account that puts both sides together.

Every offered call carries a caller's number of its own, so the leg that reached the platform or a
mobile can be found again by it. Times are seconds since 1970, the only clock SIPp traces have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from tests.lab.sip import SipMessage, encode


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as the carrier saw it."""

    call_id: str
    did: str
    caller: str
    invited_at: float
    ringing_at: float | None = None
    answered_at: float | None = None
    final_status: int | None = None
    ended_at: float | None = None

    @property
    def ringing_after_seconds(self) -> float | None:
        """Post-dial delay; an answer without ringing counts as heard at the answer."""
        heard_at = self.ringing_at if self.ringing_at is not None else self.answered_at
        return None if heard_at is None else heard_at - self.invited_at


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """One INVITE as a far end saw it, and what became of it there."""

    call_id: str
    number: str
    caller: str
    at: float
    invite: SipMessage
    final_status: int | None = None
    answered_at: float | None = None
    final_at: float | None = None
    """Of whichever final status it gave by itself; not of a caller's cancel."""
    pressed: str = ""
    pressed_at: float | None = None
    ended_by: str | None = None
    ended_at: float | None = None


class AnsweredBy(Enum):
    """Where an offered call ended up."""

    PLATFORM = "platform"
    DEFAULT_NUMBER = "default number"
    ANNOUNCEMENT = "announcement"
    """Answered, by nobody outside: Asterisk itself spoke."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """One offered call with the leg that answered it, if any."""

    offered: CallRecord
    answered_by: AnsweredBy
    leg: ReceivedCall | None


def settle(
    offered: Iterable[CallRecord],
    at_platform: Iterable[ReceivedCall],
    at_mobiles: Iterable[ReceivedCall],
) -> list[Account]:
    """Find for each offered call who answered it.

    The far leg is known by the caller's number in its From, or anywhere else in its INVITE when
    the egress shows the DID instead.
    """
    platform_legs = [leg for leg in at_platform if leg.final_status == 200]
    mobile_legs = [leg for leg in at_mobiles if leg.final_status == 200]
    accounts = []
    for record in offered:
        if record.answered_at is None:
            accounts.append(Account(record, AnsweredBy.NOBODY, None))
        elif leg := _leg_of(record, mobile_legs):
            accounts.append(Account(record, AnsweredBy.DEFAULT_NUMBER, leg))
        elif leg := _leg_of(record, platform_legs):
            accounts.append(Account(record, AnsweredBy.PLATFORM, leg))
        else:
            accounts.append(Account(record, AnsweredBy.ANNOUNCEMENT, None))
    return accounts


def _leg_of(record: CallRecord, legs: list[ReceivedCall]) -> ReceivedCall | None:
    """Mobiles are asked first: a leg the platform answered too late is not where the caller is."""
    for leg in legs:
        if leg.caller == record.caller:
            return leg
    wanted = encode(record.caller)
    return next((leg for leg in legs if wanted in leg.invite.raw), None)
