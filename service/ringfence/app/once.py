"""One answer for one idempotency key: a request that is repeated, because its answer was lost, acts once.

Answers are kept for a day, in the database too; while that is away, in memory alone. Only what was done is kept: a
request that was refused has changed nothing, and may be repeated for a fresh answer. What a request has done is stored
with its mark (`once_mark`): a daemon that dies between a change and its answer knows afterwards what the key has led
to, whatever others have said about the same target since, and answers from that.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from ringfence.app.once_mark import ONCE_MARK, OnceMark
from ringfence.app.operator import OrderRefused
from ringfence.app.ports import Clock, OutageChange, StoreError, StoreUnavailable
from ringfence.app.second_person import PendingOrder
from ringfence.domain.access import Caller
from ringfence.domain.override import Override, OverrideTarget

log = logging.getLogger(__name__)

KEPT: Final = timedelta(hours=24)
KEPT_IN_MEMORY: Final = 1_000
PRUNE_SECONDS: Final = 3_600.0
LOAD_AGAIN_SECONDS: Final = 2.0
HEADER: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and its JSON."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was stored of an order whose answer was not: what was said and released, or what waits (or waited, when it
    was rejected) for a second person."""

    said: Override | None = None
    released: OverrideTarget | None = None
    pending: PendingOrder | None = None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`request` is a digest of what was asked."""

    request: str
    answer: Answer | Done
    at: datetime


class KeyUnknown(StoreUnavailable):
    """The database does not answer, and has not since this process began: nobody can say whether a key came before."""


class AnswerStore(Protocol):
    """Answers by key. May raise StoreError."""

    async def load_answer(self, key: str) -> KeptAnswer | None: ...

    async def load_answers(self, limit: int) -> Mapping[str, KeptAnswer]:
        """The newest, oldest first."""
        ...

    async def save_answer(self, key: str, kept: KeptAnswer) -> None: ...

    async def prune_answers(self, before: datetime) -> None: ...


class Once:
    """One of it for all doors of a daemon."""

    def __init__(
        self, store: AnswerStore, clock: Clock, waiting: Callable[[], Sequence[OutageChange]] = lambda: ()
    ) -> None:
        """`waiting`: the changes that are decided and that the database does not hold yet."""
        self._store = store
        self._clock = clock
        self._waiting = waiting
        self._kept: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._all_kept = False
        self._recovered = asyncio.Event()
        self._running: dict[str, tuple[str, asyncio.Task[Answer]]] = {}

    def recovered(self) -> None:
        """What an earlier process left in the spool is read; until then nobody can say what a key has led to."""
        self._recovered.set()

    async def answer(
        self,
        caller: Caller,
        key: str,
        request: str,
        act: Callable[[], Awaitable[Answer]],
        again: Callable[[Done], Answer],
    ) -> Answer:
        """The answer given before, the one that `again` makes of what was done, or else what `act` answers now. Whoever
        repeats while it still runs waits for the same; it goes on when nobody waits any more. Raises OrderRefused when
        the key came with another request, KeyUnknown, and what `act` raises."""
        name, asked = _digest(f"{caller.by}\0{caller.name}\0{key}"), _digest(request)
        running = self._running.get(name)
        if running is None:
            task = asyncio.create_task(self._answered(name, asked, act, again), name="order once")
            running = self._running[name] = asked, task
            task.add_done_callback(lambda done: self._ended(name, done))
        _check_same(running[0], asked)
        return await asyncio.shield(running[1])

    async def run(self) -> None:
        """Reads what an earlier process answered, for the time when the database is away; then forgets what is older
        than a day, for ever."""
        while True:
            try:
                await self._load()
                break
            except StoreError:
                await self._clock.sleep(LOAD_AGAIN_SECONDS)
        while True:
            try:
                await self._store.prune_answers(self._clock.now().wall - KEPT)
            except StoreError as error:
                log.info("old answers are not removed yet", extra={"reason": str(error)})
            await self._clock.sleep(PRUNE_SECONDS)

    async def _load(self) -> None:
        stored = await self._store.load_answers(KEPT_IN_MEMORY)
        # What was answered since this process began is newer.
        self._kept = OrderedDict({**stored, **self._kept})
        self._all_kept = len(stored) < KEPT_IN_MEMORY
        self._limit()

    async def _answered(
        self, name: str, asked: str, act: Callable[[], Awaitable[Answer]], again: Callable[[Done], Answer]
    ) -> Answer:
        # Here, where nobody is needed who waits: an order that comes while the daemon starts will be taken.
        await self._recovered.wait()
        kept = await self._known(name)
        if kept is None or kept.at + KEPT <= self._clock.now().wall:
            return await self._act(name, asked, act)
        _check_same(kept.request, asked)
        return again(kept.answer) if isinstance(kept.answer, Done) else kept.answer

    async def _act(self, name: str, asked: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        ONCE_MARK.set(OnceMark(name, asked))  # of this task alone
        answer = await act()
        kept = self._kept[name] = KeptAnswer(asked, answer, self._clock.now().wall)
        self._limit()
        try:
            await self._store.save_answer(name, kept)
        except StoreError as error:
            log.error("an answer cannot be stored, keeping it in memory", extra={"reason": str(error)})
        return answer

    async def _known(self, name: str) -> KeptAnswer | None:
        if (kept := self._kept.get(name)) is not None:
            return kept
        # Before the database: what waits leaves it only for there.
        for change in self._waiting():
            if change.once is not None and change.once.key == name and change.at is not None:
                return KeptAnswer(change.once.request, Done(change.override_set, change.override_released), change.at)
        try:
            return await self._store.load_answer(name)
        except StoreError as error:
            if self._all_kept:
                return None  # whatever came with a key is in memory
            raise KeyUnknown(
                "The database does not answer, and nobody can say whether this key came before.",
                "Repeat it with the same key until it is answered; an order without a key is taken at once.",
            ) from error

    def _limit(self) -> None:
        while len(self._kept) > KEPT_IN_MEMORY:
            _, oldest = self._kept.popitem(last=False)
            if self._clock.now().wall < oldest.at + KEPT:
                self._all_kept = False

    def _ended(self, name: str, task: asyncio.Task[Answer]) -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # whoever still waits gets it too; nobody waiting is no reason to complain


def _check_same(request: str, asked: str) -> None:
    if request != asked:
        raise OrderRefused(HEADER, "came with another request before", "Take a new key for another order.")


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogateescape"), digest_size=32).hexdigest()
