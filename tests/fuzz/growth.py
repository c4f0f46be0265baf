"""Whether time and memory grow no faster than an input: the same input with a piece of it repeated, doubled in size.

Ratios of CPU time, never a bound in seconds. A regular expression that goes back over what it has read takes four times
as long for twice as much, or never ends.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Final

from tests.fuzz.engine import Finding, Hunt, TooSlow, watched
from tests.fuzz.mutate import ODD
from tests.fuzz.target import Broken, Try, shape

FIRST_BYTES: Final = 4 << 10
LAST_BYTES: Final = 64 << 10
MAX_RATIO: Final = 3.0
"""Of the time or memory for twice as much: 2 where it grows with the input, 4 where it grows with its square."""
CLEAR_SECONDS: Final = 0.05
"""Shorter times say nothing of a ratio."""
CLEAR_BYTES: Final = 16 << 20


def growing(hunt: Hunt, seed: int, goes_on: Callable[[int], bool]) -> None:
    """Adds to the findings. The pieces are drawn from the parser's words and known inputs as long as `goes_on`(pieces
    so far), up to the first that breaks something."""
    target = hunt.target
    random, attempt = Random(f"growth {seed} {target.name}"), target.make()
    while goes_on(hunt.grown):
        begin, piece, end = _drawn(hunt, random)
        hunt.grown += 1
        fault = _fault(attempt, begin, piece, end)
        if fault:
            hunt.findings.append(Finding(target.name, fault, "", begin + piece * 3 + end))
            return


def _drawn(hunt: Hunt, random: Random) -> tuple[bytes, bytes, bytes]:
    """What stands before, what is repeated, and what stands behind: where nothing does, or something unfitting, a
    parser that has gone too far has to come back."""
    known = random.choice(hunt.kept)
    at, size = random.randint(0, len(known)), random.choice((1, 1, 2, 8, 40))
    odd = random.choice(ODD)
    word = random.choice(hunt.target.words or ODD)
    piece = random.choice((word, word, known[at : at + size] or b" ", odd[:40], odd[:1], b" "))
    return known[:at], piece, random.choice((known[at:], known[at + size :], b"", b"!"))


def _fault(attempt: Try, begin: bytes, piece: bytes, end: bytes) -> str:
    """Empty: none."""
    size, before, seconds = FIRST_BYTES, 0.0, 0.0
    while size <= LAST_BYTES:
        data = begin + piece * (size // len(piece)) + end
        try:
            seconds = _seconds(attempt, data)
            if before > CLEAR_SECONDS and seconds > MAX_RATIO * before:
                # Once more, both: a collection of garbage may have come between.
                half = begin + piece * (size // 2 // len(piece)) + end
                before, seconds = _seconds(attempt, half), _seconds(attempt, data)
                if before > CLEAR_SECONDS and seconds > MAX_RATIO * before:
                    return f"time grows faster than the input: {seconds / before:.1f} times for twice {piece[:20]!r}"
        except TooSlow:
            return f"time grows faster than the input: TooSlow with {len(data)} bytes of {piece[:20]!r}"
        except Broken as broken:
            return str(broken)
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {shape(error)}"
        before, size = seconds, size * 2
    if seconds > CLEAR_SECONDS:
        return ""  # what is watched for its memory takes ten times as long
    peak = _peak(attempt, begin + piece * (LAST_BYTES // len(piece)) + end)
    if peak > CLEAR_BYTES:
        half = _peak(attempt, begin + piece * (LAST_BYTES // 2 // len(piece)) + end)
        if peak > MAX_RATIO * half:
            return f"memory grows faster than the input: {peak >> 20} MB for {LAST_BYTES >> 10} kB of {piece[:20]!r}"
    return ""


def _seconds(attempt: Try, data: bytes) -> float:
    gc.collect(0)
    began = time.process_time()
    with watched():
        attempt(data)
    return time.process_time() - began


def _peak(attempt: Try, data: bytes) -> int:
    tracemalloc.start()
    try:
        attempt(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
