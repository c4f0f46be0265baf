"""The record of every change and every reveal, as a chain: each row's digest covers the row before it, so that a row
that was changed, removed or moved is found by whoever knows the last digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from ringfence.domain.audit_kind import AuditKind as AuditKind
from ringfence.domain.numbers import MAX_TEXT_LENGTH, mask_text

MACHINE: Final = "ringfence"
"""Who did what nobody ordered."""

PERSON: Final = "person:"
"""Before a person's key in `about`. The record keeps a pseudonym in its place (`store.audit_rows`)."""

PSEUDONYM: Final = "person~"
"""Before the pseudonym."""

MAX_NAME_CHARACTERS: Final = 200
MAX_WORDS_CHARACTERS: Final = 500
MAX_DETAIL_CHARACTERS: Final = 20_000  # every DID of the longest list

# What has many digits and is no telephone number: DIDs that are marked as such, days and times, IPv4 addresses, and
# Asterisk's ids of calls (seconds since 1970, a dot, a count).
_KEPT = re.compile(
    r"dids?:[+0-9][+0-9a-f:,.-]*"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)"
    r"|(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\d.])"
    r"|(?<![\d.])1\d{9}\.\d{1,9}(?![\d.])"
)
_NUMBER = re.compile(r"\+?\(?\d(?:[ ()./\u00a0\u2010-\u2013-]{0,3}\d){6,}")


@dataclass(frozen=True, slots=True)
class AuditFact:
    """One thing that was done. `who` is a name, or `ringfence` for what the machine did by itself; `by` is how they had
    signed in, empty for the machine. `about` is what it was done to (a scope, a DID, a person's key), `detail` the
    rest, with numbers masked: nothing private is ever in here."""

    at: datetime
    kind: AuditKind
    action: str
    about: str
    who: str
    why: str = ""
    by: str = ""
    detail: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def settled(fact: AuditFact) -> AuditFact:
    """The fact as it may be kept for ever: whatever looks like a telephone number is masked, but for DIDs
    after `did:` or `dids:`; one line of printable text each; not without end."""
    about = fact.about if fact.about.startswith(PERSON) else masked(fact.about)
    return replace(
        fact,
        action=_line(masked(fact.action), MAX_NAME_CHARACTERS),
        about=_line(about, MAX_WORDS_CHARACTERS),
        who=_line(masked(fact.who), MAX_NAME_CHARACTERS),
        why=_line(masked(fact.why), MAX_WORDS_CHARACTERS),
        by=_line(masked(fact.by), MAX_NAME_CHARACTERS),
        detail=MappingProxyType(
            {
                _line(masked(name), MAX_NAME_CHARACTERS): _line(masked(text), MAX_DETAIL_CHARACTERS)
                for name, text in sorted(fact.detail.items())
            }
        ),
    )


def masked(text: str) -> str:
    """A text in which people may have written numbers, with every one of seven digits or more masked."""
    shown, at = [], 0
    for kept in _KEPT.finditer(text):
        shown += [_NUMBER.sub(_hidden, text[at : kept.start()]), kept.group()]
        at = kept.end()
    return "".join((*shown, _NUMBER.sub(_hidden, text[at:])))


def _hidden(found: re.Match[str]) -> str:
    # Longer than any number: nothing of it is worth showing.
    return mask_text(found.group()) if len(found.group()) <= MAX_TEXT_LENGTH else "*" * MAX_TEXT_LENGTH


def _line(text: str, characters: int) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:characters])
