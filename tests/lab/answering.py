"""The called side of the lab's user agent: takes INVITEs over UDP and treats them as it is told.

Used by `agent_process` as the primary platform, as a mobile network or as an egress trunk. SIPp
cannot take these parts: its scenario cannot be changed under traffic, nor its port be closed.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.forwarding import ForwardedCall
from tests.lab.holding import hold_acknowledgement, hold_request
from tests.lab.keypad import MediaPort, stream_to
from tests.lab.moods import MoodyNumbers
from tests.lab.signs_of_life import Nodes, answer_options, answer_register
from tests.lab.sip import (
    HOST,
    T1_SECONDS,
    T2_SECONDS,
    TIMER_B_SECONDS,
    SipMessage,
    answer,
    build,
    new_branch,
    parse,
    respond,
    tag_of,
    uri_of,
    user_of,
    without_headers,
)

Report = Callable[[str, dict[str, Any]], None]
Address = tuple[str, int]
CALLS_REMEMBERED = 20_000


@dataclass(slots=True)
class _Call:
    """One dialog. `ended` ends its task, `acknowledged` ends the final response's repeats."""

    invite: SipMessage
    peer: Address
    behaviour: Behaviour
    to_tag: str = field(default_factory=lambda: secrets.token_hex(6))
    last_response: bytes = b""
    final_status: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)


