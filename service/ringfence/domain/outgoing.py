"""What became of a call that one of the site's own phones placed, as the dialplan tells it (docs/reference/events.md).

Neither who called nor whom: whether it was an emergency is all that is told of the number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ringfence.domain.notice import Notice, NoticeKind, Severity

RESULTS: Final = frozenset(
    {
        "begun",
        "answered",
        "busy",
        "cancelled",
        "declined",
        "failure",
        "full",
        "refused",
        "unanswered",
        "undeliverable",
    }
)
"""`begun` is told of an emergency alone, the moment it is dialled."""


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """`site` and `egress` are names from the configuration; `egress` is empty where no trunk was tried. `preempted`: a
    diverted call was cut for it."""

    call_id: str
    site: str
    emergency: bool
    result: str
    egress: str
    status: int | None
    preempted: bool
    at: datetime


def emergency_notice(call: OutgoingCall) -> Notice:
    """People are told while it rings: whoever is near may help, and whoever answers may be called back."""
    when = call.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Notice(
        f"emergency-{call.site}-{call.call_id}",
        NoticeKind.ALARM,
        Severity.CRITICAL,
        call.at,
        f"{call.site}: an emergency number is being called",
        f"At {when} a telephone of the site {call.site} dialled an emergency number. Ringfence does not keep which "
        f"telephone it was; Asterisk's own call records do, under the id {call.call_id}.",
    )
