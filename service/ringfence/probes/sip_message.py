"""SIP OPTIONS as text: building the question, reading the answer. Pure, and total: any datagram may arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_DATAGRAM_BYTES: Final = 65_535
BRANCH_COOKIE: Final = "z9hG4bK"  # RFC 3261 section 8.1.1.7

_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: |$)", re.IGNORECASE)
_BRANCH: Final = re.compile(r";\s*branch\s*=\s*([^;,\s]+)", re.IGNORECASE)
_CSEQ: Final = re.compile(r"([0-9]{1,10})\s+([A-Za-z]+)")
# RFC 3261 section 7.3.3: the compact forms.
_COMPACT: Final = {"v": "via", "i": "call-id"}


@dataclass(frozen=True, slots=True)
class OptionsRequest:
    """What is asked of whom, and the marks by which its answer is known. `host` as it stands in a URI."""

    host: str
    port: int
    local_host: str
    local_port: int
    branch: str
    call_id: str
    tag: str
    from_user: str = "ringfence"

    def encode(self) -> bytes:
        """RFC 3261 section 11.1. `rport` (RFC 3581) brings the answer back through a translating router."""
        local = f"{self.local_host}:{self.local_port}"
        target = f"sip:{self.host}:{self.port}"
        lines = (
            f"OPTIONS {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {local};rport;branch={self.branch}",
            "Max-Forwards: 70",
            f"From: <sip:{self.from_user}@{self.local_host}>;tag={self.tag}",
            f"To: <{target}>",
            f"Call-ID: {self.call_id}",
            "CSeq: 1 OPTIONS",
            f"Contact: <sip:{self.from_user}@{local}>",
            "Accept: application/sdp",
            "User-Agent: ringfence",
            "Content-Length: 0",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, slots=True)
class OptionsAnswer:
    """The status (100 to 699) of an answer to one of our questions, and the question's marks."""

    status: int
    branch: str
    call_id: str

    @property
    def final(self) -> bool:
        return self.status >= 200

    def answers(self, request: OptionsRequest) -> bool:
        """RFC 3261 section 17.1.3: the branch decides; the Call-ID too, against a forged or stray datagram."""
        return self.branch == request.branch and self.call_id == request.call_id


def read_answer(datagram: bytes) -> OptionsAnswer | None:
    """None for whatever is not an answer to an OPTIONS."""
    head = datagram[:MAX_DATAGRAM_BYTES].decode("utf-8", "replace").partition("\r\n\r\n")[0]
    first, _, rest = head.partition("\r\n")
    status = _STATUS_LINE.match(first)
    if status is None:
        return None
    headers = _first_headers(rest)
    branch = _BRANCH.search(headers.get("via", ""))
    cseq = _CSEQ.fullmatch(headers.get("cseq", ""))
    if branch is None or cseq is None or cseq[2].upper() != "OPTIONS" or int(cseq[1]) != 1:
        return None
    return OptionsAnswer(int(status[1]), branch[1], headers.get("call-id", ""))


def _first_headers(text: str) -> dict[str, str]:
    """The topmost header of each name; only the top `Via` is ours. Folded lines are joined (section 7.3.1)."""
    unfolded = re.sub(r"\r\n[ \t]+", " ", text)
    headers: dict[str, str] = {}
    for line in unfolded.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            plain = name.strip().lower()
            headers.setdefault(_COMPACT.get(plain, plain), value.strip())
    return headers
