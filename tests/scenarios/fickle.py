"""Far ends that do what the lab's own never would: ring and then refuse, or renegotiate in mid-call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.sip import HOST, SipMessage, answer, build, new_branch, offer, parse, respond, uri_of
from tests.scenarios.site import MOBILE

# What a mobile network might say of the person it rings.
TELLING = (
    ("P-Asserted-Identity", f'"Mob Name" <sip:{MOBILE}@mobile.example>'),
    ("Remote-Party-ID", f'"Mob Name" <sip:{MOBILE}@mobile.example>;party=called;privacy=off'),
    ("Diversion", f"<sip:{MOBILE}@mobile.example>;reason=user-busy"),
    ("History-Info", f"<sip:{MOBILE}@mobile.example>;index=1"),
    ("Reason", f'SIP;cause=486;text="{MOBILE}"'),
)

Address = tuple[str, int]
# Nothing listens there; Asterisk only has to believe that media might flow.
SILENT_RTP_PORT = 9


class _FarEnd(asyncio.DatagramProtocol):
    port = 0
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = parse(data)
        if message is not None:
            self.received(message, addr)

    def received(self, message: SipMessage, addr: Address) -> None:
        raise NotImplementedError

    def send(self, data: bytes, addr: Address) -> None:
        self.transport.sendto(data, addr)

    def reply(self, request: SipMessage, status: int, addr: Address, headers: Sequence[tuple[str, str]] = ()) -> None:
        contact = ("Contact", f"<sip:lab@{HOST}:{self.port}>")
        body = answer(request.body, SILENT_RTP_PORT) if status in (183, 200) and request.body else b""
        tag = "" if status == 100 else "lab"
        self.send(respond(request, status, to_tag=tag, headers=[contact, *headers], body=body), addr)


class RingThenRefuse(_FarEnd):
    """It rings, nobody comes, and the far end itself gives up."""

    def __init__(self, status_by_number: Mapping[str, int], *, provisional: int = 180) -> None:
        self._status_by_number = status_by_number
        self._provisional = provisional

    def received(self, message: SipMessage, addr: Address) -> None:
        if message.method == "INVITE" and message.status is None:
            for status in (100, self._provisional, self._status_by_number[message.request_user]):
                self.reply(message, status, addr)


class AnswerThenReinvite(_FarEnd):
    """Answers, and as soon as it is acknowledged says again who it is."""

    def __init__(self, telling: Sequence[tuple[str, str]]) -> None:
        self._telling = telling
        self._invite: SipMessage | None = None
        self._reinvited = False
        self.reinvite_statuses: list[int] = []

    def received(self, message: SipMessage, addr: Address) -> None:
        if message.status is not None:
            self.reinvite_statuses.append(message.status)
            if message.status >= 200 and self._invite is not None:
                self.send(self._request("ACK"), addr)
        elif message.method == "INVITE" and self._invite is None:
            self._invite = message
            for status in (100, 180, 200):
                self.reply(message, status, addr, () if status == 100 else self._telling)
        elif message.method == "ACK" and not self._reinvited:
            self._reinvited = True
            self.send(self._request("INVITE"), addr)
        elif message.method == "BYE":
            self.reply(message, 200, addr)

    def _request(self, method: str) -> bytes:
        assert self._invite is not None
        invite = self._invite
        headers = [
            ("Via", f"SIP/2.0/UDP {HOST}:{self.port};branch={new_branch()};rport"),
            ("Max-Forwards", "70"),
            ("From", f"{invite.header('to')};tag=lab"),
            ("To", invite.header("from")),
            ("Call-ID", invite.call_id),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:lab@{HOST}:{self.port}>"),
            *self._telling,
        ]
        body = offer(SILENT_RTP_PORT) if method == "INVITE" else b""
        return build(f"{method} {uri_of(invite.header('contact'))} SIP/2.0", headers, body)


@asynccontextmanager
async def in_place_of(far_end: Platform | MobileNetwork, fickle: _FarEnd) -> AsyncIterator[None]:
    """While this lasts, the fickle one listens where the healthy one did."""
    await far_end.close_port()
    fickle.port = far_end.port
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: fickle, local_addr=(HOST, far_end.port))
    try:
        yield
    finally:
        transport.close()
        # The socket is closed by the loop's next turn.
        await asyncio.sleep(0)
        await far_end.open_port()
