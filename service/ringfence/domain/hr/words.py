"""Words and small texts of a record: what they mean, what is allowed in them, how a wrong one is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from unicodedata import normalize

from ringfence.domain.directory import why_not_name
from ringfence.domain.numbers import mask_text

MAX_DETAIL_LENGTH: Final = 255  # a manager may be an LDAP name
MAX_ID_LENGTH: Final = 128

BLANK_WORDS: Final = frozenset({"", "-", "--", "n/a", "none", "null", "(null)"})
YES_NO: Final[Mapping[str, bool]] = MappingProxyType(
    dict.fromkeys(("true", "yes", "y", "1"), True) | dict.fromkeys(("false", "no", "n", "0"), False)
)
_EMPLOYED: Final = "active, enabled, employed, current, on leave, leave, on leave of absence, paid leave, unpaid leave"
_NOT_EMPLOYED: Final = "inactive, disabled, leaver, left, terminated, ended, retired, resigned, dismissed, deceased"
STATUS_WORDS: Final[Mapping[str, bool]] = MappingProxyType(
    {**YES_NO, **dict.fromkeys(_EMPLOYED.split(", "), True), **dict.fromkeys(_NOT_EMPLOYED.split(", "), False)}
)

_ERROR_MARK = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!)")
_ID = re.compile(r"[!-~]{1,128}")  # printable ASCII without spaces
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def tidy(text: str) -> str:
    """With single spaces and composed letters, so that the same name compares equal whoever typed it."""
    tidy = " ".join(text.split())
    return tidy if tidy.isascii() else normalize("NFC", tidy)


def shown(text: str) -> str:
    """As people may see a text that is not what it should be: it may be a private number in the wrong column."""
    return repr(mask_text(text))


def why_not_cell(text: str) -> str | None:
    """Why a text is no content at all; None when it may be."""
    return "is a spreadsheet's error mark; enter it again and export again" if _ERROR_MARK.fullmatch(text) else None


def why_not_id(text: str) -> str | None:
    if (fault := why_not_cell(text)) is not None:
        return fault
    return None if _ID.fullmatch(text) else f"must be 1 to {MAX_ID_LENGTH} characters without spaces"


def why_not_detail(text: str) -> str | None:
    if len(text) > MAX_DETAIL_LENGTH:
        return f"is longer than {MAX_DETAIL_LENGTH} characters; shorten it"
    return why_not_name(text[:1]) or (None if text.isprintable() else "holds a control character; remove it")


def why_not_email(text: str) -> str | None:
    return None if _EMAIL.fullmatch(text) else "is no e-mail address; write one, or leave it empty"
