"""The calling side of the lab's user agent: single, surgical calls as a carrier would bring them.

Everything sent and received is kept as it was on the wire, so that a test can say of a private
number that it appears in *nothing* the caller received. Hostile bytes go out untouched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from tests.lab.call_result import CallResult, Ended, Response
from tests.lab.keypad import PACKET_SECONDS, SAMPLES_PER_PACKET, SPEECH, Stream, stream_to
from tests.lab.outgoing_invite import OutgoingInvite
from tests.lab.ports import Ports
from tests.lab.sip import (
    HOST,
    T1_SECONDS,
    T2_SECONDS,
    TIMER_B_SECONDS,
    SipMessage,
    encode,
    parse,
    respond,
)

Address = tuple[str, int]
DEFAULT_FROM = "+441632960001"
LOOK_SECONDS = 0.02  # how often a call that is held looks whether it may end


class CallerAgent(asyncio.DatagramProtocol):
    """One port that places calls, several at once if need be."""

    def __init__(self, ports: Ports, target_port: int) -> None:
        self.port = ports.take()
        self.target: Address = (HOST, target_port)
        self._calls: dict[str, _OutgoingCall] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self.port))

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def call(
        self,
        to: str,
        *,
        from_: str = DEFAULT_FROM,
        raw_from: bytes | None = None,
        headers: Sequence[tuple[str, str] | bytes] = (),
        raw_request_uri: bytes | None = None,
        raw_to: str | None = None,
        cancel_after_seconds: float | None = None,
        cancel_when: Callable[[], object] | None = None,
        hold_seconds: float = 0.2,
        hold_until: asyncio.Event | None = None,
        give_up_seconds: float = 40.0,
        talks: bool = False,
    ) -> CallResult:
        """Place one call and see it through; it is hung up `hold_seconds` after the answer, and talks until then.

        `hold_until` hangs up earlier: for calls that have to be there while something else happens.

        `cancel_after_seconds` counts from the INVITE; `cancel_when` is asked again and again, for callers who leave
        when something has happened, however long a busy machine takes for it. `raw_from` is the whole value of the From
        header but for its tag, `raw_to` that of To. Without a final answer the call is given up, and cancelled.
        """
        loop = asyncio.get_running_loop()
        media = _MediaCounter()
        media_transport, _ = await loop.create_datagram_endpoint(lambda: media, local_addr=(HOST, 0))
        media.transport = media_transport
        invite = OutgoingInvite(
            request_uri=raw_request_uri or encode(f"sip:{to}@{HOST}:{self.target[1]}"),
            from_=raw_from or encode(f"<sip:{from_}@{HOST}:{self.port}>"),
            to=raw_to or f"<sip:{to}@{HOST}:{self.target[1]}>",
            contact=f"<sip:{from_ if raw_from is None else 'lab'}@{HOST}:{self.port}>",
            port=self.port,
            extra=tuple(headers),
            rtp_port=media_transport.get_extra_info("sockname")[1],
        )
        call = _OutgoingCall(invite, self._send, media, talks=talks, hold_until=hold_until)
        call.cancel_when = cancel_when
        self._calls[invite.call_id] = call
        try:
            return await call.run(cancel_after_seconds, hold_seconds, give_up_seconds)
        finally:
            del self._calls[invite.call_id]
            media_transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = parse(data)
        if message is None:
            return
        call = self._calls.get(message.call_id)
        if call is not None:
            call.received(message)
        elif message.status is None and message.method != "ACK":
            # The qualify of the trunk's own AOR; anything else belongs to a call long over.
            self._send(respond(message, 200 if message.method == "OPTIONS" else 481, to_tag="lab"))

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data, self.target)

    def error_received(self, exc: Exception) -> None:
        """A refused port shows as a call without any response."""


class _MediaCounter(asyncio.DatagramProtocol):
    """Keeps the RTP that came: it tells what was played, and when."""

    def __init__(self) -> None:
        self.packet_times: list[float] = []
        self.packets: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if len(data) >= 12 and data[0] >> 6 == 2:
            self.packet_times.append(time.monotonic())
            self.packets.append(data)

    async def talk(self, stream: Stream) -> None:
        """Until it is cancelled."""
        assert self.transport is not None
        while True:
            stream.timestamp += SAMPLES_PER_PACKET
            self.transport.sendto(stream.packet(stream.audio_payload, SPEECH), stream.peer)
            await asyncio.sleep(PACKET_SECONDS)


class _OutgoingCall:
    """One call from INVITE to its end."""

    def __init__(
        self,
        invite: OutgoingInvite,
        send: Callable[[bytes], None],
        media: _MediaCounter,
        *,
        talks: bool,
        hold_until: asyncio.Event | None,
    ) -> None:
        self._talks = talks
        self._hold_until = hold_until
        self._invite = invite
        self._transmit = send
        self._media = media
        self._inbox: asyncio.Queue[tuple[float, SipMessage]] = asyncio.Queue()
        self._responses: list[Response] = []
        self._received: list[bytes] = []
        self._sent: list[bytes] = []
        self._answer: SipMessage | None = None
        self._ended = Ended.NOT_ANSWERED
        self.cancel_when: Callable[[], object] | None = None

    def received(self, message: SipMessage) -> None:
        self._received.append(message.raw)
        self._inbox.put_nowait((time.monotonic(), message))

    async def run(self, cancel_after: float | None, hold: float, give_up: float) -> CallResult:
        started_at = time.monotonic()
        final = await self._await_final(started_at, cancel_after, give_up)
        answered_at = time.monotonic() if final is not None and final.status == 200 else None
        if final is not None and answered_at is not None:
            self._answer = final
            stream = stream_to(final.body) if self._talks else None
            talking = asyncio.create_task(self._media.talk(stream)) if stream is not None else None
            await self._hold(hold)
            if talking is not None:
                talking.cancel()
        return CallResult(
            invited_at=started_at,
            responses=tuple(self._responses),
            final_status=final.status if final is not None else None,
            answered_at=answered_at,
            rtp_packet_times=tuple(self._media.packet_times),
            rtp_packets=tuple(self._media.packets),
            ended=self._ended,
            call_id=self._invite.call_id,
            received=tuple(self._received),
            sent=tuple(self._sent),
            ended_at=time.monotonic(),
        )

    async def _await_final(self, started_at: float, cancel_after: float | None, give_up: float) -> SipMessage | None:
        initial = self._invite.initial()
        self._send(initial)
        interval, retransmit_at = T1_SECONDS, started_at + T1_SECONDS
        cancel_at = started_at + min(give_up, cancel_after if cancel_after is not None else give_up)
        end_at = started_at + give_up + 2 * T1_SECONDS
        cancelled, wanted = False, cancel_after is not None or self.cancel_when is not None
        while (now := time.monotonic()) < end_at:
            if self.cancel_when is not None and not cancelled and self.cancel_when():
                cancel_at = now
            if not self._responses and now >= retransmit_at and now - started_at < TIMER_B_SECONDS:
                self._send(initial)
                interval *= 2
                retransmit_at = now + interval
            # CANCEL may only follow a provisional response (RFC 3261 9.1).
            if self._responses and not cancelled and now >= cancel_at:
                self._send(self._invite.cancel())
                cancelled = True
                self._ended = Ended.CANCELLED if wanted else Ended.GIVEN_UP
            wake_at = end_at if cancelled else min(end_at, max(cancel_at, now + T1_SECONDS))
            if not self._responses:
                wake_at = min(wake_at, max(retransmit_at, now))
            if self.cancel_when is not None and not cancelled:
                wake_at = min(wake_at, now + LOOK_SECONDS)
            message = await self._next(wake_at - now)
            if message is not None and message.method == "INVITE" and (message.status or 0) >= 200:
                self._send(self._invite.acknowledge(message))
                return message
        self._ended = Ended.GIVEN_UP
        return None

    async def _hold(self, hold_seconds: float) -> None:
        """Stay in the call until our time is up or the other side ends it."""
        assert self._answer is not None
        hang_up_at = time.monotonic() + hold_seconds
        until = self._hold_until
        while (now := time.monotonic()) < hang_up_at and not (until is not None and until.is_set()):
            left_seconds = hang_up_at - now
            message = await self._next(left_seconds if until is None else min(left_seconds, LOOK_SECONDS))
            if message is not None and message.status is None and message.method == "BYE":
                self._ended = Ended.BY_CALLEE
                return
        self._ended = Ended.BY_CALLER
        bye, interval, tries = self._invite.bye(self._answer), T1_SECONDS, 0
        while tries < 5:
            self._send(bye)
            message = await self._next(interval)
            if message is not None and message.status is not None and message.method == "BYE":
                return
            tries, interval = tries + 1, min(2 * interval, T2_SECONDS)

    async def _next(self, within_seconds: float) -> SipMessage | None:
        """The next message, with what the protocol wants of us already done."""
        try:
            at, message = await asyncio.wait_for(self._inbox.get(), max(within_seconds, 0.001))
        except TimeoutError:
            return None
        if message.status is None:
            if message.method != "ACK":
                self._send(self._invite.answer(message))
        elif message.method == "INVITE":
            self._responses.append(Response(message.status, at, message))
            if self._answer is not None:
                self._send(self._invite.acknowledge(message))
        return message

    def _send(self, data: bytes) -> None:
        self._sent.append(data)
        self._transmit(data)
