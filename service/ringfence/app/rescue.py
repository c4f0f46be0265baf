"""Rescues callers who were talking when their platform died: each is taken off the dead leg and goes on by the DID's
plan.

Never on silence alone. Asterisk's own `rtp_timeout` would hang up every call of a healthy platform in which somebody
listens, or whose telephones suppress silence; so nothing is set there, and the daemon asks instead, and only while the
platform is in doubt: what has each answered leg received? A leg is dead when the platform's verdict is "down, silent"
in a failover of our own, and nothing has come in on the leg for a while. On a platform that refuses calls but lives,
and on one that a person merely has overridden, nobody is touched. Once the platform answers again, only those are still
taken off who have been silent all along: a platform that has restarted knows nothing of its calls.

With the daemon dead nobody is rescued: who would know of the outage? Calls are routed all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from ringfence.app.failover import Failover
from ringfence.app.judge import Judge
from ringfence.app.ports import AsteriskError, Clock, Leg
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.reasons import LESSER_FAULTS
from ringfence.domain.silence import Silence, SilencePolicy, another, dead
from ringfence.domain.verdict import Cause, VerdictState

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""A platform that restarts may be down for a second: its legs have to be known from before."""
PATIENCE_ONCE_BACK = 4
"""It may have restarted, or have missed a few probes with every call in order."""
EAGER_LOOKS = 60
LATER_ONE_IN = 4
"""A platform may be in doubt for days, and each look asks Asterisk of every leg: after half a minute, every 2 s."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is connected to a leg: the caller's channel by its name, and the DID that was called, empty where it is not
    known."""

    channel: str
    did: str = ""


class CallsInProgress(Protocol):
    """The answered calls of a platform. May raise AsteriskError."""

    async def platform_legs(self, endpoint: str) -> list[Leg]: ...

    async def packets(self, leg: Leg) -> int | None:
        """How many have come in on it since it began. None: it has gone, or has no audio."""
        ...

    async def held(self, leg: Leg) -> bool:
        """Whether the platform has put the caller on hold."""
        ...

    async def caller(self, leg: Leg, scope: str) -> Caller | None:
        """None: nobody is connected to it, or it is no call that we sent to this scope's platform."""
        ...

    async def rescue(self, caller: Caller) -> bool:
        """Takes the caller off the leg and on to the plan. False: the caller had gone."""
        ...


class Standing(Enum):
    """How a platform stands, as far as its calls in progress are concerned."""

    WELL = "nothing speaks against its calls"
    IN_DOUBT = "it has begun to miss: listened to, so that no time is lost after the verdict"
    DEAD = "it is down and silent, and failed over"
    BACK = "it was, and answers again; no call is sent there yet"


def standing(failover: Failover, judge: Judge, scope: str) -> Standing:
    """How this scope's platform stands at this moment."""
    target = TargetId(TargetRole.PLATFORM, scope)
    state = failover.states[scope]
    diverted = failover.decision(scope) is Decision.DIVERT
    if diverted and state.mode in (Mode.FAILED_OVER, Mode.HOLD_DOWN):
        if state.cause is not Cause.SILENCE:
            return Standing.WELL  # it refuses calls, and carries those it has
        verdict = failover.verdicts[target]
        silent = verdict.state is VerdictState.DOWN and verdict.cause is Cause.SILENCE
        return Standing.DEAD if silent else Standing.BACK
    # Between two kinds of probe, one of which is missed already and the other not yet, none is undecided.
    verdict = failover.verdicts[target]
    doubted = verdict.state in (VerdictState.DEGRADED, VerdictState.DOWN) and verdict.reason not in LESSER_FAULTS
    return Standing.IN_DOUBT if doubted or judge.undecided(target) else Standing.WELL


@dataclass(slots=True)
class _Watch:
    """What is known of one platform's answered legs, by channel."""

    silences: dict[str, Silence] = field(default_factory=dict)
    looks: int = 0
    broken: bool = False


class Rescuer:
    """Looks twice a second. `endpoints`: PJSIP endpoint by scope, of the platforms whose calls are rescued. `spared`:
    whether a person forced this DID to its platform."""

    def __init__(
        self,
        calls: CallsInProgress,
        clock: Clock,
        standing_of: Callable[[str], Standing],
        endpoints: Mapping[str, str],
        policies: Mapping[str, SilencePolicy],
        spared: Callable[[str], bool],
        per_second: float = 50.0,
    ) -> None:
        """`per_second`: rescued callers a second, at most: each is a new call on the egress trunks."""
        self._calls = calls
        self._clock = clock
        self._standing_of = standing_of
        self._endpoints = endpoints
        self._policies = policies
        self._spared = spared
        self._per_second = per_second
        self._watches = {scope: _Watch() for scope in endpoints}

    async def run(self) -> None:
        """Looks, for ever."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            for scope in self._endpoints:
                await self.look(scope)

    async def look(self, scope: str) -> int:
        """One look at one platform; returns how many callers were rescued."""
        watch, stands = self._watches[scope], self._standing_of(scope)
        if stands is Standing.WELL:
            watch.silences.clear()
            watch.looks = 0
            return 0
        watch.looks += 1
        if watch.looks > EAGER_LOOKS and watch.looks % LATER_ONE_IN:
            return 0
        try:
            dead_legs = await self._listen(scope, stands)
            rescued = 0 if stands is Standing.IN_DOUBT else await self._rescue(scope, dead_legs)
        except AsteriskError as error:
            if not watch.broken:
                log.error("calls in progress cannot be looked at", extra={"scope": scope, "reason": str(error)})
            watch.broken = True
            return 0
        watch.broken = False
        if rescued:
            log.warning("calls in progress rescued from the platform", extra={"scope": scope, "rescued": rescued})
        return rescued

    async def _listen(self, scope: str, stands: Standing) -> list[Leg]:
        """The legs that are dead by now, whoever has talked longest first."""
        watch, policy = self._watches[scope], self._policies[scope]
        if stands is Standing.BACK:
            policy = replace(policy, seconds=policy.seconds * PATIENCE_ONCE_BACK)
        legs = [leg for leg in await self._calls.platform_legs(self._endpoints[scope]) if leg.answered]
        silences: dict[str, Silence] = {}
        found = []
        for leg in legs:
            before = watch.silences.get(leg.channel)
            if stands is Standing.BACK and before is None:
                continue
            packets = await self._calls.packets(leg)
            if packets is None:
                continue
            now = self._clock.now()
            silence = another(before, packets, now)
            if stands is Standing.BACK and silence is not before:
                continue
            silences[leg.channel] = silence
            # Asked of the silent ones alone: there may be hundreds of legs, and a second goes by soon.
            if dead(silence, False, now, policy) and dead(silence, await self._calls.held(leg), now, policy):
                found.append(leg)
        watch.silences = silences
        return found

    async def _rescue(self, scope: str, legs: list[Leg]) -> int:
        rescued = 0
        began = self._clock.now()
        for leg in legs:
            await self._clock.sleep(max(0.0, rescued / self._per_second - self._clock.now().since(began)))
            if self._standing_of(scope) not in (Standing.DEAD, Standing.BACK):
                break
            caller = await self._calls.caller(leg, scope)
            if caller is None or (caller.did and self._spared(caller.did)):
                continue
            rescued += await self._calls.rescue(caller)
        return rescued
