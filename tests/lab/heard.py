"""What a caller heard, out of the RTP that came: how loud, for how long, and whether it was this file."""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

PACKET_SECONDS = 0.02
PACKET_SAMPLES = 160
RTP_HEAD = 12
AUDIBLE = 300.0
"""Root mean square of a packet, of 32,767. A line at rest is below 10, speech is in the thousands."""


def levels(packets: Sequence[bytes]) -> list[float]:
    """The root mean square of each packet of G.711, in the order they came; telephone events are left out."""
    return [_level([table[byte] for byte in packet[RTP_HEAD:]]) for packet in packets if (table := _table(packet))]


def audible_seconds(packets: Sequence[bytes]) -> float:
    return sum(level > AUDIBLE for level in levels(packets)) * PACKET_SECONDS


def likeness(packets: Sequence[bytes], recording: Path) -> float:
    """How well the loudness of what was heard follows that of a file, where it fits best: 1 is the file itself, another
    sentence comes to a half or less."""
    with wave.open(str(recording)) as file:
        samples = array("h", file.readframes(file.getnframes()))
    wanted = [_level(samples[at : at + PACKET_SAMPLES]) for at in range(0, len(samples), PACKET_SAMPLES)]
    heard = levels(packets)
    shifts = range(max(0, len(heard) - len(wanted)) + 1)
    return max((_correlation(heard[shift : shift + len(wanted)], wanted) for shift in shifts), default=0.0)


def _correlation(heard: Sequence[float], wanted: Sequence[float]) -> float:
    if len(heard) < len(wanted) - 5:  # it was cut off
        return 0.0
    pairs = list(zip(heard, wanted, strict=False))
    mean_heard, mean_wanted = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    products = sum((one - mean_heard) * (other - mean_wanted) for one, other in pairs)
    powers = [
        sum((one - mean_heard) ** 2 for one, _ in pairs),
        sum((other - mean_wanted) ** 2 for _, other in pairs),
    ]
    return products / math.sqrt(powers[0] * powers[1]) if all(powers) else 0.0


def _level(samples: Sequence[int]) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) if samples else 0.0


def _ulaw(byte: int) -> int:
    byte ^= 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84 << ((byte & 0x70) >> 4)) - 0x84
    return -magnitude if byte & 0x80 else magnitude


def _alaw(byte: int) -> int:
    byte ^= 0x55
    exponent, mantissa = (byte & 0x70) >> 4, (byte & 0x0F) << 4
    magnitude = mantissa + 8 if exponent == 0 else mantissa + 0x108 << exponent - 1
    return magnitude if byte & 0x80 else -magnitude


_TABLES = {0: [_ulaw(byte) for byte in range(256)], 8: [_alaw(byte) for byte in range(256)]}


def _table(packet: bytes) -> list[int] | None:
    return _TABLES.get(packet[1] & 0x7F)
