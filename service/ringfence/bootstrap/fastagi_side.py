"""The FastAGI door, where it is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

from ringfence.app.asked import Asked, keep_door_sign
from ringfence.app.operator import Operator
from ringfence.app.ports import AstDb, Clock
from ringfence.app.supervisor import Part
from ringfence.asterisk.fastagi import FastAgiDoor, FastAgiSettings
from ringfence.config import Settings


class FastAgiSide:
    """Nothing at all unless it is enabled."""

    def __init__(
        self, settings: Settings, operator: Operator, astdb: AstDb, clock: Clock, claimed: asyncio.Event
    ) -> None:
        self._settings = settings
        self._astdb = astdb
        self._clock = clock
        self._claimed = claimed
        one_in = {platform.name: platform.trial_one_in for platform in settings.platform}
        asked = Asked(operator, one_in, Random())  # noqa: S311  a trial's draw needs no secrecy
        at = settings.fastagi
        self._door = FastAgiDoor(FastAgiSettings(at.port, tuple(at.allowed)), asked.decide)

    def parts(self) -> Iterator[Part]:
        """What has to run. Whoever asks in shadow mode gets no answer, and goes by what the dialplan knows."""
        if self._settings.fastagi.enabled and not self._settings.shadow:
            yield "fastagi door", self._door.run
            yield "fastagi sign", self._sign

    async def _sign(self) -> None:
        """Nothing is written into an Asterisk that may be another node's."""
        await self._claimed.wait()
        await keep_door_sign(self._astdb, self._clock, lambda: self._door.port)
