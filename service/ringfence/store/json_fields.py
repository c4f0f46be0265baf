"""Reading stored JSON strictly: a field that is missing, of the wrong kind or unknown raises ValueError.

The error names the field and never its value, which may be a private number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from sys import intern
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)
Reader = Callable[[Any], object]


class Unreadable(ValueError):
    """What is wrong with one value, without the value: `is no text`. `as_fields` puts the field's name before it."""


def as_fields(value: object, readers: Mapping[str, Reader], *, required: bool = False) -> dict[str, Any]:
    """An object's fields, each read by its reader. `required`: all of them have to be there."""
    fields: dict[str, Any] = {}
    for name, field in as_object(value).items():
        read = readers.get(name)
        if read is None:
            # Not its name: where something is out of place, that may be a number.
            raise ValueError("a field in it is not known to this version")
        try:
            fields[name] = read(field)
        except Unreadable as error:
            raise ValueError(f"the field {name!r} {error}") from None
    if required and len(fields) < len(readers):
        raise ValueError(f"the field {min(readers.keys() - fields.keys())!r} is missing")
    return fields


def as_text(value: object) -> str:
    """Without spaces between, and in ASCII: any database takes it, whatever a source wrote into a name."""
    return json.dumps(value, separators=(",", ":"))


def of_text(text: str) -> object:
    """What `as_text` wrote. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def as_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("is no object")
    return value


def as_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("is no list")
    return value


def as_string(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable("is no text")
    return value


def as_shared(value: object) -> str:
    """For a text that many rows repeat: all of them hold the same object."""
    return intern(as_string(value))


def as_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("is neither true nor false")
    return value


def as_whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable("is no whole number")
    return value


def as_day(value: object) -> date:
    try:
        return date.fromisoformat(as_string(value))
    except ValueError:
        raise Unreadable("is no day") from None


def as_moment(value: object) -> datetime:
    """Aware UTC."""
    try:
        moment = datetime.fromisoformat(as_string(value))
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("is no moment") from None
    if moment.tzinfo is None:
        raise Unreadable("is a moment without its zone")
    return in_utc


def moment_text(moment: datetime) -> str:
    assert moment.tzinfo is not None
    return moment.astimezone(UTC).isoformat()


def as_one_of(kind: type[E]) -> Callable[[object], E]:
    """A reader for the values of an enumeration."""

    def read(value: object) -> E:
        try:
            return kind(as_string(value))
        except ValueError:
            raise Unreadable(f"is none of {', '.join(kind)}") from None

    return read


def or_nothing(read: Reader) -> Reader:
    """A reader that also takes null."""
    return lambda value: None if value is None else read(value)
