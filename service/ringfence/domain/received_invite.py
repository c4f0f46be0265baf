"""An INVITE as it came, and where in it the DID is, read as the dialplan reads it: from the request URI or a header, to
the text that `received_number` takes. Nobody may trust what stands in one: whatever cannot be read is None or empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from ringfence.domain.received_number import DidSource

MAX_EXTENSION_CHARACTERS: Final = 79
"""Asterisk cuts a longer user part of the request URI."""

HEADERS: Final = {
    DidSource.TO: "to",
    DidSource.P_CALLED_PARTY_ID: "p-called-party-id",
    DidSource.DIVERSION: "diversion",
}

MAX_HEAD_BYTES: Final = 65_535
MAX_HEADERS: Final = 200

_SHORT: Final = {"t": "to", "f": "from", "i": "call-id"}
_KEPT: Final = frozenset({*HEADERS.values(), "from", "call-id"})
_START = re.compile(r"INVITE (?P<uri>\S{1,2000}) SIP/2\.0\s*")
_TAG = re.compile(r";\s*tag\s*=", re.IGNORECASE)
_SIP = re.compile(r"\s*sips?:(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_TEL = re.compile(r"tel:(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Invite:
    """`headers`: the first of each kind that matters here, by small name."""

    uri: str
    headers: Mapping[str, str]

    @property
    def is_first(self) -> bool:
        """Whether it begins a call; one within a call has both tags."""
        return not _TAG.search(self.headers.get("to", "").rpartition(">")[2])

    @property
    def call(self) -> tuple[str, str]:
        """The same for every copy of it: repeated on the wire, or with credentials."""
        return self.headers.get("call-id", ""), self.headers.get("from", "").rpartition(">")[2]

    def text(self, source: DidSource) -> str:
        """Where a trunk of this kind has the DID."""
        return did_text(source, self.uri if source is DidSource.REQUEST_URI else self.headers.get(HEADERS[source], ""))


def parse_invite(head: bytes) -> Invite | None:
    """A message up to its empty line, without a body; None: it is no INVITE."""
    lines = head[:MAX_HEAD_BYTES].decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n")
    start = _START.fullmatch(lines[0])
    if start is None:
        return None
    headers: dict[str, str] = {}
    last = ""
    for line in lines[1 : 1 + MAX_HEADERS]:
        if not line:
            break
        if line[0] in " \t":
            # A folded line goes on with the one before.
            if last:
                headers[last] = f"{headers[last]} {line.strip()}"
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        name = _SHORT.get(name, name)
        last = name if name in _KEPT and name not in headers else ""
        if last:
            headers[last] = value.strip()
    return Invite(start["uri"], headers)


def did_text(source: DidSource, value: str) -> str:
    """The user part of the request URI, or of a header's value; empty where there is none."""
    if source is DidSource.REQUEST_URI:
        # Of a tel: URI, Asterisk has the number and none of its parameters.
        tel = _TEL.fullmatch(value)
        user = _user_of(value) if tel is None else unescaped(tel["rest"].partition(";")[0])
        return user[:MAX_EXTENSION_CHARACTERS]
    parts = value.split("<")
    # As CUT does: a header without `<` is its only field; of Diversion the second field is asked for.
    field = (parts[1] if len(parts) > 1 else "") if source is DidSource.DIVERSION else parts[-1]
    uri = field.split(">")[0]
    tel = _TEL.fullmatch(uri)
    return _user_of(uri) if tel is None else tel["rest"]


def unescaped(user: str) -> str:
    """As Asterisk has it: a zero byte ends a text."""
    return unquote_to_bytes(user).decode("latin-1").partition("\0")[0]


def _user_of(uri: str) -> str:
    sip = _SIP.fullmatch(uri)
    if sip is None:
        return ""
    user, at, _ = sip["rest"].partition("@")
    return unescaped(user.partition(":")[0]) if at else ""
