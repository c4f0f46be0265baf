"""Takes out of a text whatever could be a telephone number, a secret or a person, for somebody outside to read.

The rule is strict on purpose: seven digits and more that belong together are a number, DIDs of ours too, however they
are spaced. In place of each stands a mark, the same for the same number within one bundle, so that a supporter can see
that two lines speak of one; the key of the marks is thrown away. Dates, times and addresses of machines stay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

FEWEST_DIGITS: Final = 7
SHORTEST_SECRET: Final = 6
"""Shorter ones cannot be looked for: they are parts of ordinary words."""

DEEPEST_ESCAPES: Final = 5
LONGEST_MAILBOX: Final = 64
"""RFC 5321, section 4.5.3.1.1. Without a bound, a long word without an @ would be looked at again from each letter."""

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DATE: Final = r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]"
_TIME: Final = r"[0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_GAP: Final = r"[ \t()./\u00a0\u2010-\u2015-]{0,3}"
_TELLING: Final = re.compile(
    rf"(?P<moment>(?<![0-9]){_DATE}(?:[T ]{_TIME})?(?![0-9]))"
    rf"|(?P<machine>(?<![0-9.+]){_OCTET}(?:\.{_OCTET}){{3}}(?::[0-9]{{1,5}}|/[0-9]{{1,2}})?(?![0-9.]))"
    rf"|(?P<mail>[^\s@<>\"',;:=()\[\]]{{1,{LONGEST_MAILBOX}}}+@[^\s@<>\"',;:=()\[\]]*[A-Za-z][^\s@<>\"',;:=()\[\]]*)"
    rf"|(?P<number>(?:\+|%2[Bb])?[0-9](?:{_GAP}[0-9]){{{FEWEST_DIGITS - 1},}})"
)
_KEPT: Final = ("moment", "machine")
_DIGITS: Final = re.compile(r"[0-9]")


class Redaction:
    """For one bundle. `key` is random and kept nowhere. `secrets` are those known, to be found wherever they are."""

    def __init__(self, key: bytes, secrets: Iterable[str] = ()) -> None:
        self._key = key
        # The longest first: one may be a part of another.
        self._secrets = sorted({one for one in secrets if len(one) >= SHORTEST_SECRET}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Without anything that `faults_in` would find."""
        text = self._once(text)
        for _ in range(DEEPEST_ESCAPES):
            if not self.faults_in(text):
                break
            text = self._once(unquote(text))  # what is left was spelt with escapes
        return text

    def number(self, value: float) -> float | str:
        """A count or a measure stays; what is as long as a telephone number does not."""
        if isinstance(value, float):
            value = round(value, 2)
        return self.text(str(value)) if self.faults_in(str(value)) else value

    def faults_in(self, text: str) -> list[str]:
        """What may not leave the house, each as a word that does not repeat it. Looked at decoded, too."""
        found = ["a secret"] if any(one in text or one in unquote(text) for one in self._secrets) else []
        for form in {text, unquote(text)}:
            found += [f"a {hit.lastgroup}" for hit in _TELLING.finditer(form) if hit.lastgroup not in _KEPT]
        return sorted(set(found))

    def _once(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return _TELLING.sub(self._mark, text)

    def _mark(self, hit: re.Match[str]) -> str:
        if hit.lastgroup in _KEPT:
            return hit[0]
        if hit.lastgroup == "mail":
            return "[mail]"
        # The last digits are the same however it is written: with +44, 0044 or 0.
        digits = "".join(_DIGITS.findall(hit[0].replace("%2B", "").replace("%2b", "")))[-FEWEST_DIGITS:]
        mark = hashlib.blake2b(digits.encode(), key=self._key, digest_size=6).digest()
        # Letters alone, so that no mark can be taken for a number.
        return "[number " + "".join(chr(ord("a") + byte % 26) for byte in mark) + "]"
