"""Reads the INVITEs out of a file that an administrator has made: a capture (pcap, pcapng), or a text with whole
messages in it, as Asterisk's `pjsip set logger`, sngrep and SIPp write them.

Record by record, so that a file of a day may be larger than the memory. What a file holds is anybody's: a record that
cannot be one ends the reading with a sentence, and what was read before it counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from struct import unpack
from typing import BinaryIO, Final

from ringfence.domain.capture_packets import Address, Streams
from ringfence.domain.received_invite import MAX_HEADERS, Invite, parse_invite

MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
MAX_LINE_BYTES: Final = 64 * 1024
TOLD_EVERY: Final = 1_000

_PCAP: Final = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
_PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
_COMPRESSED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")

# Asterisk: `<--- Received SIP request (900 bytes) from UDP:192.0.2.1:5060 --->` and `<--- Transmitting SIP request (900
# bytes) to UDP:...`; sngrep: `2030/01/31 10:00:00.123 192.0.2.1:5060 -> 198.51.100.2:5060`; SIPp: `UDP message received
# [900] bytes :` and `UDP message sent (900 bytes):`.
_RECEIVED = re.compile(rb"<--- Received SIP request \(\d+ bytes\) from \w+:(\S+?) --->")
_ARROW = re.compile(rb"^\d{4}/\d\d/\d\d [\d:.]+ (\S+) -> \S+\s*$")
_SENT = re.compile(rb"<--- Transmitting SIP |message sent \(\d+ bytes\)")
_MARK = re.compile(rb"<--- Received SIP |message received \[\d+\] bytes")


class Unreadable(Exception):
    """The file is none of these; the message says what to do."""


class InviteFile:
    """One file. `damaged` is set while it is read: why the reading ended early."""

    def __init__(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """`progress` hears now and then how many bytes have been read."""
        self._path = path
        self._progress = progress
        self.damaged = ""

    def invites(self) -> Iterator[tuple[Address | None, Invite]]:
        """Each INVITE with who sent it; None: the file does not say. Raises Unreadable, OSError."""
        with self._path.open("rb") as file:
            start = file.read(8)
            file.seek(0)
            if start.startswith(_COMPRESSED):
                raise Unreadable("It is compressed; unpack it first.")
            if start[:4] in _PCAP or start[:4] == _PCAPNG:
                frames = self._pcapng(file) if start[:4] == _PCAPNG else self._pcap(file)
                yield from self._in_frames(file, frames)
            else:
                yield from self._in_text(file)

    def _in_frames(self, file: BinaryIO, frames: Iterator[tuple[int, bytes]]) -> Iterator[tuple[Address, Invite]]:
        streams = Streams()
        for number, (framing, frame) in enumerate(frames):
            if number % TOLD_EVERY == 0:
                self._progress(file.tell())
            for source, head in streams.heads(framing, frame):
                invite = parse_invite(head)
                if invite is not None:
                    yield source, invite

    def _pcap(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        head = file.read(24)
        order = _PCAP[head[:4]]
        if len(head) < 24:
            self._cut(file)
            return
        framing = unpack(f"{order}I", head[20:])[0] & 0x0FFFFFFF
        while record := file.read(16):
            if len(record) < 16:
                self._cut(file)
                return
            frame = self._exactly(file, unpack(f"{order}I", record[8:12])[0])
            if frame is None:
                return
            yield framing, frame

    def _pcapng(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        order, framings = "<", list[int]()
        while head := file.read(8):
            if len(head) < 8:
                self._cut(file)
                return
            if head[:4] == _PCAPNG:
                # A new section: the order of bytes is told by the first word within.
                mark = file.read(4)
                order, framings = ("<" if mark == b"\x4d\x3c\x2b\x1a" else ">"), []
                file.seek(-len(mark), 1)
            kind, length = unpack(f"{order}II", head)
            body = self._exactly(file, length - 8)
            if body is None:
                return
            if kind == 1 and len(body) >= 8 and len(framings) < TOLD_EVERY:
                framings.append(unpack(f"{order}H", body[:2])[0])
            elif kind == 3 and framings and len(body) >= 8:
                yield framings[0], body[4 : min(4 + unpack(f"{order}I", body[:4])[0], len(body) - 4)]
            elif kind in (2, 6) and len(body) >= 24:
                number = unpack(f"{order}H" if kind == 2 else f"{order}I", body[: 2 if kind == 2 else 4])[0]
                size = unpack(f"{order}I", body[12:16])[0]
                if number < len(framings) and size <= len(body) - 24:
                    yield framings[number], body[20 : 20 + size]

    def _exactly(self, file: BinaryIO, size: int) -> bytes | None:
        if not 0 <= size <= MAX_RECORD_BYTES:
            self.damaged = f"at byte {file.tell():,} stands a record of {size:,} bytes: the file is damaged"
            return None
        content = file.read(size)
        if len(content) == size:
            return content
        self._cut(file)
        return None

    def _cut(self, file: BinaryIO) -> None:
        self.damaged = f"the file ends or is damaged at byte {file.tell():,}"

    def _in_text(self, file: BinaryIO) -> Iterator[tuple[Address | None, Invite]]:
        source: Address | None = None
        ours, head = False, list[bytes]()
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b"")):
            if number % TOLD_EVERY == 0:
                self._progress(file.tell())
            if head:
                if line.strip() and len(head) < MAX_HEADERS:
                    head.append(line)
                    continue
                invite = parse_invite(b"".join(head))
                if invite is not None and not ours:
                    yield source, invite
                source, ours, head = None, False, []
            elif (said := _RECEIVED.search(line) or _ARROW.match(line)) is not None:
                source, ours = _address(said[1]), False
            elif _SENT.search(line):
                source, ours = None, True
            elif _MARK.search(line):
                source, ours = None, False
            elif line.startswith(b"INVITE "):
                head = [line]
        if head and not ours and (invite := parse_invite(b"".join(head))) is not None:
            yield source, invite


def _address(text: bytes) -> Address | None:
    """Of `192.0.2.1:5060` or `[2001:db8::1]:5060`."""
    host = text.decode("ascii", errors="replace").rpartition(":")[0].strip("[]")
    try:
        return ip_address(host)
    except ValueError:
        return None
