"""From the bytes of a captured frame to the SIP text it carries, and who sent it: Ethernet with VLAN tags, Linux's and
BSD's own framings, IPv4 and IPv6, UDP and TCP. What is cut short or foreign is passed over, whatever it holds."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import unpack_from
from typing import Final

from ringfence.domain.received_invite import MAX_HEAD_BYTES

NULL, ETHERNET, RAW_BSD, RAW, LOOP, LINUX, LINUX_2, IPV4, IPV6 = 0, 1, 12, 101, 108, 113, 276, 228, 229
"""Numbers of framings in a capture's head."""

MAX_FLOWS: Final = 1_000
MAX_FRAGMENTED: Final = 256
MAX_EXTENSIONS: Final = 8

_IP_TYPES: Final = (0x0800, 0x86DD)
_VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)
_TCP, _UDP, _FRAGMENT = 6, 17, 44
_EXTENSIONS: Final = (0, 43, 60)
_INVITE = re.compile(rb"(?:^|\r?\n)(INVITE [^\s]{1,2000} SIP/2\.0\r?\n)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class _Packet:
    source: Address
    target: Address
    protocol: int
    payload: bytes
    fragment: tuple[int, int, bool] | None = None
    """Its datagram's id, where it begins in it, and whether more follow."""


class Streams:
    """Puts datagrams and TCP streams together as far as an INVITE's head needs it. A limit on everything: what a
    capture begins and never ends is forgotten."""

    def __init__(self) -> None:
        self._fragments: OrderedDict[tuple[object, ...], dict[int, tuple[bytes, bool]]] = OrderedDict()
        self._flows: OrderedDict[tuple[object, ...], tuple[int, bytes]] = OrderedDict()

    def heads(self, framing: int, frame: bytes) -> Iterator[tuple[Address, bytes]]:
        """Who sent them, and each INVITE's head that is complete with this frame."""
        packet = _packet(framing, frame)
        if packet is None:
            return
        payload = packet.payload if packet.fragment is None else self._whole(packet, packet.fragment)
        if payload is None:
            return
        if packet.protocol == _UDP and len(payload) > 8:
            yield from ((packet.source, head) for head in _heads(payload[8:])[0])
        elif packet.protocol == _TCP and len(payload) >= 20:
            yield from ((packet.source, head) for head in self._segment(packet, payload))

    def _whole(self, packet: _Packet, fragment: tuple[int, int, bool]) -> bytes | None:
        number, start, more = fragment
        key = (packet.source, packet.target, packet.protocol, number)
        parts = self._fragments.setdefault(key, {})
        parts[start] = (packet.payload, more)
        if len(self._fragments) > MAX_FRAGMENTED:
            self._fragments.popitem(last=False)
        whole = b""
        while len(whole) in parts:
            piece, more = parts[len(whole)]
            whole += piece
            if not more:
                self._fragments.pop(key, None)
                return whole
            if not piece or len(whole) > MAX_HEAD_BYTES:
                break
        if len(parts) > MAX_EXTENSIONS * 8:
            self._fragments.pop(key, None)
        return None

    def _segment(self, packet: _Packet, segment: bytes) -> list[bytes]:
        source_port, target_port, sequence = unpack_from("!HHI", segment)
        data = segment[(segment[12] >> 4) * 4 :]
        if not data:
            return []
        flow = (packet.source, packet.target, source_port, target_port)
        expected, pending = self._flows.pop(flow, (sequence, b""))
        heads, rest = _heads(pending + data if expected == sequence else data)
        if rest:
            self._flows[flow] = ((sequence + len(data)) & 0xFFFFFFFF, rest)
            if len(self._flows) > MAX_FLOWS:
                self._flows.popitem(last=False)
        return heads


def _heads(data: bytes) -> tuple[list[bytes], bytes]:
    """Every whole head of an INVITE, and the last one that has begun."""
    found: list[bytes] = []
    if b"INVITE " not in data:  # nearly everything in a capture is sound
        return found, b""
    for start in _INVITE.finditer(data):
        end = _HEAD_END.search(data, start.end(1))
        if end is None:
            rest = data[start.start(1) :]
            return found, rest if len(rest) <= MAX_HEAD_BYTES else b""
        found.append(data[start.start(1) : end.start()])
    return found, b""


def _packet(framing: int, frame: bytes) -> _Packet | None:
    start = _ip_start(framing, frame)
    if start is None or len(frame) <= start:
        return None
    version = frame[start] >> 4
    if version == 4 and len(frame) >= start + 20:
        return _ipv4(frame[start:])
    if version == 6 and len(frame) >= start + 40:
        return _ipv6(frame[start:])
    return None


def _ip_start(framing: int, frame: bytes) -> int | None:
    """Where the IP packet begins in a frame; None: there is none."""
    if framing in (RAW, RAW_BSD, IPV4, IPV6):
        return 0
    if framing in (NULL, LOOP):
        return 4
    type_at, start = {ETHERNET: (12, 14), LINUX: (14, 16), LINUX_2: (0, 20)}.get(framing, (0, 0))
    if not start or len(frame) < start:
        return None
    (kind,) = unpack_from("!H", frame, type_at)
    while kind in _VLAN_TYPES and len(frame) >= start + 4 and framing != LINUX_2:
        (kind,) = unpack_from("!H", frame, start + 2)
        start += 4
    return start if kind in _IP_TYPES else None


def _ipv4(packet: bytes) -> _Packet | None:
    length, number, place = unpack_from("!HHH", packet, 2)
    head = (packet[0] & 0x0F) * 4
    if head < 20:
        return None
    # 0: a network card put the pieces together after the length was written.
    payload = packet[head : length or None]
    start, more = (place & 0x1FFF) * 8, bool(place & 0x2000)
    fragment = (number, start, more) if start or more else None
    return _Packet(IPv4Address(packet[12:16]), IPv4Address(packet[16:20]), packet[9], payload, fragment)


def _ipv6(packet: bytes) -> _Packet | None:
    (length,) = unpack_from("!H", packet, 4)
    source, target = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    protocol, payload = packet[6], packet[40 : 40 + length] if length else packet[40:]
    fragment = None
    for _ in range(MAX_EXTENSIONS):
        if protocol == _FRAGMENT and len(payload) >= 8:
            place, number = unpack_from("!HI", payload, 2)
            fragment = (number, place & 0xFFF8, bool(place & 1))
            protocol, payload = payload[0], payload[8:]
            break
        if protocol not in _EXTENSIONS or len(payload) < 8:
            break
        protocol, payload = payload[0], payload[(payload[1] + 1) * 8 :]
    return _Packet(source, target, protocol, payload, fragment)
