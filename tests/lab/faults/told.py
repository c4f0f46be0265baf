"""What the daemon says of a target while a row's calls come in: what people are told when nothing is moved."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from itertools import pairwise
from typing import Any

from tests.lab.faults.measuring import Act, Measured
from tests.lab.faults.result import Bound
from tests.lab.faults.stage import Stage

LOOK_SECONDS = 0.2


class Verdicts:
    """One row's; asked for as long as its calls come in."""

    def __init__(self, target: str = "platform:uc") -> None:
        self._target = target
        self.seen: list[str] = []
        self.against: set[str] = set()
        """The kinds of evidence that spoke against it."""

    def during(self, act: Act) -> Act:
        """The fault, and the looking from there to the last call's end."""

        async def inject(stage: Stage) -> None:
            self.seen.clear()
            self.against.clear()
            await act(stage)
            carrier = stage.lab.carrier
            while carrier.process is not None and carrier.process.running:
                verdict = (await self._look(stage))["verdict"]
                self.seen.append(verdict["state"])
                self.against.update(line["kind"] for line in verdict["evidence"] if line["speaks"] == "against")
                await asyncio.sleep(LOOK_SECONDS)

        return inject

    async def _look(self, stage: Stage) -> dict[str, Any]:
        targets = (await stage.node.must("GET", "/v1/status"))["targets"]
        wanted = tuple(self._target.split(":"))
        found: dict[str, Any] = next(target for target in targets if (target["role"], target["name"]) == wanted)
        return found

    def bound(self, wanted: str) -> Bound:
        return Bound(f"not told `{wanted}`", 0 if wanted in self.seen else 1, 0)

    def bound_against(self, kind: str) -> Bound:
        return Bound(f"`{kind}` not told", 0 if kind in self.against else 1, 0)

    @property
    def words(self) -> str:
        """What was told most of the time."""
        return Counter(self.seen).most_common(1)[0][0] if self.seen else "nothing"


def moves(stage: Stage, measured: Measured, until: float = math.inf) -> int:
    """How often everybody's calls were moved away from the fault on; a mode that goes on diverting moves nobody.
    `until`: seconds since 1970."""
    changes = stage.watch.changes
    return sum(
        change.decision == "divert" != before.decision
        for before, change in pairwise(changes)
        if measured.injected_at <= change.at <= until
    )
