"""Of what the torture requests are made: a sound INVITE as lines that can be bent, and the marks that tell it again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.lab.sip import BRANCH_COOKIE, HOST, offer

Lines = dict[str, bytes]
UNCHANGED: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Marks:
    """Whom it calls, from where, and how it is told from others."""

    did: str
    asterisk_port: int
    port: int
    host: str = HOST
    key: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def branch(self) -> str:
        return f"{BRANCH_COOKIE}{self.key}"

    @property
    def call_id(self) -> str:
        return f"{self.key}@torture"

    @property
    def uri(self) -> bytes:
        return f"sip:{self.did}@{HOST}:{self.asterisk_port}".encode()


@dataclass(frozen=True, slots=True)
class Torture:
    """One kind. `sound`: well-formed, however odd, and a call as any other: it has to be put through. The rest may be
    refused or left unanswered, and must hurt nobody."""

    name: str
    make: Callable[[Marks], bytes]
    sound: bool = False


def sdp(marks: Marks) -> bytes:
    return offer(marks.port)


def headers_of(marks: Marks) -> Lines:
    """The headers of a sound INVITE by their names in small letters; each value is the whole line."""
    at = f"{marks.host}:{marks.port}"
    return {
        "via": f"Via: SIP/2.0/UDP {at};branch={marks.branch};rport".encode(),
        "max-forwards": b"Max-Forwards: 70",
        "from": f"From: <sip:+441632960077@{at}>;tag={marks.key}".encode(),
        "to": b"To: <" + marks.uri + b">",
        "call-id": f"Call-ID: {marks.call_id}".encode(),
        "cseq": b"CSeq: 1 INVITE",
        "contact": f"Contact: <sip:torture@{at}>".encode(),
        "content-type": b"Content-Type: application/sdp",
    }


def joined(start: bytes, headers: Lines, body: bytes, length: bytes | None = None) -> bytes:
    """`length`: what stands for the body's length; empty: no such header."""
    lines = [start, *headers.values()]
    if length is None:
        lines.append(b"Content-Length: %d" % len(body))
    elif length:
        lines.append(b"Content-Length: " + length)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def invite(
    marks: Marks,
    *,
    start: bytes | None = None,
    without: tuple[str, ...] = (),
    more: tuple[bytes, ...] = (),
    body: bytes | None = None,
    length: bytes | None = None,
    changed: Mapping[str, bytes] = UNCHANGED,
) -> bytes:
    """`changed`: other whole lines for these headers; `more` are appended."""
    headers = {name: line for name, line in headers_of(marks).items() if name not in without}
    headers |= changed
    headers |= {f"more {number}": line for number, line in enumerate(more)}
    return joined(start or b"INVITE " + marks.uri + b" SIP/2.0", headers, sdp(marks) if body is None else body, length)


def bent(line: bytes) -> Callable[[Marks], bytes]:
    """An INVITE with this line in place of the sound one."""
    return lambda marks: invite(marks, changed={line.partition(b":")[0].decode().lower(): line})


def lacking(*names: str) -> Callable[[Marks], bytes]:
    return lambda marks: invite(marks, without=names)


def having(*lines: bytes) -> Callable[[Marks], bytes]:
    return lambda marks: invite(marks, more=lines)


def begun(start: bytes) -> Callable[[Marks], bytes]:
    """With another first line; `URI` in it stands for the right one."""
    return lambda marks: invite(marks, start=start.replace(b"URI", marks.uri))
