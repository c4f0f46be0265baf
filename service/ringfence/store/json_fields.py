"""Reading stored JSON strictly: a field that is missing, of the wrong kind or unknown raises ValueError.

The error names the field and never its value, which may be a private number.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from sys import intern
from typing import Any, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Unreadable(ValueError):
    """What is wrong with one value, without the value: `is no text`. `Fields` puts the field's name before it."""


class Fields:
    """An object whose fields are taken one by one; at the end none may be left."""

    __slots__ = ("_left",)

    def __init__(self, value: object) -> None:
        self._left = dict(as_object(value))

    def required(self, name: str, read: Callable[[Any], T]) -> T:
        if name not in self._left:
            raise ValueError(f"the field {name!r} is missing")
        return self._taken(name, read)

    def optional(self, name: str, read: Callable[[Any], T]) -> T | None:
        return self._taken(name, read) if name in self._left else None

    def end(self) -> None:
        # Only how many: where something is out of place, a field's name may be a number.
        if self._left:
            raise ValueError(f"{len(self._left)} field(s) in it are not known to this version")

    def _taken(self, name: str, read: Callable[[Any], T]) -> T:
        try:
            return read(self._left.pop(name))
        except Unreadable as error:
            raise ValueError(f"the field {name!r} {error}") from None


def as_text(value: object) -> str:
    """Without spaces between, and in ASCII: any database takes it, whatever a source wrote into a name."""
    return json.dumps(value, separators=(",", ":"))


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
    except ValueError:
        raise Unreadable("is no moment") from None
    if moment.tzinfo is None:
        raise Unreadable("is a moment without its zone")
    return moment.astimezone(UTC)


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
