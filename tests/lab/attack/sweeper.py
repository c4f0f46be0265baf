"""A wardialler: rings one number after the other, many at the same time, each as somebody else."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.call_result import CallResult
from tests.lab.caller import CallerAgent

HOLD_SECONDS = 0.05
GIVE_UP_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Swept:
    """One number that was rung, and what came of it."""

    number: str
    result: CallResult

    def shows(self, text: str) -> bool:
        """Whether anything that came back holds it."""
        return any(text.encode() in message for message in self.result.received)


async def sweep(caller: CallerAgent, numbers: Sequence[str], per_second: float) -> list[Swept]:
    """Every number once, from the trunk that `caller` is. Returns when the last call has ended."""
    callers = itertools.count(441_632_970_000)
    running = []
    for number in numbers:
        call = caller.call(
            number, from_=f"+{next(callers)}", hold_seconds=HOLD_SECONDS, give_up_seconds=GIVE_UP_SECONDS
        )
        running.append(asyncio.create_task(call, name="swept number"))
        await asyncio.sleep(1 / per_second)
    results = await asyncio.gather(*running)
    return [Swept(number, result) for number, result in zip(numbers, results, strict=True)]


def statuses(swept: Sequence[Swept]) -> str:
    """How the calls ended, as `404 (240), 200 (60)`."""
    counted = Counter(one.result.final_status or "nothing" for one in swept)
    return ", ".join(f"{status} ({count})" for status, count in sorted(counted.items(), key=str))
