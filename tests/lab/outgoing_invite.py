"""The INVITE of one outgoing call, and the later requests that must match it."""

from __future__ import annotations

import secrets

from tests.lab.sip import (
    HOST,
    SipMessage,
    answer,
    build,
    encode,
    new_branch,
    offer,
    respond,
    uri_of,
)


class OutgoingInvite:
    """The INVITE and the requests that must match it: ACK, CANCEL, BYE."""

    def __init__(
        self,
        *,
        request_uri: bytes,
        from_: bytes,
        to: str,
        contact: str,
        port: int,
        extra: tuple[tuple[str, str] | bytes, ...],
        rtp_port: int,
    ) -> None:
        self.call_id = f"{secrets.token_hex(8)}@lab"
        self._request_uri = request_uri
        self._from = b"From: " + from_ + b";tag=" + secrets.token_hex(4).encode()
        self._to = to
        self._contact = contact
        self._port = port
        self._extra = extra
        self._branch = new_branch()
        self._rtp_port = rtp_port

    @property
    def contact(self) -> tuple[str, str]:
        return ("Contact", self._contact)

    def initial(self) -> bytes:
        return self._request(
            "INVITE",
            self._request_uri,
            self._branch,
            extra=(self.contact, *self._extra),
            body=offer(self._rtp_port),
        )

    def cancel(self) -> bytes:
        return self._request("CANCEL", self._request_uri, self._branch)

    def acknowledge(self, response: SipMessage) -> bytes:
        """Of a refusal within the INVITE's transaction, of an answer on its own (RFC 3261 13, 17)."""
        if (response.status or 0) >= 300:
            return self._request("ACK", self._request_uri, self._branch, to=response.header("to"))
        return self._in_dialog("ACK", response, sequence=1)

    def bye(self, response: SipMessage) -> bytes:
        return self._in_dialog("BYE", response, sequence=2)

    def answer(self, request: SipMessage) -> bytes:
        """200 to whatever the other side asks within the dialog."""
        body = answer(request.body, self._rtp_port) if request.method == "INVITE" else b""
        return respond(request, 200, headers=[self.contact], body=body)

    def _in_dialog(self, method: str, response: SipMessage, sequence: int) -> bytes:
        remote = encode(uri_of(response.header("contact")))
        routes = tuple(("Route", route) for route in reversed(response.all("record-route")))
        return self._request(method, remote, new_branch(), to=response.header("to"), extra=routes, sequence=sequence)

    def _request(
        self,
        method: str,
        uri: bytes,
        branch: str,
        *,
        to: str = "",
        extra: tuple[tuple[str, str] | bytes, ...] = (),
        sequence: int = 1,
        body: bytes = b"",
    ) -> bytes:
        headers: list[tuple[str, str] | bytes] = [
            ("Via", f"SIP/2.0/UDP {HOST}:{self._port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            self._from,
            ("To", to or self._to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            *extra,
        ]
        return build(method.encode() + b" " + uri + b" SIP/2.0", headers, body)
