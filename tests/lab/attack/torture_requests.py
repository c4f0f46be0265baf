"""Torture for whoever reads our trunk: requests after the kinds of message that RFC 4475 lists, all written anew.

First those that are odd and sound, which have to be put through; then those that are not.
"""

from __future__ import annotations

from tests.lab.attack.torture_parts import Marks, Torture, begun, bent, having, headers_of, invite, joined, lacking, sdp
from tests.lab.sip import HOST

LONG = b"x" * 3000
HUGE = b"1" * 40


def _folded(marks: Marks) -> bytes:
    lines = headers_of(marks)
    return invite(
        marks,
        changed={
            "via": lines["via"].replace(b";branch", b"\r\n\t ;branch"),
            "contact": lines["contact"].replace(b": ", b":\r\n  "),
            "max-forwards": b"Max-Forwards:\r\n\t70",
        },
    )


def _spaced(marks: Marks) -> bytes:
    lines = headers_of(marks)
    bent = {name: line.replace(b": ", b" \t :   \t", 1) for name, line in lines.items()}
    bent["cseq"] = b"CSeq  :  1 \t  INVITE"
    bent["from"] = bent["from"].replace(b";tag=", b"  ;  tag  =  ")
    return joined(b"INVITE " + marks.uri + b" SIP/2.0", bent, sdp(marks))


def _compact(marks: Marks) -> bytes:
    lines = headers_of(marks)
    short = {"via": b"v", "from": b"F", "to": b"t", "call-id": b"I", "contact": b"m", "content-type": b"C"}
    bent = {name: short.get(name, name.upper().encode()) + line[line.index(b":") :] for name, line in lines.items()}
    return joined(b"INVITE " + marks.uri + b" SIP/2.0", bent, sdp(marks)).replace(b"Content-Length", b"L")


def _two_vias_in_a_line(marks: Marks) -> bytes:
    return invite(marks, changed={"via": headers_of(marks)["via"] + b", SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKbelow"})


def _trailing(marks: Marks) -> bytes:
    return invite(marks) + b"junk"


def _escaped_number(marks: Marks) -> bytes:
    uri = b"sip:%2b" + marks.did[1:].encode() + f"@{HOST}:{marks.asterisk_port}".encode()
    return invite(marks, start=b"INVITE " + uri + b" SIP/2.0")


def _null_in_caller(marks: Marks) -> bytes:
    return invite(marks, changed={"from": b"From: <sip:nul-%00-nul@127.0.0.1>;tag=" + marks.key.encode()})


def _caller(text: bytes) -> Torture:
    def make(marks: Marks) -> bytes:
        return invite(marks, changed={"from": b"From: " + text + b";tag=" + marks.key.encode()})

    return Torture(f"caller {text[:24]!r}", make)


def _sound(name: str, torture: Torture) -> Torture:
    return Torture(name, torture.make, sound=True)


SOUND = (
    Torture("folded headers", _folded, sound=True),
    Torture("blanks and tabs wherever they may stand", _spaced, sound=True),
    Torture("compact names, capitals", _compact, sound=True),
    Torture("two Vias in one line", _two_vias_in_a_line, sound=True),
    Torture("the number's plus escaped", _escaped_number, sound=True),
    Torture("an escaped NUL in the caller", _null_in_caller, sound=True),
    Torture("200 headers that nobody knows", having(*(b"X-Odd-%d: %d" % (n, n) for n in range(200))), sound=True),
    Torture("a header of 3,000 bytes", having(b"X-Long: " + LONG), sound=True),
    Torture("a name beyond ASCII in a header", having(b"Subject: \xe2\x98\x8e \xf0\x9f\x93\x9e"), sound=True),
    Torture("every odd sign of a token", having(b"-.!%*_+`'~: odd", b"X!Y: 1"), sound=True),
    Torture("an empty header", having(b"Subject:", b"Organization: "), sound=True),
    Torture("the greatest CSeq there is", bent(b"CSeq: 2147483647 INVITE"), sound=True),
    Torture("zeros before the CSeq", bent(b"CSeq: 000000009 INVITE"), sound=True),
    _sound("quoted quotes in the caller", _caller(b'"a \\" b \\\\" <sip:+441632960078@127.0.0.1>')),
    _sound("a caller that is a tel URI", _caller(b"<tel:+441632960079>")),
)

