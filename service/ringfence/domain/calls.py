"""What became of one inbound call, as the dialplan tells it at the call's end (see docs/reference/events.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ringfence.domain.moment import Moment
from ringfence.domain.numbers import mask


class AnsweredBy(StrEnum):
    """Who took the call. A private number is never part of a record: the plan's step says which one it was."""

    PLATFORM = "platform"
    PERSON = "person"
    SITE = "site"
    TEAM = "team"
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"
    DIALPLAN = "dialplan"
    """Something of the site's own dialplan, which had been handed the call: a telephone, a queue, a menu."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One journal row. `caller` is a number, `withheld`, or empty once it is no longer kept. `step` is 0 for the
    platform and n for the plan's n-th step; durations are in milliseconds. `would`: in shadow mode what would have
    become of it (`shadow.read_would`), else empty. `answered_after_ms`: None where nobody answered, or it is not known,
    as of calls that an earlier release stored and of those that Asterisk's own records completed."""

    call_id: str
    ended_at: datetime
    did: str
    trunk: str
    scope: str
    caller: str
    decision: str
    path: str
    reason: str
    step: int
    answered_by: AnsweredBy
    result: str
    platform_status: int | None
    duration_ms: int
    ringing_after_ms: int | None
    would: str = ""
    answered_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PlatformAnswered:
    """The platform answered the call `call_id`. `waited`: it rang, or played something, before. `caller` is as it was
    sent, or empty."""

    call_id: str
    scope: str
    did: str
    caller: str
    waited: bool
    at: Moment


WITHHELD: Final = "withheld"
"""For a caller who withheld the number."""

_NO_LONGER_KEPT: Final = "no longer kept"


def caller_of(told: str) -> str:
    """What the journal keeps of a caller. Whatever has no digit is none: `anonymous`, `restricted`, a name."""
    return told if any(character.isdigit() for character in told) else WITHHELD


def has_number(caller: str) -> bool:
    """Whether a record's caller is a number: neither withheld nor blanked since."""
    return any(character.isdigit() for character in caller)


def shown_caller(caller: str) -> str:
    """As everybody may see it: the caller may well be one of our people on the mobile that is their default number."""
    if has_number(caller):
        return mask(caller)
    return WITHHELD if caller else _NO_LONGER_KEPT
