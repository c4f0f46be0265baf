"""What an answering phone sends as media: keys by RFC 4733, and speech for those who only talk.

One socket carries the media of all calls of a far end, and one clock drives all that talk: a hundred of them at once
must not be what makes a gap.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import struct
from dataclasses import dataclass, field

from tests.lab.sip import HOST

Address = tuple[str, int]
KEYS = "0123456789*#ABCD"
PACKET_SECONDS = 0.02
SAMPLES_PER_PACKET = 160
KEY_PACKETS = 4
"""80 ms: no receiver takes less than 40 for a key."""
END_REPEATS = 3
# PCMU and PCMA: no silence in either, so that whoever listens for it finds none.
SPEECH = bytes(range(0x90, 0xB0)) * 5


@dataclass(slots=True)
class Stream:
    """The media of one call, from us to `peer`."""

    peer: Address
    audio_payload: int
    key_payload: int | None
    """Nothing where the far side offered no telephone-event."""
    source: int = field(default_factory=lambda: secrets.randbits(32))
    sequence: int = field(default_factory=lambda: secrets.randbits(15))
    timestamp: int = field(default_factory=lambda: secrets.randbits(31))

    def packet(self, payload_type: int, body: bytes, *, marker: bool = False) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFFFF
        kind = payload_type | (0x80 if marker else 0)
        return struct.pack("!BBHII", 0x80, kind, self.sequence, self.timestamp, self.source) + body


def stream_to(description: bytes) -> Stream | None:
    """To where an SDP wants its audio; nothing where it names no such place."""
    media = re.search(rb"m=audio (\d+) \S+ (\d+)", description)
    if media is None or int(media[1]) == 0:
        return None
    events = re.search(rb"a=rtpmap:(\d+) telephone-event/8000", description)
    return Stream((HOST, int(media[1])), int(media[2]), int(events[1]) if events else None)


class MediaPort(asyncio.DatagramProtocol):
    """The socket of all calls of one far end. What comes in is not listened to, but nothing is refused."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._talking: dict[int, Stream] = {}
        self._clock: asyncio.Task[None] | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def talk(self, stream: Stream) -> None:
        """Until `hush`."""
        self._talking[stream.source] = stream
        if self._clock is None:
            self._clock = asyncio.get_running_loop().create_task(self._speak(), name="speak")

    def hush(self, stream: Stream) -> None:
        self._talking.pop(stream.source, None)

    def hush_all(self) -> None:
        self._talking.clear()

    async def press(self, stream: Stream, keys: str) -> None:
        """One after the other, 80 ms each with a pause as long."""
        for key in keys:
            await self._press_one(stream, KEYS.index(key))

    async def _press_one(self, stream: Stream, event: int) -> None:
        if stream.key_payload is None:
            return
        for count in range(1, KEY_PACKETS + 1):
            body = struct.pack("!BBH", event, 10, count * SAMPLES_PER_PACKET)
            self._send(stream.packet(stream.key_payload, body, marker=count == 1), stream.peer)
            await asyncio.sleep(PACKET_SECONDS)
        end = struct.pack("!BBH", event, 0x80 | 10, KEY_PACKETS * SAMPLES_PER_PACKET)
        for _ in range(END_REPEATS):
            self._send(stream.packet(stream.key_payload, end), stream.peer)
        stream.timestamp += 2 * KEY_PACKETS * SAMPLES_PER_PACKET
        await asyncio.sleep(KEY_PACKETS * PACKET_SECONDS)

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        while self._talking:
            for stream in list(self._talking.values()):
                stream.timestamp += SAMPLES_PER_PACKET
                self._send(stream.packet(stream.audio_payload, SPEECH), stream.peer)
            due_at += PACKET_SECONDS
            await asyncio.sleep(max(due_at - loop.time(), 0))
        self._clock = None

    def _send(self, data: bytes, peer: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, peer)

    def error_received(self, exc: Exception) -> None:
        """Whoever hung up has closed its port; what was on its way is of no interest."""
