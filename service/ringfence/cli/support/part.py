"""One file of a bundle, and how values get into it: fields that are known to be harmless, and no others."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.domain.redaction import Redaction

LEFT_OUT: Final = "[left out]"
MAX_CHARACTERS: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """`about` says what it is, for the list; `missing`: why there is nothing, else empty."""

    name: str
    about: str
    text: str = ""
    missing: str = ""


def names(text: str) -> frozenset[str]:
    """Names of fields, written one after the other."""
    return frozenset(text.split())


def json_part(name: str, about: str, value: Any, redaction: Redaction, texts: Collection[str]) -> Part:
    """`texts`: names of the fields whose texts may be told. Numbers and truth values are told of every field."""
    return Part(name, about, _dumped(_told(value, redaction, texts, "")))


def text_part(name: str, about: str, text: str, redaction: Redaction) -> Part:
    """A text of which the caller took nothing but what is known."""
    return Part(name, about, redaction.text(text[:MAX_CHARACTERS]))


def missing_part(name: str, about: str, why: str, redaction: Redaction) -> Part:
    return Part(name, about, missing=redaction.text(why))


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)[:MAX_CHARACTERS] + "\n"


def _told(value: Any, redaction: Redaction, texts: Collection[str], field: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return redaction.number(value)
    if isinstance(value, str):
        return redaction.text(value) if field in texts or not value else LEFT_OUT
    if isinstance(value, Mapping):
        return {redaction.text(str(key)): _told(one, redaction, texts, str(key)) for key, one in value.items()}
    return [_told(one, redaction, texts, field) for one in value]