UNSOUND = (
    # RFC 3261 section 18.3 has them cut off; PJSIP throws the whole message away.
    Torture("bytes behind the body", _trailing),
    Torture("a negative Content-Length", lambda marks: invite(marks, length=b"-999")),
    Torture("a Content-Length beyond the body", lambda marks: invite(marks, length=b"9999")),
    Torture("a Content-Length that is no number", lambda marks: invite(marks, length=b"many")),
    Torture("a Content-Length of 40 digits", lambda marks: invite(marks, length=HUGE)),
    Torture("a CSeq of 40 digits", bent(b"CSeq: " + HUGE + b" INVITE")),
    Torture("a negative CSeq", bent(b"CSeq: -1 INVITE")),
    Torture("the CSeq of another method", bent(b"CSeq: 1 OPTIONS")),
    Torture("no Call-ID", lacking("call-id")),
    Torture("no From", lacking("from")),
    Torture("no To", lacking("to")),
    Torture("no CSeq", lacking("cseq")),
    Torture("no Via", lacking("via")),
    Torture("no header at all", lambda marks: b"INVITE " + marks.uri + b" SIP/2.0\r\n\r\n"),
    Torture("two different Call-IDs", having(b"Call-ID: other@torture")),
    Torture("two different Tos", having(b"To: <sip:+441134960199@127.0.0.1>")),
    Torture("two different Froms", having(b"From: <sip:other@127.0.0.1>;tag=other")),
    Torture("two different CSeqs", having(b"CSeq: 99 INVITE")),
    Torture("two different lengths", having(b"Content-Length: 0", b"l: 3")),
    Torture("angle brackets round the request URI", begun(b"INVITE <URI> SIP/2.0")),
    Torture("blanks within the request URI", begun(b"INVITE URI; lr SIP/2.0")),
    Torture("blanks before and behind the version", begun(b"INVITE   URI   SIP/2.0  ")),
    Torture("another version", begun(b"INVITE URI SIP/7.0")),
    Torture("an unknown method", begun(b"!interesting-Method0123456789_*+`.%indeed'~ URI SIP/2.0")),
    Torture("a method that is no text", begun(b"IN\xff\xfeITE URI SIP/2.0")),
    Torture("an unknown scheme", begun(b"INVITE nobodyknows:+441134960001 SIP/2.0")),
    Torture("a scheme that is none", begun(b"INVITE ://///;;,,%% SIP/2.0")),
    Torture("a port of eleven digits", begun(b"INVITE sip:+441134960001@127.0.0.1:65536999999 SIP/2.0")),
    Torture("a NUL in the request URI", begun(b"INVITE sip:+44\x00113@127.0.0.1 SIP/2.0")),
    Torture("headers in the request URI", begun(b"INVITE URI?Route=%3Csip:127.0.0.1%3E&X=%0d%0aY:1 SIP/2.0")),
    Torture("no request URI", begun(b"INVITE  SIP/2.0")),
    Torture("a Max-Forwards of 0", bent(b"Max-Forwards: 0")),
    Torture("a Max-Forwards beyond a byte", bent(b"Max-Forwards: 4294967297")),
    Torture("a Require that nobody knows", having(b"Require: nothing-of-ours, nor-this")),
    Torture("a Route that leads in a circle", having(b"Route: <sip:127.0.0.1;lr>, <sip:127.0.0.1;lr>")),
    Torture("an Expires of 40 digits", having(b"Expires: " + HUGE, b"Session-Expires: " + HUGE)),
    Torture("a date that there is not", having(b"Date: Fri, 99 Jan 2010 25:61:61 EST")),
    Torture("a Contact with a bare question mark", bent(b"Contact: sip:a@127.0.0.1?Route=%3Csip:x%3E;q=9")),
    Torture("a header without a colon", having(b"this is no header", b": neither is this")),
    Torture("bare line feeds", lambda marks: invite(marks).replace(b"\r\n", b"\n")),
    Torture("a Via of another protocol", bent(b"Via: SAP/9.9/SMOKE 127.0.0.1:1;branch=")),
    Torture("a Via port of eleven digits", bent(b"Via: SIP/2.0/UDP 127.0.0.1:65536999999;branch=z9hG4bKport")),
    Torture("a body of another kind", bent(b"Content-Type: application/nothing-of-ours")),
    Torture("multipart without a boundary", bent(b"Content-Type: multipart/mixed")),
    Torture(
        "SDP with a negative port", lambda marks: invite(marks, body=sdp(marks).replace(b"m=audio ", b"m=audio -"))
    ),
    Torture("SDP cut off", lambda marks: invite(marks, body=sdp(marks)[:40])),
    Torture("SDP of NULs", lambda marks: invite(marks, body=b"\x00" * 400)),
    Torture("an answer to nothing", lambda marks: joined(b"SIP/2.0 200 OK", headers_of(marks), b"")),
    Torture("a status of ten digits", lambda marks: joined(b"SIP/2.0 4294967301 OK", headers_of(marks), b"")),
    Torture("a BYE of no call", lambda marks: _other(marks, b"BYE")),
    Torture("a CANCEL of no call", lambda marks: _other(marks, b"CANCEL")),
    Torture("an ACK of no call", lambda marks: _other(marks, b"ACK")),
    Torture("a REFER of no call", lambda marks: _other(marks, b"REFER")),
    Torture("a REGISTER of everybody", lambda marks: _other(marks, b"REGISTER")),
    Torture("nothing", lambda marks: b""),
    Torture("line ends alone", lambda marks: b"\r\n" * 30),
    Torture("60,000 times a letter", lambda marks: b"A" * 60_000),
    Torture("60,000 bytes of one header", having(b"X-Long: " + b"y" * 60_000)),
    Torture("NULs", lambda marks: b"\x00" * 500),
    _caller(b"Bell, Alexander <sip:a@127.0.0.1>"),
    _caller(b'"unfinished <sip:a@127.0.0.1>'),
    _caller(b"<sip:a@127.0.0.1"),
    _caller(b"\xff\xfe\xfd <sip:\xc0\x80@127.0.0.1>"),
    _caller(b"sip:a@[::::::1"),
)


def register(marks: Marks) -> bytes:
    """As who tries accounts."""
    lines = headers_of(marks) | {"cseq": b"CSeq: 1 REGISTER"}
    return joined(f"REGISTER sip:{HOST} SIP/2.0".encode(), lines, b"")


def _other(marks: Marks, method: bytes) -> bytes:
    lines = headers_of(marks) | {"cseq": b"CSeq: 1 " + method}
    lines["more"] = b"Refer-To: <sip:+441134960001@127.0.0.1>"
    lines["contact"] = b"Contact: *"
    return joined(method + b" " + marks.uri + b" SIP/2.0", lines, b"")
