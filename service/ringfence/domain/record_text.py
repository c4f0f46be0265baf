"""The grammar of the values in AstDB: a version and fields between `|`, words and counts in them.

Decoding trusts nothing, for an AstDB can hold anything.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, TypeVar

SCHEMA_VERSION: Final = "1"
MAX_RECORD_BYTES: Final = 900  # AMI refuses a line from about 1,020 bytes

_COUNT = re.compile(r"0|[1-9][0-9]{0,14}")


class RecordError(ValueError):
    """A value that cannot be read. The dialplan treats it as absent; people are told why."""


def fields_of(text: str, count: int) -> list[str]:
    """The fields after the version. Raises RecordError."""
    if len(text.encode(errors="replace")) > MAX_RECORD_BYTES:
        raise RecordError(f"the record is longer than {MAX_RECORD_BYTES} bytes")
    version, *fields = text.split("|")
    if version != SCHEMA_VERSION:
        raise RecordError(f"the schema version is not {SCHEMA_VERSION}")
    if len(fields) != count:
        raise RecordError(f"the record has {len(fields)} fields after the version instead of {count}")
    return fields


_Word = TypeVar("_Word", bound=StrEnum)


def member_of(kind: type[_Word], text: str, what: str) -> _Word:
    """Raises RecordError."""
    try:
        return kind(text)
    except ValueError:
        raise RecordError(f"the {what} is none of {', '.join(kind)}") from None


def count_of(text: str, what: str) -> int:
    """A whole number without leading zeros. Raises RecordError."""
    if not _COUNT.fullmatch(text):
        raise RecordError(f"{what} is not a whole number")
    return int(text)


def flag_of(text: str, what: str) -> bool:
    """Raises RecordError."""
    if text not in ("0", "1"):
        raise RecordError(f"{what} is neither 0 nor 1")
    return text == "1"
