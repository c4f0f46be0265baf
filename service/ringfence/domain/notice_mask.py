"""Takes telephone numbers out of a notice. Whoever writes one leaves them out; this is the second lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ringfence.domain.notice import Notice
from ringfence.domain.numbers import is_e164, mask, mask_text

MAX_TITLE_CHARACTERS: Final = 200
MAX_TEXT_CHARACTERS: Final = 4_000

# A plus or a nought and at least eight more digits, as people space them; or nine digits and more in a row. Dates and
# times of day are shorter, or have other signs in between. Identifiers of ours, hexadecimal with letters, are no
# numbers: a command that names one has to work.
_NUMBERS: Final = re.compile(
    r"(?P<identifier>(?<![0-9A-Za-z])(?=(?:[0-9]*[a-f]){3})[0-9a-f]{12,64}(?![0-9A-Za-z]))"
    r"|(?<![0-9])(?:(?:\+|00|0)(?:[ ()./\u00a0\u2010-\u2013-]{0,2}[0-9]){7,15}|[0-9]{9,})(?![0-9])"
)
_SEPARATORS: Final = re.compile(r"[ ()./\u00a0\u2010-\u2013-]")


def without_numbers(notice: Notice, ours: Callable[[str], bool]) -> Notice:
    """The notice as it may be stored and sent: every number masked that is not a DID of ours, the title on one line,
    and both of a length that any channel takes."""
    title = " ".join("".join(c if c.isprintable() else " " for c in masked_but_ours(notice.title, ours)).split())
    text = "".join(c for c in masked_but_ours(notice.text, ours) if c.isprintable() or c == "\n")
    return replace(notice, title=_cut(title, MAX_TITLE_CHARACTERS), text=_cut(text, MAX_TEXT_CHARACTERS))


def masked_but_ours(text: str, ours: Callable[[str], bool]) -> str:
    """A text with every number masked of which `ours` does not say that it is a DID of ours; `ours` gets E.164."""

    def hidden(found: re.Match[str]) -> str:
        if found["identifier"]:
            return found[0]
        plain = _SEPARATORS.sub("", found[0])
        if is_e164(plain):
            return found[0] if ours(plain) else mask(plain)
        return mask_text(found[0])

    return _NUMBERS.sub(hidden, text)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 3]}..."
