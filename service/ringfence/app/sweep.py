"""Frees callers who wait on a dead platform or egress trunk, so that they need not wait for their own timer.

Each platform leg that is not answered is hung up with cause 34; the caller's own `Dial` returns and his plan goes on.
Never an answered leg. At a rate, because every freed caller is a new call on the egress trunks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ringfence.app.ports import AsteriskError, Clock, Leg, Switchboard

log = logging.getLogger(__name__)

# Callers can go on arriving on a platform leg for a moment: a call that read the mode just before it changed.
ROUNDS = 3
ROUND_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """`per_second`: freed legs a second, at most. `at_most`: in one sweep, about the egress channels there are."""

    per_second: float = 50.0
    at_most: int = 500


class Sweeper:
    """Sweeps one platform at a time."""

    def __init__(self, switchboard: Switchboard, clock: Clock, limits: SweepLimits) -> None:
        self._switchboard = switchboard
        self._clock = clock
        self._limits = limits

    async def sweep(self, endpoint: str, spare_ringing: bool) -> int:
        """Frees the waiting legs of a platform's endpoint; returns how many.

        `spare_ringing`: a platform that refuses some calls may really be ringing a person on others; those are left.
        """
        freed = 0
        for round_number in range(ROUNDS):
            if round_number:
                await self._clock.sleep(ROUND_SECONDS)
            try:
                freed += await self._one_round(endpoint, spare_ringing, self._limits.at_most - freed)
            except AsteriskError as error:
                log.error("the sweep was cut short", extra={"endpoint": endpoint, "reason": str(error)})
                break
        if freed:
            log.info("callers freed from the platform", extra={"endpoint": endpoint, "freed": freed})
        return freed

    async def _one_round(self, endpoint: str, spare_ringing: bool, room: int) -> int:
        """Who has waited longest goes first: nobody then waits longer than from the failure to the verdict."""
        legs = await self._switchboard.platform_legs(endpoint)
        waiting = [leg for leg in legs if _to_be_freed(leg, spare_ringing)]
        freed = 0
        began = self._clock.now()
        for number, leg in enumerate(waiting[:room]):
            # Against the round's beginning: what the asking took is part of the interval, not added to it.
            await self._clock.sleep(max(0.0, number / self._limits.per_second - self._clock.now().since(began)))
            if await self._switchboard.free(leg):
                freed += 1
        return freed


def _to_be_freed(leg: Leg, spare_ringing: bool) -> bool:
    return not leg.answered and not (spare_ringing and leg.ringing)
