"""What the outage scenarios do again and again, on the stage that `make faults` uses as well.

Fewer calls decide here than on a site, so that a scenario needs only a handful. `no_progress` is so long that a caller
who is caught on a dead platform can only have been freed by the sweep.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from tests.lab.call_result import CallResult
from tests.lab.faults.stage import Stage
from tests.lab.people import Organisation
from tests.lab.waiting import wait_until

ORGANISATION = Organisation(people=12, dids=16)
PLATFORM = {
    "no_progress_seconds": "30",
    "ring_seconds": "20",
    "hold_down_seconds": "1",
    "trial_one_in": "1",
    "trial_calls": "3",
    "refusing_dids": "3",
    "refusing_callers": "3",
    "refusing_window_seconds": "5",
}
PATIENCE_SECONDS = 25.0
GENEROUS_SECONDS = 20.0

_callers = count(1)


async def call(stage: Stage, person: int = 0) -> str:
    """One call to a person's DID from a caller of its own: who took it, or the status it ended with."""
    result, caller = await _call(stage, person)
    return _taken_by(stage, result, caller)


async def call_all(stage: Stage, people: range) -> list[str]:
    return await asyncio.gather(*(call(stage, person) for person in people))


async def _call(stage: Stage, person: int) -> tuple[CallResult, str]:
    caller = f"+44163296{next(_callers):04}"
    did = stage.organisation.did(person)
    return await stage.lab.caller.call(did, from_=caller, hold_seconds=0.05, give_up_seconds=PATIENCE_SECONDS), caller


def _taken_by(stage: Stage, result: CallResult, caller: str) -> str:
    if result.final_status != 200:
        return str(result.final_status)
    lab, organisation = stage.lab, stage.organisation
    for leg in [*lab.mobile_network.calls(), *lab.other_mobile_network.calls()]:
        if leg.caller == caller and leg.final_status == 200:
            fallbacks = [organisation.fallback(site) for site in ("north", "south")]
            return "site" if leg.number in fallbacks else "person"
    return "platform" if any(leg.caller == caller for leg in lab.platform.calls()) else "announcement"


async def status(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = await stage.node.must("GET", "/v1/status")
    return found


async def reach(stage: Stage, mode: str) -> None:
    """Waits until Asterisk has been told of this mode: what the daemon decided a moment before moves no call yet."""

    async def told() -> bool:
        fields = (await stage.node.published_mode()).split("|")
        return len(fields) > 3 and fields[3] == mode

    await until(stage, f"{mode} in Asterisk", told)


async def fail_over(stage: Stage) -> None:
    await stage.lab.platform.freeze()
    await reach(stage, "FAILED_OVER")


async def modes_in_history(stage: Stage) -> list[str]:
    """The modes gone through, oldest first, as the database has them."""
    rows = (await stage.node.must("GET", "/v1/history?limit=50"))["history"]
    return [row["after"] for row in reversed(rows) if row["after"]]


async def until(stage: Stage, what: str, holds: Any) -> None:
    """Waits, generously, for something that may be asked as often as one likes."""
    await wait_until(holds, what=what, deadline_seconds=GENEROUS_SECONDS, diagnose=stage.node.process.log_tail)


def log_lines(stage: Stage, words: str) -> int:
    return sum(words in line for line in stage.node.process.log_path.read_text(errors="replace").splitlines())
