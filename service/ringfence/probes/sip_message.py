"""SIP as text: building a question, reading the answer. Pure, and total: anything may arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_DATAGRAM_BYTES: Final = 65_535
BRANCH_COOKIE: Final = "z9hG4bK"  # RFC 3261 section 8.1.1.7

_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: |$)", re.IGNORECASE)
_BRANCH: Final = re.compile(r";\s*branch\s*=\s*([^;,\s]+)", re.IGNORECASE)
# What stands within it is no parameter (section 25.1). A top Via is ours with a little more: longer ones are cut off,
# and nobody can have quotes counted for long.
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_VIA_CHARACTERS: Final = 2_000
_CSEQ: Final = re.compile(r"([0-9]{1,10})\s+([A-Za-z]+)")
# RFC 3261 section 7.3.3: the compact forms.
_COMPACT: Final = {"v": "via", "i": "call-id", "l": "content-length"}


@dataclass(frozen=True, slots=True)
class SipRequest:
    """What is asked of whom, and the marks by which its answer is known. `host` as it stands in a URI. `transport`:
    UDP, TCP or TLS, as `Via` spells it. `extra`: further header lines."""

    host: str
    port: int
    local_host: str
    local_port: int
    branch: str
    call_id: str
    tag: str
    from_user: str = "ringfence"
    method: str = "OPTIONS"
    cseq: int = 1
    transport: str = "UDP"
    extra: tuple[str, ...] = ()

    def encode(self) -> bytes:
        lines = self._register() if self.method == "REGISTER" else self._options()
        return ("\r\n".join((*lines, *self.extra, "Content-Length: 0")) + "\r\n\r\n").encode()

    @property
    def uri(self) -> str:
        """The request's own. A REGISTER's is the domain's (RFC 3261 section 10.2)."""
        if self.method == "REGISTER":
            return f"sip:{self.host}"
        return f"sip:{self.host}:{self.port}{self._parameter}"

    def _options(self) -> tuple[str, ...]:
        """RFC 3261 section 11.1."""
        contact = f"sip:{self.from_user}@{self.local_host}:{self.local_port}{self._parameter}"
        return (
            *self._beginning(),
            f"From: <sip:{self.from_user}@{self.local_host}>;tag={self.tag}",
            f"To: <{self.uri}>",
            *self._marks(),
            f"Contact: <{contact}>",
            "Accept: application/sdp",
        )

    def _register(self) -> tuple[str, ...]:
        """Without a Contact it asks for the bindings that are there and makes none (RFC 3261 section 10.2.3)."""
        account = f"<sip:{self.from_user}@{self.host}>"
        return (*self._beginning(), f"From: {account};tag={self.tag}", f"To: {account}", *self._marks())

    def _beginning(self) -> tuple[str, ...]:
        # `rport` (RFC 3581) brings the answer back through a translating router.
        rport = ";rport" if self.transport == "UDP" else ""
        via = f"SIP/2.0/{self.transport} {self.local_host}:{self.local_port}{rport};branch={self.branch}"
        return (f"{self.method} {self.uri} SIP/2.0", f"Via: {via}", "Max-Forwards: 70")

    def _marks(self) -> tuple[str, ...]:
        return (f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} {self.method}", "User-Agent: ringfence")

    @property
    def _parameter(self) -> str:
        return "" if self.transport == "UDP" else f";transport={self.transport.lower()}"


@dataclass(frozen=True, slots=True)
class SipAnswer:
    """The status (100 to 699) of an answer, the marks of its question, and what it asks of us to prove."""

    status: int
    branch: str
    call_id: str
    cseq: int = 1
    method: str = "OPTIONS"
    challenges: tuple[str, ...] = ()
    """The values of `WWW-Authenticate` or `Proxy-Authenticate`, in their order."""

    @property
    def final(self) -> bool:
        return self.status >= 200

    def answers(self, request: SipRequest) -> bool:
        """RFC 3261 section 17.1.3: branch and method decide; the Call-ID too, against a forged or stray message."""
        asked = (request.branch, request.call_id, request.cseq, request.method)
        return (self.branch, self.call_id, self.cseq, self.method) == asked


def read_answer(message: bytes) -> SipAnswer | None:
    """None for whatever is not an answer."""
    head = message[:MAX_DATAGRAM_BYTES].decode("utf-8", "replace").partition("\r\n\r\n")[0]
    first, _, rest = head.partition("\r\n")
    status = _STATUS_LINE.match(first)
    if status is None:
        return None
    headers = headers_of(rest)
    branch = _BRANCH.search(_QUOTED.sub('""', _first(headers, "via")[:_VIA_CHARACTERS]))
    cseq = _CSEQ.fullmatch(_first(headers, "cseq"))
    if branch is None or cseq is None:
        return None
    challenges = (*headers.get("www-authenticate", ()), *headers.get("proxy-authenticate", ()))
    call_id = _first(headers, "call-id")
    return SipAnswer(int(status[1]), branch[1], call_id, int(cseq[1]), cseq[2].upper(), challenges)


def headers_of(text: str) -> dict[str, list[str]]:
    """The values of each header by its long name in small letters. Folded lines are joined (section 7.3.1)."""
    unfolded = re.sub(r"\r\n[ \t]+", " ", text)
    headers: dict[str, list[str]] = {}
    for line in unfolded.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            plain = name.strip().lower()
            headers.setdefault(_COMPACT.get(plain, plain), []).append(value.strip())
    return headers


def _first(headers: dict[str, list[str]], name: str) -> str:
    """Only the top `Via` is ours."""
    return next(iter(headers.get(name, ())), "")
