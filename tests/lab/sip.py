"""Just enough SIP to read and write single messages, byte for byte.

Our own rather than a library's, because the tests must send what a library would refuse to send
and see what a library would tidy away. Text is UTF-8 with surrogate escapes, so that any byte
survives the way through a string and back.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

# The address of what runs here: another one in the containers of the demonstration, which have a network of their own.
HOST = os.environ.get("RINGFENCE_LAB_HOST", "127.0.0.1")
BRANCH_COOKIE = "z9hG4bK"
T1_SECONDS = 0.5
T2_SECONDS = 4.0
TIMER_B_SECONDS = 64 * T1_SECONDS
CODECS = {0: "PCMU/8000", 8: "PCMA/8000", 3: "GSM/8000"}
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    302: "Moved Temporarily",
    403: "Forbidden",
    404: "Not Found",
    480: "Temporarily Unavailable",
    481: "Call Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One datagram, parsed loosely; `raw` is what was on the wire."""

    raw: bytes
    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status(self) -> int | None:
        """None for a request."""
        found = re.match(r"SIP/2\.0 (\d{3})", self.start_line)
        return int(found[1]) if found else None

    @property
    def method(self) -> str:
        """Of a request its own, of a response the one it answers."""
        words = self.header("cseq").split() if self.status else self.start_line.split()
        return words[-1] if self.status and words else (words or [""])[0]

    @property
    def request_user(self) -> str:
        return user_of(self.start_line.partition(" ")[2])

    @property
    def call_id(self) -> str:
        return self.header("call-id")

    def header(self, name: str) -> str:
        """The first value, or nothing."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


def without_headers(raw: bytes, names: Iterable[str]) -> bytes:
    """The message as it leaves a border that drops these headers (small letters; `x-*`: all that begin so)."""
    head, end, body = raw.partition(b"\r\n\r\n")
    exact = {name.encode() for name in names if not name.endswith("*")}
    begun = tuple(name[:-1].encode() for name in names if name.endswith("*"))
    kept = []
    for line in head.split(b"\r\n"):
        name = line.partition(b":")[0].strip().lower()
        if name not in exact and not (begun and name.startswith(begun)):
            kept.append(line)
    return b"\r\n".join(kept) + end + body


def parse(raw: bytes) -> SipMessage | None:
    """None for what is no SIP at all, such as a keep-alive."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    if "SIP/2.0" not in lines[0]:
        return None
    headers = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.strip()
        headers.append((COMPACT.get(name.lower(), name), value.strip()))
    return SipMessage(raw, lines[0], tuple(headers), body)


def build(start_line: str | bytes, headers: Iterable[tuple[str, str] | bytes], body: bytes = b"") -> bytes:
    """Headers may be raw lines, so that a test can send what no client would."""
    lines = [encode(start_line)]
    lines += [item if isinstance(item, bytes) else encode(f"{item[0]}: {item[1]}") for item in headers]
    if body:
        lines.append(b"Content-Type: application/sdp")
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def respond(
    request: SipMessage,
    status: int,
    *,
    to_tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    to = request.header("to")
    if to_tag and ";tag=" not in to:
        to = f"{to};tag={to_tag}"
    return build(
        f"SIP/2.0 {status} {REASONS.get(status, 'Lab')}",
        [
            *(("Via", via) for via in request.all("via")),
            *(("Record-Route", route) for route in request.all("record-route")),
            ("From", request.header("from")),
            ("To", to),
            ("Call-ID", request.call_id),
            ("CSeq", request.header("cseq")),
            *headers,
        ],
        body,
    )


def encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def user_of(address: str) -> str:
    """The user part of an address or a request line, with parameters cut off."""
    found = re.search(r"(?:sips?|tel):([^@>;\s]*)(?=[@>;\s]|$)", address)
    return found[1] if found else ""


def uri_of(address: str) -> str:
    found = re.search(r"<([^>]*)>", address)
    return found[1] if found else address.partition(";")[0].strip()


def tag_of(address: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", address)
    return found[1] if found else ""


def new_branch() -> str:
    return BRANCH_COOKIE + secrets.token_hex(8)


def offer(rtp_port: int) -> bytes:
    return _session_description(rtp_port, list(CODECS))


def answer(offered: bytes, rtp_port: int) -> bytes:
    """The first codec of the offer that we have too; all of ours if there was no offer."""
    media = re.search(rb"m=audio \d+ \S+ ([\d ]+)", offered)
    common = [int(word) for word in media[1].split() if int(word) in CODECS] if media else list(CODECS)
    keys = re.search(rb"a=rtpmap:(\d+) telephone-event/8000", offered)
    return _session_description(rtp_port, common[:1] if media else common, int(keys[1]) if keys else None)


def _session_description(rtp_port: int, payloads: list[int], keys: int | None = None) -> bytes:
    """`keys` is the payload type of RFC 4733, for who presses some."""
    names = {payload: CODECS[payload] for payload in payloads}
    if keys is not None:
        names[keys] = "telephone-event/8000"
    lines = [
        "v=0",
        f"o=lab {secrets.randbelow(10**9)} 1 IN IP4 {HOST}",
        "s=-",
        f"c=IN IP4 {HOST}",
        "t=0 0",
        f"m=audio {rtp_port} RTP/AVP {' '.join(map(str, names))}",
        *(f"a=rtpmap:{payload} {name}" for payload, name in names.items()),
        "a=sendrecv",
    ]
    return "\r\n".join([*lines, ""]).encode()
