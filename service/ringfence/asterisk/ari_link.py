"""The lasting event stream: connects, sets the filter, reads, and comes back by itself after every loss.

Events of the time between are lost for ever; `LinkChanged(up=True)` says so, and whoever needs the state reads it
anew. What arrives is handed on through a callback that must not block: a slow reader makes Asterisk drop the link.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

import aiohttp
import structlog

from ringfence.app.ports import (
    AsteriskError,
    AsteriskEvent,
    AsteriskLoginRefused,
    AsteriskUnavailable,
    Clock,
    LinkChanged,
)
from ringfence.asterisk.ari import AriClient
from ringfence.asterisk.backoff import BackOff
from ringfence.asterisk.event_fields import MalformedEvent
from ringfence.asterisk.events import Wiring, read_event
from ringfence.asterisk.identity_events import read_identity
from ringfence.asterisk.leg_memory import LegMemory
from ringfence.asterisk.outgoing_events import read_outgoing
from ringfence.asterisk.refusal_events import read_refusal
from ringfence.asterisk.vocabulary import EventType

log = structlog.get_logger(__name__)

MAX_REASONS: Final = 64  # kinds of malformed events counted apart
SETTLED_SECONDS: Final = 5.0  # a link that lasted so long starts its back-off anew

Emit = Callable[[AsteriskEvent], None]


class ApplicationReplaced(AsteriskUnavailable):
    """Somebody else opened the event stream of our application; ours is deaf from then on."""


class AriLink:
    """Runs the event stream of one node. `dropped` counts malformed events by reason."""

    def __init__(self, ari: AriClient, wiring: Wiring, clock: Clock, back_off: BackOff | None = None) -> None:
        self._ari = ari
        self._wiring = wiring
        self._clock = clock
        self._back_off = back_off or BackOff()
        self._random = Random()  # noqa: S311  jitter needs no secrecy
        self._told = ""
        self.legs = LegMemory()
        self.dropped: Counter[str] = Counter()
        self.up = False

    async def run(self, emit: Emit) -> None:
        """Keeps the stream up until cancelled."""
        failures = 0
        while True:
            began = self._clock.now()
            fault = await self._one_connection(emit)
            if self._clock.now().since(began) >= SETTLED_SECONDS:
                failures = 0
            failures += 1
            self._tell_down(fault, emit)
            await asyncio.sleep(self._delay_seconds(fault, failures))

    async def _one_connection(self, emit: Emit) -> AsteriskError:
        """From connect to loss; returns why it ended."""
        try:
            socket = await self._ari.events()
        except AsteriskError as error:
            return error
        try:
            await self._ari.filter_events()
            self._tell_up(emit)
            return await self._read(socket, emit)
        except AsteriskError as error:
            return error
        finally:
            self.up = False
            await _close(socket)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, emit: Emit) -> AsteriskError:
        while True:
            frame = await socket.receive()
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return _ended(socket)
            event = self._parsed(frame.data)
            if isinstance(event, dict) and event.get("type") == EventType.REPLACED:
                return ApplicationReplaced(
                    f"Somebody else took over the ARI application {self._ari.settings.application}.",
                    "Give each Ringfence on this Asterisk a node name of its own, or stop the other one.",
                )
            for value in self._values(event):
                emit(value)

    def _parsed(self, text: str) -> object:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self._drop("the event is not JSON")
            return {}

    def _values(self, event: object) -> tuple[AsteriskEvent, ...]:
        try:
            now = self._clock.now()
            return (
                *read_event(event, self._wiring, self.legs, now),
                *read_refusal(event, now),
                *read_identity(event, now),
                *read_outgoing(event, now),
            )
        except MalformedEvent as error:
            self._drop(str(error))
            return ()

    def _drop(self, reason: str) -> None:
        if reason not in self.dropped:
            if len(self.dropped) >= MAX_REASONS:
                reason = "another reason"
            log.warning("ari event dropped, further ones are only counted", reason=reason)
        self.dropped[reason] += 1

    def _delay_seconds(self, fault: AsteriskError, failures: int) -> float:
        if isinstance(fault, AsteriskLoginRefused):
            return self._back_off.refused_seconds
        if isinstance(fault, ApplicationReplaced):
            return self._back_off.replaced_seconds
        return self._back_off.delay_seconds(failures, self._random)

    def _tell_up(self, emit: Emit) -> None:
        self.up = True
        if self._told:
            log.info("ari is back", application=self._ari.settings.application)
        self._told = ""
        emit(LinkChanged(True, "connected", self._clock.now()))

    def _tell_down(self, fault: AsteriskError, emit: Emit) -> None:
        if self._told == fault.message:
            return
        first = not self._told
        self._told = fault.message
        # While it is down the reason may wander from "no answer" to "refused" and back: one edge, one line.
        if first or isinstance(fault, AsteriskLoginRefused):
            log.error("ari is down", reason=fault.message, fix=fault.fix)
            emit(LinkChanged(False, str(fault), self._clock.now()))


def _ended(socket: aiohttp.ClientWebSocketResponse) -> AsteriskError:
    if isinstance(socket.exception(), TimeoutError):
        return AsteriskUnavailable("ARI's event stream is silent.", "Is Asterisk frozen or overloaded?")
    return AsteriskUnavailable("ARI's event stream ended.", "Asterisk was stopped or restarted.")


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Within moments: a frozen Asterisk answers no closing frame."""
    try:
        async with asyncio.timeout(0.2):
            await socket.close()
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
