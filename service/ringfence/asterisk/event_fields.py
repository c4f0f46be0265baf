"""The parts of ARI's JSON, read exactly or not at all: what `events` and the readers of single user events share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import unquote

from ringfence.asterisk.vocabulary import EventType, Field, UserEventName

MAX_TEXT_CHARS: Final = 128

DID: Final = re.compile(r"\+[1-9][0-9]{5,14}")
CONFIGURED_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""Of a site, a trunk, a platform."""
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Json = Mapping[str, object]


class MalformedEvent(ValueError):
    """An event that is not what it should be. The text names the field and repeats nothing of its content."""


def read_user_event(event: object, name: UserEventName) -> Json | None:
    """The fields of a user event of this name; None: it is another event. Raises MalformedEvent."""
    message = read_object(event, "the event")
    if (message.get("type"), message.get("eventname")) != (EventType.USER_EVENT, name):
        return None
    return read_object(message.get("userevent"), "userevent")


def read_object(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise MalformedEvent(f"{what} is not an object")
    return cast(Json, value)


def read_text(holder: Json, key: str, what: str) -> str:
    value = holder.get(key, "")
    if not isinstance(value, str):
        raise MalformedEvent(f"{what} is not text")
    return value


def read_field(fields: Json, name: Field) -> str:
    """A user event's field, decoded; empty when it is absent."""
    value = read_text(fields, name, name)
    # Three characters for one at most, so the limit holds after decoding, too.
    if len(value) > 3 * MAX_TEXT_CHARS:
        raise MalformedEvent(f"{name} is too long")
    return unquote(value, errors="replace").strip()


def read_matching(fields: Json, name: Field, pattern: re.Pattern[str]) -> str:
    value = read_field(fields, name)
    if value and not pattern.fullmatch(value):
        raise MalformedEvent(f"{name} is not a plain word")
    return value


def clean(text: str) -> str:
    """A stranger's text as it may be stored and shown: bounded, and without control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[:MAX_TEXT_CHARS])


def read_number(fields: Json, name: Field) -> int | None:
    value = read_field(fields, name)
    if not value:
        return None
    if not _DIGITS.fullmatch(value):
        raise MalformedEvent(f"{name} is not a number")
    return int(value)


def read_status(fields: Json, name: Field) -> int | None:
    """A final SIP status (RFC 3261 section 7.2: three digits); a provisional one means that no answer came."""
    status = read_number(fields, name)
    if status is None or status < 200:
        return None
    if status > 699:
        raise MalformedEvent(f"{name} is not a SIP status")
    return status
