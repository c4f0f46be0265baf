"""All of Asterisk's spellings in one place: states, event types, field names, and what each of them means to us.

The parsers in `events.py` and the clients read this; nothing else in the service spells a word of Asterisk's. Where
releases or interfaces spell one thing in several ways, the ways are mapped to one member here, once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.outcomes import OutcomeClass

FAMILY: Final = "ringfence"
"""The AstDB family of everything we publish (docs/reference/astdb.md)."""

ROUTE_CONTEXT: Final = "ringfence-route"
"""The context a call is in while it waits on its platform; its extension is then the DID in E.164."""

RESCUE_CONTEXT: Final = "ringfence-rescue"
"""Where a caller goes on whose platform died in mid-call."""

QUALIFY_SUFFIX: Final = "_qualify"
"""The endpoint that is qualified for evidence is the dialled one's name with this ending."""


class EventType(StrEnum):
    """The ARI events we read; ARI's own `type` field."""

    DIAL = "Dial"
    USER_EVENT = "ChannelUserevent"
    CONTACT_STATUS = "ContactStatusChange"
    PEER_STATUS = "PeerStatusChange"
    REPLACED = "ApplicationReplaced"


EVENT_FILTER: Final = {
    "allowed": [
        {"type": str(EventType.DIAL)},
        {"type": str(EventType.USER_EVENT)},
        {"type": str(EventType.CONTACT_STATUS)},
        {"type": str(EventType.PEER_STATUS)},
        {"type": str(EventType.REPLACED)},
    ]
}
"""Body of `PUT /applications/{app}/eventFilter`: of about 65 events a call, a handful is left."""


class UserEventName(StrEnum):
    """The dialplan's own events (docs/reference/events.md)."""

    LEG = "RingfenceLeg"
    CALL = "RingfenceCall"
    HANDED = "RingfenceHanded"
    EGRESS = "RingfenceEgress"
    OUTBOUND = "RingfenceOutbound"
    REFUSAL = "RingfenceRefusal"
    IDENTITY = "RingfenceIdentity"


class Field(StrEnum):
    """Field names of the dialplan's own events. Every value is URI-encoded; times are Unix milliseconds."""

    CALL = "call"
    DID = "did"
    TRUNK = "trunk"
    SCOPE = "scope"
    CALLER = "caller"
    RESULT = "result"
    STATUS = "status"
    DECISION = "decision"
    PATH = "path"
    REASON = "reason"
    STEP = "step"
    ANSWERED_BY = "answered_by"
    PLATFORM_STATUS = "platform_status"
    EGRESS = "egress"
    SITE = "site"
    EMERGENCY = "emergency"
    PREEMPTED = "preempted"
    STARTED = "started"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    WHAT = "what"
    LIMIT = "limit"
    RUNG = "rung"


LEG_OUTCOMES: Final = {
    "failure": OutcomeClass.FAILURE,
    "undeliverable": OutcomeClass.UNDELIVERABLE,
    "busy": OutcomeClass.PERSONS_DOING,
    "declined": OutcomeClass.PERSONS_DOING,
    "unanswered": OutcomeClass.PERSONS_DOING,
    "cancelled": OutcomeClass.PERSONS_DOING,
}
"""`result` of a `RingfenceLeg`. A leg that was answered sends none: its `Dial` events say so earlier."""

EGRESS_PASSED: Final = {
    "failure": False,
    "full": None,
    "undeliverable": None,
    "busy": True,
    "declined": True,
    "unanswered": True,
    "unaccepted": True,
}
"""`result` of a `RingfenceEgress`: whether it speaks for the trunk. Only who carries calls can say a number is busy."""

ANSWERED_BY: Final = {str(member): member for member in AnsweredBy}


class DialStatus(StrEnum):
    """`dialstatus` of ARI's `Dial`: empty when the leg begins, then what it has come to."""

    BEGUN = ""
    RINGING = "RINGING"
    PROGRESS = "PROGRESS"
    ANSWER = "ANSWER"


PUT_THROUGH: Final = frozenset({DialStatus.RINGING, DialStatus.ANSWER})
"""Not PROGRESS: a 183 may bring ringback, or an announcement that the call cannot be put through."""


class ChannelState(StrEnum):
    """Channel states that matter to the sweep, as ARI spells them. `RING`: it called in, and is not answered yet; a leg
    that Asterisk dialled is `Down` or `RINGING` until then."""

    RING = "Ring"
    RINGING = "Ringing"
    UP = "Up"


class ContactState(StrEnum):
    """What PJSIP's qualify says of a contact or endpoint."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    NOT_QUALIFIED = "not qualified"
    PENDING = "pending"


_CONTACT_SPELLINGS: Final = {
    # res_pjsip's contact status, in ARI's `contact_status` and AMI's `ContactStatus`.
    "reachable": ContactState.REACHABLE,
    "unreachable": ContactState.UNREACHABLE,
    "nonqualified": ContactState.NOT_QUALIFIED,
    "unqualified": ContactState.NOT_QUALIFIED,
    "unknown": ContactState.PENDING,
    "created": ContactState.PENDING,
    "updated": ContactState.PENDING,
    "removed": ContactState.PENDING,
    # The short forms of the CLI and of `PJSIPShowContacts`.
    "avail": ContactState.REACHABLE,
    "unavail": ContactState.UNREACHABLE,
    "nonqual": ContactState.NOT_QUALIFIED,
    # ARI's endpoint state.
    "online": ContactState.REACHABLE,
    "offline": ContactState.UNREACHABLE,
}

_PASSED: Final = {ContactState.REACHABLE: True, ContactState.UNREACHABLE: False}


def contact_state(spelling: str) -> ContactState | None:
    """Whichever way it is spelled; None for a word this table does not know."""
    return _CONTACT_SPELLINGS.get(spelling.strip().lower())


def contact_passed(state: ContactState | None) -> bool | None:
    """Whether it speaks for the target: only reachable and unreachable are an answer, all else is "cannot tell"."""
    return None if state is None else _PASSED.get(state)


LIST_ACTIONS: Final = frozenset({"DBGet", "DBGetTree", "PJSIPShowEndpoint", "PJSIPShowRegistrationsOutbound"})
"""AMI actions whose answer is followed by rows."""

# AMI's words for why an action was refused.
AMI_NOT_FOUND: Final = "database entry not found"
AMI_NOT_DELETED: Final = "database entry could not be deleted"
"""DBDel of a key that is not there; some releases say "not found"."""
AMI_NO_CHANNEL: Final = "no such channel"
AMI_CHANNEL_GONE: Final = ("channel does not exist", "redirect failed, channel not up")
"""How the refusal begins to redirect a channel that has just ended; the first one goes on with its name."""
AMI_LOGIN_FAILED: Final = "authentication failed"
AMI_NO_PRIVILEGE: Final = "permission denied"

CAUSE_NO_CIRCUIT: Final = 34
"""Q.850 cause of a leg the sweep takes down: the caller's own `Dial` returns and his plan goes on."""
