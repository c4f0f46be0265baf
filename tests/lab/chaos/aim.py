"""At which moment the daemon is killed: somewhere within a phase of its work, by the worker's orders, the database's
files and its own log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from random import Random

from tests.lab.chaos.orders import PASSING_SECONDS, Kind, Order

PATIENCE_SECONDS = 4.0
"""For the moment that is waited for; then it is killed anyway."""
WRITTEN_SECONDS = 0.01
"""So shortly after a write into its files the database may be in the middle of a transaction."""
ENDING_SECONDS = 0.4
"""The clock is looked at each quarter of a second; then it is decided, stored and published."""
ENDS_AT_ONCE = 40


class Aim(StrEnum):
    """Phases of the daemon's work."""

    PUBLISHING = "publishing"
    COMMITTING = "committing"
    SWEEPING = "sweeping callers"
    ENDING = "ending a word by its time"
    IMPORTING = "importing"
    APPROVING = "approving"
    DECIDING = "changing the mode"
    STARTING = "starting"
    ANYWHERE = "anywhere"


WEIGHTS = {
    Aim.PUBLISHING: 12,
    Aim.COMMITTING: 12,
    Aim.SWEEPING: 24,
    Aim.ENDING: 14,
    Aim.IMPORTING: 8,
    Aim.APPROVING: 12,
    Aim.DECIDING: 10,
    Aim.STARTING: 8,
    Aim.ANYWHERE: 6,
}
"""Publishing, committing and importing are hit by most of the others as well."""


class Moment:
    """Waits for one aim's moment. `told` is the worker's ear."""

    def __init__(self, random: Random, database: Path) -> None:
        """`database`: SQLite's file; one that is not there (a server's) is aimed at by the orders alone."""
        self._random = random
        self._files = (Path(f"{database}-wal"), database)
        self._wanted: tuple[Callable[[Order, bool], bool], asyncio.Event] | None = None
        self._ends: list[float] = []

    def told(self, order: Order, answered: bool) -> None:
        if answered and order.kind is Kind.PASSING:
            self._ends.append(time.monotonic() + PASSING_SECONDS)
        if self._wanted is not None and self._wanted[0](order, answered):
            self._wanted[1].set()

    async def publishing(self) -> None:
        """After something that changes the table was answered."""
        changes = (Kind.IMPORT, Kind.ENTRY, Kind.OVERRIDE, Kind.RELEASE, Kind.DECIDE)
        await self._order(lambda order, answered: answered and order.kind in changes)
        await asyncio.sleep(self._random.random() * 0.08)

    async def committing(self) -> None:
        """While the database's files grow."""
        await asyncio.sleep(self._random.random() * 0.3)
        if not self._files[1].exists():
            await self._order(lambda _, answered: not answered)
            await asyncio.sleep(self._random.random() * 0.02)
            return
        before, deadline = self._written(), time.monotonic() + PATIENCE_SECONDS
        while self._written() == before and time.monotonic() < deadline:
            await asyncio.sleep(0.0002)
        await asyncio.sleep(self._random.random() * 0.003)

    async def sweeping(self) -> None:
        """After a person's word took the platform's callers away."""
        await self._order(lambda order, _: order.kind is Kind.OVERRIDE and (order.body or {}).get("scope") == "uc")
        await asyncio.sleep(self._random.random() * 0.3)

    async def ending(self) -> None:
        """When a word's time is over: the clock's tick ends it soon after."""
        await self._order(lambda order, answered: answered and order.kind is Kind.PASSING)
        await asyncio.sleep(PASSING_SECONDS + self._random.random() * ENDING_SECONDS)

    def ends_now(self) -> bool:
        """Whether a word's time was over so shortly before now that it is being ended."""
        return any(0 <= time.monotonic() - end < ENDING_SECONDS for end in self._ends[-ENDS_AT_ONCE:])

    async def importing(self) -> None:
        await self._order(lambda order, answered: not answered and order.kind is Kind.IMPORT)
        await asyncio.sleep(self._random.random() * 0.1)

    async def approving(self) -> None:
        kinds = (Kind.DECIDE, Kind.APPROVE)
        await self._order(lambda order, answered: not answered and order.kind in kinds)
        await asyncio.sleep(self._random.random() * 0.06)

    async def logged(self, log: Path, words: str, fault: Callable[[], Awaitable[None]]) -> None:
        """After the daemon has said so in its log, which it does because of `fault`."""
        size = log.stat().st_size
        await fault()
        deadline = time.monotonic() + PATIENCE_SECONDS
        with log.open("rb") as file:
            file.seek(size)
            while words.encode() not in file.read() and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
        await asyncio.sleep(self._random.random() * 0.02)

    async def anywhere(self) -> None:
        await asyncio.sleep(self._random.random() * 0.8)

    def wrote_lately(self) -> bool:
        """Whether the database's files were written just before now."""
        newest = max((stamp for _, stamp in self._written()), default=0)
        return 0 <= time.time() - newest / 1e9 < WRITTEN_SECONDS

    async def _order(self, fits: Callable[[Order, bool], bool]) -> None:
        event = asyncio.Event()
        self._wanted = fits, event
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await event.wait()
        self._wanted = None

    def _written(self) -> list[tuple[int, int]]:
        found = []
        for file in self._files:
            with suppress(OSError):
                stat = os.stat(file)
                found.append((stat.st_size, stat.st_mtime_ns))
        return found
