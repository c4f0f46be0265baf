"""Captures and logs of INVITEs, as tcpdump, Wireshark, Asterisk, sngrep and SIPp write them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from struct import pack

CARRIER, OURS = "198.51.100.1", "192.0.2.5"


def invite(
    uri: str, call_id: str = "1", *, headers: Iterable[str] = (), to: str = "<sip:pilot@ours.example>", cseq: int = 1
) -> bytes:
    lines = [
        f"INVITE {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {CARRIER};branch=z9hG4bK{call_id}{cseq}",
        "From: <sip:+447700900123@carrier.example>;tag=" + call_id,
        f"To: {to}",
        f"Call-ID: {call_id}@carrier",
        f"CSeq: {cseq} INVITE",
        *headers,
        "Content-Length: 3",
    ]
    return "\r\n".join([*lines, "", "v=0"]).encode()


def udp(payload: bytes, source: str = CARRIER, target: str = OURS) -> bytes:
    return ip(pack("!HHHH", 5060, 5060, 8 + len(payload), 0) + payload, 17, source, target)


def tcp(payload: bytes, sequence: int, source: str = CARRIER) -> bytes:
    return ip(pack("!HHIIBBHHH", 40_000, 5060, sequence, 0, 5 << 4, 0x18, 0, 0, 0) + payload, 6, source)


def ip(payload: bytes, protocol: int, source: str = CARRIER, target: str = OURS, place: int = 0) -> bytes:
    """`place`: the flags and the offset of a fragment."""
    here, there = ip_address(source), ip_address(target)
    if here.version == 6:
        return pack("!IHBB", 6 << 28, len(payload), protocol, 64) + here.packed + there.packed + payload
    head = pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, place, 64, protocol, 0)
    return head + here.packed + there.packed + payload


def fragments(datagram: bytes, size: int) -> list[bytes]:
    """An IPv4 packet's payload in pieces of `size` bytes, a multiple of 8."""
    payload = datagram[20:]
    starts = range(0, len(payload), size)
    return [
        ip(payload[n : n + size], datagram[9], place=n // 8 | (0x2000 if n + size < len(payload) else 0))
        for n in starts
    ]


def ethernet(packet: bytes, vlans: int = 0) -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + b"\x81\x00\x00\x05" * vlans + kind + packet


def pcap(frames: Iterable[bytes], framing: int = 1, order: str = "<") -> bytes:
    out = [pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, framing)]
    out += [pack(f"{order}IIII", 1, 0, len(frame), len(frame)) + frame for frame in frames]
    return b"".join(out)


def pcapng(frames: Iterable[bytes], framing: int = 1, order: str = "<") -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return pack(f"{order}II", kind, len(body) + 12) + body + pack(f"{order}I", len(body) + 12)

    out = [block(0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)), block(5, b"what nobody reads")]
    out.append(block(1, pack(f"{order}HHI", framing, 0, 0)))
    out += [block(6, pack(f"{order}IIIII", 0, 0, 0, len(frame), len(frame)) + frame) for frame in frames]
    return b"".join(out)


def asterisk_log(messages: Iterable[tuple[str, bytes]]) -> bytes:
    """`messages`: each with who sent it; what is not from a carrier is ours."""
    out = []
    for source, message in messages:
        way = f"Received SIP request ({len(message)} bytes) from UDP:{source}:5060"
        if source == OURS:
            way = f"Transmitting SIP request ({len(message)} bytes) to UDP:{CARRIER}:5060"
        out.append(
            f"[2030-01-31 10:00:00] VERBOSE[1] res_pjsip_logger.c: <--- {way} --->\n".encode() + message + b"\n\n"
        )
    return b"".join(out)


def sngrep_text(messages: Iterable[tuple[str, bytes]]) -> bytes:
    head = "2030/01/31 10:00:00.123456 {}:5060 -> 192.0.2.5:5060\n"
    return b"".join(head.format(source).encode() + message + b"\n\n" for source, message in messages)


def sipp_trace(messages: Iterable[tuple[str, bytes]]) -> bytes:
    out = []
    for source, message in messages:
        way = f"sent ({len(message)} bytes):" if source == OURS else f"received [{len(message)}] bytes :"
        out.append(f"----------------------- 2030-01-31 10:00:00\nUDP message {way}\n\n".encode() + message + b"\n\n")
    return b"".join(out)
