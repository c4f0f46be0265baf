"""A hundred diverted calls at once, each of whose telephones is asked for a 1."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from math import inf

from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.press_one_load import PROMISED_GAP_MS, measured

CALLS = 100
WITHIN_SECONDS = 4.0
PUT_THROUGH_SECONDS = 20.0
"""Whoever has a voicemail is given up after ten, and the site's number is rung."""
LATE_MS = 30
"""A lab that is later than this hears gaps that are its own: then it listens again."""
MOST_RUNS = 3
NAME = f"{CALLS} diverted at once, press 1"
AT_ONCE = (NAME,)


async def at_once_rows(wanted: Sequence[str], doing: Callable[[str], None]) -> AsyncIterator[Row]:
    for name in wanted:
        doing(name)
        yield await guarded(name, _row(name))


async def _row(name: str) -> Row:
    runs = [await measured(CALLS, WITHIN_SECONDS)]
    while len(runs) < MOST_RUNS and max(runs[-1].late) * 1000 > LATE_MS:
        runs.append(await measured(CALLS, WITHIN_SECONDS))
    # The shortest: whatever else the machine does makes gaps longer, never shorter.
    load, busy = min(runs, key=lambda run: max(run.gaps_ms, default=inf)), os.getloadavg()[0]
    gaps, waits = load.gaps_ms, load.waits
    return Row(
        name,
        f"they come within {WITHIN_SECONDS:g} s, at most {load.at_once} at the same time; all hear sound from their "
        "platform's early media to the end of the call; four in five press 1 while they are told to. The lab that "
        f"listens was late by up to {max(load.late) * 1000:.0f} ms itself, in the best of {len(runs)} runs; the "
        f"machine's load was {busy:.1f}",
        (
            Bound("lost", CALLS - len(waits), 0),
            Bound("callers without sound", CALLS - len(gaps), 0),
            Bound("longest gap", round(gaps[-1]) if gaps else None, PROMISED_GAP_MS, "ms"),
            Bound("put through after", round(max(waits), 1) if waits else None, PUT_THROUGH_SECONDS, "s"),
        ),
    )
