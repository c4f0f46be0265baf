"""What the data plane costs a call in NORMAL, beside a bare `Dial` in the same run."""

from __future__ import annotations

import statistics

from tests.lab.behaviour import Behaviour
from tests.lab.waiting import wait_until
from tests.scenarios.site import CallSite

CALL_COUNT = 60
# The promise is 1 ms, measured by `make faults` on a quiet machine; this one only sees that nothing
# costly has slipped in, and must hold on a busy one.
LIMIT_MS = 2.5
MOST_LINES = 6


async def test_normal_costs_little_over_a_bare_dial(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("normal")
    await site.platform.behave(Behaviour(ring_delay_ms=0, answer_delay_ms=2))
    delays: dict[str, list[float]] = {"bare": [], "carrier": []}
    for _ in range(CALL_COUNT):
        for trunk, seen in delays.items():
            call = await site.carrier.call(did, headers=[("X-Lab-Trunk", trunk)], hold_seconds=0.005)
            assert call.ringing_after_seconds is not None
            seen.append(call.ringing_after_seconds * 1000)
    added_ms = statistics.median(delays["carrier"]) - statistics.median(delays["bare"])
    assert added_ms < LIMIT_MS, delays


async def test_normal_path_is_short(site: CallSite) -> None:
    """Counted from the log: the lines up to and with the platform's `Dial`."""
    did = site.did()
    await site.record(did)
    await site.mode("normal")
    await site.carrier.call(did)
    await site.event("RingfenceCall", did)
    lines: list[str] = []

    def dialled() -> bool:
        log = site.asterisk.log_path.read_text(errors="replace").splitlines()
        start = next((i for i, line in enumerate(log) if f"[{did}@ringfence-in-carrier:1]" in line), None)
        if start is not None:
            lines[:] = [line for line in log[start:] if "Executing [" in line]
        return any("] Dial(" in line for line in lines)

    await wait_until(dialled, what="the call in the log", deadline_seconds=5)
    dial_at = next(i for i, line in enumerate(lines) if "] Dial(" in line)
    assert dial_at + 1 <= MOST_LINES
