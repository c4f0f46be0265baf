"""Ends the sign-ins of people who have left: their identity provider may hear of it later than we do, and it is only
asked when they sign in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Set
from typing import Final

from ringfence.app.access.desk import AccessDesk
from ringfence.app.ports import Clock

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
HAS_LEFT: Final = "they have left"

LeftAmong = Callable[[Set[str]], Awaitable[frozenset[str]]]
"""Those of some people, by the keys of the directory, who have left."""


async def none_left(people: Set[str]) -> frozenset[str]:
    """Where there is no roster."""
    return frozenset()


async def end_leavers(desk: AccessDesk, left_among: LeftAmong, clock: Clock) -> None:
    """For ever."""
    while True:
        signed_in = {row.person for row in desk.sessions() if row.person is not None}
        left = await left_among(signed_in) if signed_in else frozenset()
        if left and (ended := await desk.end_sessions_of_people(left, HAS_LEFT)):
            log.warning("sign-ins of people who have left are over", extra={"sessions": ended})
        await clock.sleep(LOOK_SECONDS)