class AnsweringAgent(asyncio.DatagramProtocol):
    """One port that takes calls; `behave` changes it between two datagrams."""

    def __init__(self, port: int, media: MediaPort, report: Report) -> None:
        self.port = port
        self._media = media
        self._report = report
        self._default = Behaviour()
        self._by_number: dict[str, Behaviour] = {}
        self.moods = MoodyNumbers()
        self._random = random.Random(0)
        self._nodes = Nodes()
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self._port_closed = asyncio.Event()

    def behave(self, behaviour: Behaviour, number: str | None = None) -> None:
        """For every number, forgetting exceptions made before; or for one number only."""
        if number is not None:
            self._by_number[number] = behaviour
            return
        self._default = behaviour
        self._by_number.clear()
        self.moods.clear()
        self._random = random.Random(behaviour.options_loss_seed)

    async def open_port(self) -> None:
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self.port))

    async def close_port(self) -> None:
        """The kernel then answers with ICMP: refused. asyncio closes a socket later than asked."""
        if self._transport is not None:
            self._port_closed.clear()
            self._transport.abort()
            self._transport = None
            await self._port_closed.wait()

    def hang_up_all(self) -> None:
        for call in list(self._calls.values()):
            if call.final_status == 200 and not call.ended.is_set():
                self._hang_up(call)

    def hold_all(self) -> None:
        """Callers hear nothing more, and nothing is sent to them."""
        self._media.hush_all()
        for call in self._calls.values():
            if call.final_status == 200 and not call.ended.is_set():
                self._send(hold_request(call.invite, call.to_tag, self.port, self._media.port), call.peer)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self._default.unseen_headers:
            data = without_headers(data, self._default.unseen_headers)
        message = parse(data)
        if message is None:
            return
        call = self._calls.get(message.call_id)
        if message.status is not None:
            if call is not None and message.status == 200 and message.method == "INVITE":
                self._send(hold_acknowledgement(call.invite, call.to_tag, self.port), call.peer)
            return
        match message.method:
            case "INVITE" if call is None:
                self._take(message, addr)
            case "INVITE":
                self._repeat_or_renegotiate(call, message, addr)
            case "ACK" if call is not None:
                call.acknowledged.set()
            case "ACK":
                pass
            case "CANCEL":
                self._cancel(call, message, addr)
            case "BYE":
                self._bye(call, message, addr)
            case "OPTIONS":
                self._options(message, addr)
            case "REGISTER":
                self._send(answer_register(message, self._default), addr)
            case _:
                self._send(respond(message, 200 if call is not None else 481), addr)

    def _options(self, request: SipMessage, addr: Address) -> None:
        reply = answer_options(request, self._default, self._random)
        asyncio.get_running_loop().call_later(self._default.options_delay_ms / 1000, self._send, reply, addr)

    def _take(self, invite: SipMessage, addr: Address) -> None:
        drawn = self.moods.behaviour(invite.request_user, user_of(invite.header("from")))
        behaviour = drawn or self._by_number.get(invite.request_user, self._default)
        if behaviour.takes_from and user_of(invite.header("from")) not in behaviour.takes_from:
            behaviour = replace(behaviour, manner=Manner.REFUSE, ring_delay_ms=0)
        call = _Call(invite, addr, self._nodes.behaviour(behaviour))
        self._calls[invite.call_id] = call
        if len(self._calls) > CALLS_REMEMBERED:
            del self._calls[next(iter(self._calls))]
        self._tell(call, "invite", raw=invite.raw.decode("latin-1"))
        if call.behaviour.manner is not Manner.SILENT:
            task = asyncio.get_running_loop().create_task(self._serve(call), name="serve-call")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, call: _Call) -> None:
        behaviour = call.behaviour
        self._reply(call, 100)
        if behaviour.manner is Manner.TRYING_ONLY:
            return
        if await _happens(call.ended, behaviour.ring_delay_ms / 1000):
            return
        if behaviour.manner is Manner.REFUSE:
            await self._reply_until_acknowledged(call, behaviour.status)
            return
        if behaviour.forward is None or behaviour.forward.after_ms:
            self._reply(call, behaviour.ring_status)
        if behaviour.forward is not None:
            onward = ForwardedCall(call.invite, behaviour.forward, self._media.port)
            final = partial(self._reply_until_acknowledged, call)
            if await onward.follow(lambda: self._reply(call, behaviour.ring_status), final, call.ended):
                self._hang_up(call)
            return
        if behaviour.manner is Manner.RING_FOR_EVER:
            return
        if await _happens(call.ended, behaviour.answer_delay_ms / 1000):
            return
        await self._reply_until_acknowledged(call, 200)
        await self._live_in(call)

    async def _live_in(self, call: _Call) -> None:
        """What whoever answered does in the call, up to hanging up."""
        behaviour = call.behaviour
        stream = stream_to(call.invite.body)
        if stream is not None and behaviour.talks:
            self._media.talk(stream)
        started_at = time.monotonic()
        if stream is not None and behaviour.press and not await _happens(call.ended, behaviour.press_after_ms / 1000):
            await self._media.press(stream, behaviour.press)
            self._tell(call, "pressed", keys=behaviour.press)
        left = (behaviour.hang_up_after_ms or 0) / 1000 - (time.monotonic() - started_at)
        if behaviour.hang_up_after_ms is not None and not await _happens(call.ended, max(left, 0.001)):
            self._hang_up(call)
        if stream is not None and behaviour.talks:
            await call.ended.wait()
            self._media.hush(stream)

    async def _reply_until_acknowledged(self, call: _Call, status: int) -> None:
        """RFC 3261 13.3.1.4: a final response is repeated until ACK, on UDP."""
        call.final_status = status
        self._tell(call, "final", status=status)
        self._reply(call, status)
        interval_seconds, waited_seconds = T1_SECONDS, 0.0
        while waited_seconds < TIMER_B_SECONDS and not call.ended.is_set():
            if await _happens(call.acknowledged, interval_seconds):
                return
            self._send(call.last_response, call.peer)
            waited_seconds += interval_seconds
            interval_seconds = min(2 * interval_seconds, T2_SECONDS)

    def _reply(self, call: _Call, status: int) -> None:
        headers: list[tuple[str, str]] = []
        body = b""
        if status > 100:
            headers = list(call.behaviour.response_headers)
            # A 302 brings the Contact it redirects to.
            if not any(name.lower() == "contact" for name, _ in headers):
                headers.append(("Contact", f"<sip:lab@{HOST}:{self.port}>"))
        if status in (183, 200):
            body = answer(call.invite.body, self._media.port)
        to_tag = call.to_tag if status > 100 else ""
        call.last_response = respond(call.invite, status, to_tag=to_tag, headers=headers, body=body)
        self._send(call.last_response, call.peer)

    def _repeat_or_renegotiate(self, call: _Call | None, request: SipMessage, addr: Address) -> None:
        assert call is not None
        if tag_of(request.header("to")):
            body = answer(request.body, self._media.port)
            contact = ("Contact", f"<sip:lab@{HOST}:{self.port}>")
            self._send(respond(request, 200, headers=[contact], body=body), addr)
        elif call.last_response:
            self._send(call.last_response, addr)

    def _cancel(self, call: _Call | None, request: SipMessage, addr: Address) -> None:
        if call is None or call.final_status is not None:
            self._send(respond(request, 481 if call is None else 200), addr)
            return
        if call.behaviour.manner is Manner.SILENT:
            return
        self._send(respond(request, 200, to_tag=call.to_tag), addr)
        call.final_status = 487
        call.ended.set()
        self._tell(call, "ended", by="caller-cancel")
        self._reply(call, 487)

    def _bye(self, call: _Call | None, request: SipMessage, addr: Address) -> None:
        self._send(respond(request, 200 if call is not None else 481), addr)
        if call is not None and not call.ended.is_set():
            call.ended.set()
            self._tell(call, "ended", by="caller-bye")

    def _hang_up(self, call: _Call) -> None:
        call.ended.set()
        invite = call.invite
        self._send(
            build(
                f"BYE {uri_of(invite.header('contact'))} SIP/2.0",
                [
                    ("Via", f"SIP/2.0/UDP {HOST}:{self.port};branch={new_branch()};rport"),
                    ("Max-Forwards", "70"),
                    *(("Route", route) for route in invite.all("record-route")),
                    ("From", f"{invite.header('to')};tag={call.to_tag}"),
                    ("To", invite.header("from")),
                    ("Call-ID", invite.call_id),
                    ("CSeq", "2 BYE"),
                ],
            ),
            call.peer,
        )
        self._tell(call, "ended", by="callee-bye")

    def _tell(self, call: _Call, kind: str, **fields: Any) -> None:
        self._report(kind, {"call_id": call.invite.call_id, "at": time.time(), **fields})

    def _send(self, data: bytes, addr: Address) -> None:
        if self._transport is not None and data:
            self._transport.sendto(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called just before the socket is closed, in the same turn of the loop."""
        self._port_closed.set()

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed; its own tests say so."""


async def _happens(event: asyncio.Event, within_seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), within_seconds)
    except TimeoutError:
        return False
    return True
