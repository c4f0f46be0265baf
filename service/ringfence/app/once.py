"""One answer for one idempotency key: a request that is repeated, because its answer was lost, acts once.

Answers are kept for a day, in the database too; while that is away, in memory alone. Only what was done is kept: a
request that was refused has changed nothing, and may be repeated for a fresh answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from ringfence.app.operator import OrderRefused
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.access import Caller

log = logging.getLogger(__name__)

KEPT: Final = timedelta(hours=24)
KEPT_IN_MEMORY: Final = 1_000
PRUNE_SECONDS: Final = 3_600.0
HEADER: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and its JSON."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`request` is a digest of what was asked."""

    request: str
    answer: Answer
    at: datetime


class AnswerStore(Protocol):
    """Answers by key. May raise StoreError."""

    async def load_answer(self, key: str) -> KeptAnswer | None: ...

    async def save_answer(self, key: str, kept: KeptAnswer) -> None: ...

    async def prune_answers(self, before: datetime) -> None: ...


class Once:
    """One of it for all doors of a daemon."""

    def __init__(self, store: AnswerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._running: dict[str, tuple[str, asyncio.Task[Answer]]] = {}

    async def answer(self, caller: Caller, key: str, request: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer given before, else what `act` answers now. Whoever repeats while it still runs waits for the same;
        it goes on when nobody waits any more. Raises OrderRefused when the key came with another request, and what
        `act` raises."""
        name, asked = _digest(f"{caller.by}\0{caller.name}\0{key}"), _digest(request)
        kept = self._kept.get(name)
        if kept is None and name not in self._running:
            kept = await self._stored(name)
        if kept is not None and self._clock.now().wall < kept.at + KEPT:
            _check_same(kept.request, asked)
            return kept.answer
        running = self._running.get(name)
        if running is None:
            task = asyncio.create_task(self._act(name, asked, act), name="order once")
            running = self._running[name] = asked, task
            task.add_done_callback(lambda done: self._ended(name, done))
        _check_same(running[0], asked)
        return await asyncio.shield(running[1])

    async def run(self) -> None:
        """Forgets what is older than a day; for ever."""
        while True:
            try:
                await self._store.prune_answers(self._clock.now().wall - KEPT)
            except StoreError as error:
                log.info("old answers are not removed yet", extra={"reason": str(error)})
            await self._clock.sleep(PRUNE_SECONDS)

    async def _act(self, name: str, asked: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await act()
        kept = self._kept[name] = KeptAnswer(asked, answer, self._clock.now().wall)
        while len(self._kept) > KEPT_IN_MEMORY:
            self._kept.popitem(last=False)
        try:
            await self._store.save_answer(name, kept)
        except StoreError as error:
            log.error("an answer cannot be stored, keeping it in memory", extra={"reason": str(error)})
        return answer

    async def _stored(self, name: str) -> KeptAnswer | None:
        try:
            return await self._store.load_answer(name)
        except StoreError:
            return None

    def _ended(self, name: str, task: asyncio.Task[Answer]) -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # whoever still waits gets it too; nobody waiting is no reason to complain


def _check_same(request: str, asked: str) -> None:
    if request != asked:
        raise OrderRefused(HEADER, "came with another request before", "Take a new key for another order.")


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogateescape"), digest_size=32).hexdigest()
