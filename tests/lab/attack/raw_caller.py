"""Sends requests as they are given, from an address of its own, and ends politely whatever call comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.lab.attack.torture_parts import Marks, Torture
from tests.lab.sip import HOST, SipMessage, encode, parse, respond, uri_of

ELSEWHERE = "127.0.0.66"
"""No trunk's source. The whole of 127.0.0.0/8 is this machine's."""
ANSWER_SECONDS = 4.0


@dataclass
class Sent:
    """One request, and what came back by its Call-ID."""

    torture: Torture
    marks: Marks
    statuses: list[int] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    @property
    def final(self) -> int | None:
        return next((status for status in self.statuses if status >= 200), None)

    @property
    def put_through(self) -> bool:
        return self.final == 200


class RawCaller(asyncio.DatagramProtocol):
    """`async with RawCaller(asterisk_port, host)`."""

    def __init__(self, asterisk_port: int, host: str = HOST) -> None:
        self._host = host
        self._asterisk_port = asterisk_port
        self._sent: dict[str, Sent] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._port = 0

    async def __aenter__(self) -> RawCaller:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, 0))
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.abort()

    @property
    def sent(self) -> list[Sent]:
        return list(self._sent.values())

    async def send_all(self, tortures: Iterable[tuple[Torture, str]], per_second: float) -> list[Sent]:
        """Each to its DID, once: nothing is sent again. Returns when they have had time to be answered."""
        assert self._transport is not None
        sent = []
        for torture, did in tortures:
            marks = Marks(did, self._asterisk_port, self._port, self._host)
            one = self._sent[marks.call_id] = Sent(torture, marks)
            sent.append(one)
            self._send(torture.make(marks))
            await asyncio.sleep(1 / per_second)
        await asyncio.sleep(ANSWER_SECONDS)
        return sent

    def datagram_received(self, data: bytes, addr: object) -> None:
        message = parse(data)
        if message is None:
            return
        if message.status is None:
            if message.method != "ACK":
                self._send(respond(message, 200, to_tag="torture"))
            return
        one = self._sent.get(message.call_id)
        if one is None or message.method != "INVITE":
            return
        one.statuses.append(message.status)
        one.answers.append(data)
        if message.status >= 300:
            self._send(_follow_up("ACK", one.marks, message, one.marks.branch))
        elif message.status >= 200:
            self._send(_follow_up("ACK", one.marks, message, f"{one.marks.branch}a"))
            self._send(_follow_up("BYE", one.marks, message, f"{one.marks.branch}b"))

    def error_received(self, exc: Exception) -> None:
        """A closed port shows as silence."""

    def _send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(data, (HOST, self._asterisk_port))


def _follow_up(method: str, marks: Marks, answer: SipMessage, branch: str) -> bytes:
    number = int(answer.header("cseq").split()[0] or 1)
    uri = marks.uri if answer.status and answer.status >= 300 else encode(uri_of(answer.header("contact")))
    number += 1 if method == "BYE" and number < 2**31 - 1 else 0
    lines = (
        encode(method) + b" " + uri + b" SIP/2.0",
        encode(f"Via: SIP/2.0/UDP {marks.host}:{marks.port};branch={branch};rport"),
        b"Max-Forwards: 70",
        encode(f"From: {answer.header('from')}"),
        encode(f"To: {answer.header('to')}"),
        encode(f"Call-ID: {answer.call_id}"),
        encode(f"CSeq: {number} {method}"),
        b"Content-Length: 0",
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"
