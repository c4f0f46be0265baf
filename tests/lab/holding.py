"""How an answering far end puts its callers on hold: a new INVITE within the call that wants no audio either way."""

from __future__ import annotations

from tests.lab.sip import HOST, SipMessage, answer, build, new_branch, uri_of


def hold_request(invite: SipMessage, to_tag: str, port: int, rtp_port: int) -> bytes:
    """The new INVITE of whoever took this call."""
    body = answer(invite.body, rtp_port).replace(b"a=sendrecv", b"a=inactive")
    return build(_line("INVITE", invite), _headers("INVITE", invite, to_tag, port), body)


def hold_acknowledgement(invite: SipMessage, to_tag: str, port: int) -> bytes:
    return build(_line("ACK", invite), _headers("ACK", invite, to_tag, port))


def _line(method: str, invite: SipMessage) -> str:
    return f"{method} {uri_of(invite.header('contact'))} SIP/2.0"


def _headers(method: str, invite: SipMessage, to_tag: str, port: int) -> list[tuple[str, str] | bytes]:
    return [
        ("Via", f"SIP/2.0/UDP {HOST}:{port};branch={new_branch()};rport"),
        ("Max-Forwards", "70"),
        ("Contact", f"<sip:lab@{HOST}:{port}>"),
        ("From", f"{invite.header('to')};tag={to_tag}"),
        ("To", invite.header("from")),
        ("Call-ID", invite.call_id),
        ("CSeq", f"1 {method}"),
    ]
