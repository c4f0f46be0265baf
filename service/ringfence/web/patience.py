"""What a door does with clients that connect and say nothing, or ask and never read: they get some time, never the last
file descriptors, and give way to whoever comes.

Without this a few of them, without any sign-in, took all that the process may open. It could then ask no platform any
more, and an outage was not seen for as long as they stayed.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ringfence.web.peer import client_of

REQUEST_SECONDS: Final = 10.0
"""From the connection, or from the last answer, until a request's headers are complete: uvicorn's `timeout_keep_alive`
begins after an answer, and ends with the first byte. Whoever waits for our answer, or still reads it, is not meant."""
READ_SECONDS: Final = 20.0
"""In which at least `READ_BYTES` of an answer have to be taken, again and again: what is not lies in our memory."""
READ_BYTES: Final = 16 << 10
BODY_SECONDS: Final = 60.0
"""How much longer a request's body may take: 32 MB of a directory come in it over 5 Mbit/s."""
SPARE_FILES: Final = 64
"""What the rest of the daemon opens for moments: probes, the spool, the database, an HR feed."""

HELD: Final = "ringfence.held"
"""In a request's `state`: its answer is kept back for a while, because its client asks too often."""
OUT_OF_FILES: Final = "socket.accept() out of system resource"
SAID_AGAIN_SECONDS: Final = 60.0


class SaidSeldom(logging.Filter):
    """For asyncio's own log. Where no descriptor is left it says so for every connection that may wait, each second
    anew, with a traceback: writing that down took more of the loop's time than anything else."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith(OUT_OF_FILES):
            return True
        if self._said_at is not None and record.created - self._said_at < SAID_AGAIN_SECONDS:
            return False
        self._said_at = record.created
        return True


class SparingSocket(socket.socket):
    """One that listens. It lets nobody in with the last file descriptors, TLS or not: before a handshake's end no
    protocol of ours knows of the connection."""

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if _is_among_the_last(connection):
            connection.close()
            raise ConnectionAbortedError  # asyncio takes it for a client that has gone meanwhile
        return connection, address


class PatientProtocol(H11Protocol):
    """One connection of a door."""

    _waiting: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _silent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        limit = self.limit_concurrency
        # One less than uvicorn's own, at which it would answer the newcomer 503.
        if limit is not None and len(self.connections) >= limit and not self._take_a_place():
            transport.abort()
            return
        self.client = self.client or client_of(transport.get_extra_info("socket"))
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._waiting, self._reading):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More lies here than the client takes."""
        super().pause_writing()
        self._look_again_at(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()

    def _look_again_at(self, unread: int) -> None:
        self._reading = self.loop.call_later(READ_SECONDS, self._end_unless_read, unread)

    def _end_unless_read(self, before: int) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread > before - READ_BYTES:
            self.transport.abort()
        else:
            self._look_again_at(unread)

    def _take_a_place(self) -> bool:
        """Whoever has asked nothing for longest gives way: with a door full of silent clients one who asks gets in.
        False: all of them wait for an answer."""
        others = (cast(PatientProtocol, other) for other in self.connections if other is not self)
        silent = [other for other in others if other.gives_way]
        if not silent:
            return False
        longest = min(silent, key=lambda other: other._silent_since)
        self.connections.discard(longest)  # it is told of its end a moment later
        longest.transport.abort()
        return True

    @property
    def gives_way(self) -> bool:
        """Whether it asks nothing, has not come to the end of what it asks, or asks more often than it may."""
        asked = cast(RequestResponseCycle | None, self.cycle)
        if asked is None or asked.response_complete or asked.more_body:
            return True
        return bool(asked.scope.get("state", {}).get(HELD))

    def _wait(self) -> None:
        self._silent_since = self.loop.time()
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(REQUEST_SECONDS, self._end_unless_asked)

    def _end_unless_asked(self) -> None:
        asked = cast(RequestResponseCycle | None, self.cycle)
        if asked is None:
            self.transport.abort()
        elif asked.response_complete:
            self.transport.close()  # once the last answer has gone out
            self._waiting = self.loop.call_later(READ_SECONDS, self.transport.abort)
        elif asked.more_body:
            self._waiting = self.loop.call_later(BODY_SECONDS, self._end_unless_whole, asked)

    def _end_unless_whole(self, asked: RequestResponseCycle) -> None:
        if self.cycle is asked and asked.more_body and not asked.response_complete:
            self.transport.abort()


def _is_among_the_last(sock: socket.socket) -> bool:
    """The kernel gives the lowest number that is free: a high one says how many are taken."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit != resource.RLIM_INFINITY and sock.fileno() >= limit - SPARE_FILES
