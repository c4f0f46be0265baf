"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ringfence.domain.moment import Moment

NOON = datetime(2030, 1, 15, 12, 0, tzinfo=UTC)


class FakeClock:
    """Implements `ports.Clock`. `advance` wakes the sleepers in the order of their alarms."""

    def __init__(self, wall: datetime = NOON, monotonic: float = 1_000.0) -> None:
        self._now = Moment(wall, monotonic)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> Moment:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now.monotonic + seconds, alarm))
        await alarm

    async def advance(self, seconds: float) -> None:
        """Moves both clocks, stopping at each alarm so that whoever wakes sees the right time."""
        end = self._now.plus(seconds)
        while due := [entry for entry in self._sleepers if entry[0] <= end.monotonic]:
            at, alarm = min(due, key=lambda entry: entry[0])
            self._sleepers.remove((at, alarm))
            self._now = self._now.plus(max(0.0, at - self._now.monotonic))
            if not alarm.done():
                alarm.set_result(None)
            await settle()
        self._now = end
        await settle()

    def step_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock; the monotonic one does not care."""
        self._now = Moment(self._now.wall + timedelta(seconds=seconds), self._now.monotonic)


async def settle(turns: int = 20) -> None:
    """Lets every task that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)
