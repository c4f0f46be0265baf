"""Torture for our own probes: what a platform may answer to an OPTIONS.

`alive`: however odd, it is an answer to that question, and shows that somebody is there. All others answer nothing that
was asked, and have to count as silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.lab.sip import SipMessage, encode, parse

Make = Callable[[SipMessage], bytes]
HUGE = "9" * 40
UNCHANGED: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OddAnswer:
    """`on_a_stream`: whether it means the same over TCP, where a message ends where its Content-Length says."""

    name: str
    make: Make
    alive: bool
    on_a_stream: bool = True


def answer_to(question: bytes, odd: OddAnswer) -> bytes:
    """Nothing to what is no question."""
    asked = parse(question)
    return b"" if asked is None or asked.status is not None else odd.make(asked)


def answered(
    asked: SipMessage, first: str | bytes = "SIP/2.0 200 OK", changed: Mapping[str, str | None] = UNCHANGED
) -> bytes:
    """An answer with other whole lines for these headers; None leaves one out."""
    lines: dict[str, str | None] = {
        "via": f"Via: {asked.header('via')}",
        "from": f"From: {asked.header('from')}",
        "to": f"To: {asked.header('to')};tag=odd",
        "call-id": f"Call-ID: {asked.call_id}",
        "cseq": f"CSeq: {asked.header('cseq')}",
        "content-length": "Content-Length: 0",
    }
    lines |= changed
    return b"\r\n".join([encode(first), *(encode(line) for line in lines.values() if line is not None)]) + b"\r\n\r\n"


def _line(name: str, text: Callable[[SipMessage], str | None]) -> Make:
    return lambda asked: answered(asked, changed={name: text(asked)})


def _first(line: str | bytes) -> Make:
    return lambda asked: answered(asked, line)


def _via(asked: SipMessage) -> str:
    return asked.header("via")


ALIVE = (
    OddAnswer("plain", answered, True),
    OddAnswer("no reason", _first("SIP/2.0 200"), True),
    OddAnswer("an empty reason", _first("SIP/2.0 200 "), True),
    OddAnswer("a reason that is no text", _first(b"SIP/2.0 200 \xff\xfe\x80"), True),
    OddAnswer("a reason of 4,000 letters", _first("SIP/2.0 200 " + "O" * 4000), True),
    OddAnswer("the version in small letters", _first("sip/2.0 200 OK"), True),
    OddAnswer("a status that nobody knows", _first("SIP/2.0 699 What"), True),
    OddAnswer("a refusal", _first("SIP/2.0 404 Not Found"), True),
    OddAnswer("a folded Via", _line("via", lambda a: "Via:\r\n\t " + _via(a).replace(";", "\r\n ;")), True),
    OddAnswer("a compact Via with blanks", _line("via", lambda a: f"v  :  {_via(a).replace(';', ' ; ')}"), True),
    OddAnswer(
        "blanks round the branch", _line("via", lambda a: f"VIA: {_via(a).replace('branch=', 'branch = ')}"), True
    ),
    OddAnswer("a Via with more behind", _line("via", lambda a: f'Via: {_via(a)};received=192.0.2.1;x="y"'), True),
    OddAnswer("two Vias in a line", _line("via", lambda a: f"Via: {_via(a)}, SIP/2.0/UDP x;branch=z9hG4bKx"), True),
    OddAnswer("two Vias", _line("via", lambda a: f"Via: {_via(a)}\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx"), True),
    OddAnswer("a quoted text before the branch", _line("via", lambda a: _quoted_before(_via(a))), True),
    OddAnswer("a folded CSeq", _line("cseq", lambda a: "CSeq:\r\n 1\r\n\tOPTIONS"), True),
    OddAnswer("zeros before the CSeq", _line("cseq", lambda a: "CSeq: 0000000001 OPTIONS"), True),
    OddAnswer("a compact Call-ID", _line("call-id", lambda a: f"i:{a.call_id}"), True),
    OddAnswer("no From and no To", lambda a: answered(a, changed={"from": None, "to": None}), True),
    OddAnswer("a From that is no text", lambda a: answered(a).replace(b"From: ", b"From: \xff\xfe\x00"), True),
    OddAnswer("lines without a colon", _line("more", lambda a: "no header\r\n\x00\x01\r\n: nameless"), True),
    OddAnswer("300 headers more", _line("more", lambda a: "\r\n".join(f"X-{n}: {n}" for n in range(300))), True),
    OddAnswer("bytes behind it", lambda a: answered(a) + b"\x00junk", True, on_a_stream=False),
    OddAnswer("no Content-Length", _line("content-length", lambda a: None), True, on_a_stream=False),
    OddAnswer("a negative length", _line("content-length", lambda a: "Content-Length: -1"), True, on_a_stream=False),
)

NOTHING = (
    OddAnswer("nothing", lambda a: b"", False),
    OddAnswer("line ends", lambda a: b"\r\n\r\n", False),
    OddAnswer("NULs", lambda a: b"\x00" * 300, False),
    OddAnswer("60,000 letters", lambda a: b"A" * 60_000, False),
    OddAnswer("the question itself", lambda a: a.raw, False),
    OddAnswer("HTTP", _first("HTTP/1.1 200 OK"), False),
    OddAnswer("another version", _first("SIP/3.0 200 OK"), False),
    OddAnswer("a status of two digits", _first("SIP/2.0 20 OK"), False),
    OddAnswer("a status of four digits", _first("SIP/2.0 2000 OK"), False),
    OddAnswer("a status of ten digits", _first("SIP/2.0 4294967496 OK"), False),
    OddAnswer("a negative status", _first("SIP/2.0 -200 OK"), False),
    OddAnswer("status 0", _first("SIP/2.0 000 OK"), False),
    OddAnswer("status 700", _first("SIP/2.0 700 OK"), False),
    OddAnswer("digits of another script", _first("SIP/2.0 \u0662\u0660\u0660 OK"), False),
    OddAnswer("a first line of two", _first("SIP/2.0\r\n 200 OK"), False),
    OddAnswer("trying for ever", _first("SIP/2.0 100 Trying"), False),
    OddAnswer("no headers", lambda a: b"SIP/2.0 200 OK\r\n\r\n", False),
    OddAnswer("bare line feeds", lambda a: answered(a).replace(b"\r\n", b"\n"), False),
    OddAnswer("no Via", _line("via", lambda a: None), False),
    OddAnswer(
        "another's branch", _line("via", lambda a: _via(a).replace("branch=", "branch=x").join(("Via: ", ""))), False
    ),
    OddAnswer("a Via without a branch", _line("via", lambda a: "Via: " + _via(a).partition(";")[0]), False),
    OddAnswer("our branch in the second Via", _line("via", lambda a: f"Via: SIP/2.0/UDP x\r\nVia: {_via(a)}"), False),
    OddAnswer("no Call-ID", _line("call-id", lambda a: None), False),
    OddAnswer("another's Call-ID", _line("call-id", lambda a: f"Call-ID: x{a.call_id}"), False),
    OddAnswer("no CSeq", _line("cseq", lambda a: None), False),
    OddAnswer("another CSeq", _line("cseq", lambda a: "CSeq: 2 OPTIONS"), False),
    OddAnswer("a CSeq of 40 digits", _line("cseq", lambda a: f"CSeq: {HUGE} OPTIONS"), False),
    OddAnswer("a negative CSeq", _line("cseq", lambda a: "CSeq: -1 OPTIONS"), False),
    OddAnswer("the CSeq of an INVITE", _line("cseq", lambda a: "CSeq: 1 INVITE"), False),
    OddAnswer("503", _first("SIP/2.0 503 Service Unavailable"), False),
    OddAnswer("408", _first("SIP/2.0 408 Request Timeout"), False),
)


def _quoted_before(via: str) -> str:
    """What stands within quotation marks is no parameter (RFC 3261 section 25.1)."""
    return "Via: " + via.replace(";", ';note="a;branch=z9hG4bKnot";', 1)
