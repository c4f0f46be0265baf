"""A mobile whose owner has forwarded it: the network sends the call on to another number through the carrier.

As a real carrier does it: a new call, with the number that was shown and nothing else. Diversion, History-Info, marks
and asserted identities stay behind. Ringing, answer, refusal, cancel and hang-up are passed on, audio is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.lab.outgoing_invite import OutgoingInvite
from tests.lab.sip import HOST, T1_SECONDS, SipMessage, encode, parse, user_of

FINAL_SECONDS = 32.0


@dataclass(frozen=True, slots=True)
class Forward:
    """Where a number is forwarded to, by which door, and when."""

    to: str
    port: int
    """Where the carrier hands calls over: Asterisk's SIP port."""
    after_ms: int = 0
    """0: at once. Else it rings so long before."""
    shows: str = "caller"
    """What stands in From: `caller`, `national` (the same, spelt so), `forwarder` (the number called) or `nothing`."""

    @classmethod
    def from_json(cls, fields: object) -> Forward | None:
        return cls(**fields) if isinstance(fields, dict) else None


class ForwardedCall(asyncio.DatagramProtocol):
    """The call onward, on a port of its own."""

    def __init__(self, invite: SipMessage, forward: Forward, media_port: int) -> None:
        self._first = invite
        self._forward = forward
        self._media_port = media_port
        self._inbox: asyncio.Queue[SipMessage] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._invite: OutgoingInvite | None = None
        self._answer: SipMessage | None = None

    async def follow(
        self, ringing: Callable[[], None], final: Callable[[int], Awaitable[None]], first_ended: asyncio.Event
    ) -> bool:
        """From the forward to the end, told to the first side as it comes; whether that side is still to be hung up."""
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(first_ended.wait(), self._forward.after_ms / 1000)
            status = 0 if first_ended.is_set() else await self.place(ringing, first_ended)
            if first_ended.is_set():
                return False
            await final(status)
            if status == 200:
                await self.until_over(first_ended)
            return status == 200 and not first_ended.is_set()
        finally:
            self.close()

    async def place(self, ringing: Callable[[], None], given_up: asyncio.Event) -> int:
        """The final status, after `ringing` for each sign of it. Cancelled when the first caller gives up."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        port = self._transport.get_extra_info("sockname")[1]
        self._invite = OutgoingInvite(
            request_uri=encode(f"sip:{self._forward.to}@{HOST}:{self._forward.port}"),
            from_=encode(self._shown()),
            to=f"<sip:{self._forward.to}@{HOST}:{self._forward.port}>",
            contact=f"<sip:carrier@{HOST}:{port}>",
            port=port,
            extra=(),
            rtp_port=self._media_port,
        )
        self._send(self._invite.initial())
        heard = cancelled = False
        deadline = loop.time() + FINAL_SECONDS
        while loop.time() < deadline:
            message = await self._next(given_up, T1_SECONDS)
            # An Asterisk that is overloaded for a moment drops what is new.
            if message is None and not heard and not given_up.is_set():
                self._send(self._invite.initial())
            heard = heard or message is not None
            if given_up.is_set() and not cancelled:
                cancelled = True
                self._send(self._invite.cancel())
            if message is None or message.method != "INVITE" or message.status is None:
                continue
            if message.status >= 200:
                self._send(self._invite.acknowledge(message))
                self._answer = message if message.status == 200 else None
                return message.status
            if message.status > 100:
                ringing()
        return 408

    async def until_over(self, first_ended: asyncio.Event) -> None:
        """Up to the end of an answered call, whichever side ends it."""
        assert self._invite is not None and self._answer is not None
        while not first_ended.is_set():
            message = await self._next(first_ended, FINAL_SECONDS)
            if message is None or message.status is not None:
                continue
            if message.method != "ACK":
                self._send(self._invite.answer(message))
            if message.method == "BYE":
                return
        self._send(self._invite.bye(self._answer))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message is not None:
            self._inbox.put_nowait(message)

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed; its own tests say so."""

    def _shown(self) -> str:
        caller = user_of(self._first.header("from"))
        shown = {
            "caller": caller,
            "national": f"0{caller[3:]}" if caller.startswith("+44") else caller,
            "forwarder": self._first.request_user,
            "nothing": "anonymous",
        }[self._forward.shows]
        host = "anonymous.invalid" if shown == "anonymous" else f"{HOST}:{self._forward.port}"
        return f"<sip:{shown}@{host}>"

    async def _next(self, ended: asyncio.Event, within_seconds: float) -> SipMessage | None:
        """The next message; None when there is none in time, or as soon as the first caller has gone."""
        came = asyncio.create_task(self._inbox.get(), name="forwarded-message")
        gone = asyncio.create_task(ended.wait(), name="first-caller-gone")
        waiting = {came, gone} if not ended.is_set() else {came}
        done, _ = await asyncio.wait(waiting, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if came in done:
            return came.result()
        came.cancel()
        return None

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, (HOST, self._forward.port))
