"""A dialplan asks what to do with one call: the use case behind the FastAGI door, and the sign in AstDB that this is
open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from ringfence.app.decision import decided
from ringfence.app.operator import NotOurs, Operator
from ringfence.app.ports import AstDb, AsteriskError, Clock
from ringfence.domain.record_text import SCHEMA_VERSION

DOOR_KEY: Final = "door"
SIGN_SECONDS: Final = 1.0


class Asked:
    """`one_in`, by scope: in a trial one call in so many goes to the platform."""

    def __init__(self, operator: Operator, one_in: Mapping[str, int], random: Random) -> None:
        self._operator = operator
        self._one_in = one_in
        self._random = random

    async def decide(self, did: str) -> Mapping[str, str] | None:
        """Channel variables for a dialplan, the answer last: whoever finds that one has all of them. No number is among
        them. None: no opinion."""
        try:
            explanation = await self._operator.explain(did)
        except NotOurs:
            return None
        found = decided(explanation, self._operator.current, self._one_in, self._random)
        if found is None:
            return None
        return {
            "RF_ANSWER_DECISION": found.decision,
            "RF_ANSWER_REASON": found.reason,
            "RF_ANSWER_SCOPE": found.scope,
            "RF_ANSWER_FORCED": found.forced,
            "RF_ANSWER_STEPS": " ".join(found.steps),
            "RF_ANSWER": found.answer,
        }


async def keep_door_sign(astdb: AstDb, clock: Clock, port: Callable[[], int | None]) -> None:
    """Writes every second at which port the door is open, until cancelled. The dialplan asks nobody whose sign is three
    seconds old: a process that is stopped, or stuck, stops writing, too."""
    while True:
        open_at = port()
        if open_at is not None:
            try:
                now = int(clock.now().wall.timestamp())
                await astdb.put(DOOR_KEY, f"{SCHEMA_VERSION}|{open_at}|{now}")
            except AsteriskError:
                pass  # the link tells its own edge; without a sign nobody asks
        await clock.sleep(SIGN_SECONDS)
