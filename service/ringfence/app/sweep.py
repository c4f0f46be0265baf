"""Frees callers who wait on a dead platform or egress trunk, so that they need not wait for their own timer.

Each platform leg that is not answered is hung up with cause 34; the caller's own `Dial` returns and his plan goes on.
Never an answered leg. At a rate, because every freed caller is a new call on the egress trunks.

A sweep begins when its mode has reached Asterisk, which may be long after it was decided, and it takes a while. Whether
it is still wanted is asked then, and again for each leg: on a platform that is healthy again nobody is taken off it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringfence.app.failover import Failover
from ringfence.app.ports import AsteriskError, Clock, Leg, Switchboard
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.outage import Decision
from ringfence.domain.verdict import VerdictState

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

    async def sweep(
        self,
        endpoint: str,
        spare_ringing: bool,
        still: Callable[[], bool] = lambda: True,
        spared: Callable[[str], bool] = lambda did: False,
    ) -> int:
        """Frees the waiting legs of a platform's endpoint; returns how many.

        `spare_ringing`: a platform that refuses some calls may really be ringing a person on others; those are left.
        `still`: whether the sweep is still wanted. `spared`: whether a DID's callers are left where they are.
        """
        freed = 0

        def fits(leg: Leg) -> bool:
            waits = not leg.answered and not (spare_ringing and leg.ringing)
            return waits and not (leg.did and spared(leg.did))

        for round_number in range(ROUNDS):
            if round_number:
                await self._clock.sleep(ROUND_SECONDS)
            if not still():
                break
            try:
                freed += await self._one_round(endpoint, fits, still, self._limits.at_most - freed)
            except AsteriskError as error:
                log.error("the sweep was cut short", extra={"endpoint": endpoint, "reason": str(error)})
                break
        if freed:
            log.info("callers freed from the platform", extra={"endpoint": endpoint, "freed": freed})
        return freed

    async def _one_round(self, endpoint: str, fits: Callable[[Leg], bool], still: Callable[[], bool], room: int) -> int:
        """Who has waited longest goes first: nobody then waits longer than from the failure to the verdict."""
        legs = await self._switchboard.platform_legs(endpoint)
        waiting = [leg for leg in legs if fits(leg)]
        freed = 0
        began = self._clock.now()
        for number, leg in enumerate(waiting[:room]):
            # Against the round's beginning: what the asking took is part of the interval, not added to it.
            await self._clock.sleep(max(0.0, number / self._limits.per_second - self._clock.now().since(began)))
            if not still():
                break
            # A person may have spared its DID since it was listed.
            if fits(leg) and await self._switchboard.free(leg):
                freed += 1
        return freed


class DueSweeps:
    """Sweeps that are decided and wait for Asterisk to hold the mode or egress state they belong to. `endpoints`: by
    the key of that state, `mode/<scope>` or `egress/<trunk>`."""

    def __init__(
        self, sweeper: Sweeper, failover: Failover, endpoints: Mapping[str, str], pinned: Callable[[str], bool]
    ) -> None:
        """`pinned`: whether a person forced this DID to the platform. Its callers have no plan to go on to: freed,
        they would be turned away."""
        self._sweeper = sweeper
        self._failover = failover
        self._endpoints = endpoints
        self._pinned = pinned
        self._due: dict[str, bool] = {}  # key -> spare ringing legs
        self._running: set[asyncio.Future[int]] = set()

    def want(self, key: str, spare_ringing: bool) -> None:
        """Sweeps as soon as this key's value has reached Asterisk."""
        self._due[key] = spare_ringing

    def after_put(self, key: str) -> None:
        """Asterisk holds this key's value: now, and not before, the callers who wait are freed."""
        spare_ringing = self._due.pop(key, None)
        if spare_ringing is None:
            return
        sweep = self._sweeper.sweep(self._endpoints[key], spare_ringing, lambda: self._still(key), self._pinned)
        task = asyncio.ensure_future(sweep)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _still(self, key: str) -> bool:
        kind, _, name = key.partition("/")
        if kind == "mode":
            return self._failover.decision(name) is Decision.DIVERT
        verdict = self._failover.verdicts.get(TargetId(TargetRole.TRUNK, name))
        return verdict is not None and verdict.state is VerdictState.DOWN
