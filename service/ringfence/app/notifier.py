"""Telling people: `tell` puts a notice into the outbox, and nothing here waits for a channel.

What people are told is stored first and sent later, so that neither a dead receiver nor a killed daemon loses it. Mode
changes and people's words are not told by whoever makes them: their rows of history say whether they were.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.notify.ports import (
    OVER,
    Channel,
    ChannelError,
    Escalation,
    NoticeQuery,
    NoticeStore,
    NoticeView,
    OutboxLevel,
    ToTell,
    Untold,
    delivery_id,
)
from ringfence.app.notify.words import row_of
from ringfence.app.operator import NotOurs
from ringfence.app.ports import Clock, OutageChange, StoreError
from ringfence.domain.moment import Moment
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.notice_mask import without_numbers
from ringfence.domain.notice_routes import TRY_FOR, Route, routes_for
from ringfence.domain.outage import Mode

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0  # for history nobody was told of, groups that are over, critical ones nobody acknowledged
MAX_WAITING: Final = 1_000  # notices in memory while the outbox takes none
MAX_UNTOLD: Final = 100  # rows of history in one transaction
PRUNE_EVERY_SECONDS: Final = 3_600.0
FAILED_FOR: Final = timedelta(days=1)  # so long what was given up is an alarm
BY_HAND_AFTER_SECONDS: Final = 30.0
"""So long the outbox may take nothing before what is critical is sent past it."""


class Notifier:
    """`run` in the daemon's task group. `words` turns a row of history into a notice, None where there is nothing to
    tell; `ours` says whether a number is one of our DIDs, which may be named."""

    def __init__(
        self,
        store: NoticeStore,
        clock: Clock,
        routes: Sequence[Route],
        channels: Mapping[str, Channel],
        words: Callable[[Untold], Notice | None],
        ours: Callable[[str], bool],
        keep_days: float = 90,
        unstored: Callable[[], Sequence[OutageChange]] = tuple,
        worded: Callable[[Notice], Notice] = lambda notice: notice,
    ) -> None:
        """`unstored`: changes that the database does not hold yet, oldest first. `worded`: as people are told."""
        self.routes = tuple(routes)
        self._store = store
        self._clock = clock
        self._channels = channels
        self._words = words
        self._ours = ours
        self._worded = worded
        self._keep = timedelta(days=keep_days)
        self._unstored = unstored
        self._told_unstored: frozenset[str] = frozenset()
        self._waiting: deque[_Waiting] = deque()
        self._over: dict[str, datetime] = {}
        self._stored = asyncio.Event()
        self._healthy = True
        self._pruned_at: Moment | None = None
        self._tests = 0
        self.levels: Mapping[str, OutboxLevel] = {}
        self.lost = 0

    async def tell(self, notice: Notice) -> None:
        """Puts it into the outbox; the workers send it. Never raises: what cannot be stored waits in memory, bounded,
        and is stored later."""
        self._take(notice)
        await self._store_waiting()

    async def over(self, key: str) -> None:
        """What the notice with this key told of has ended: nobody need acknowledge it any more. Never raises: what
        cannot be stored is stored later."""
        self._over[key] = self._clock.now().wall
        if not self._waiting:  # else it may itself be waiting
            await self._store_over()

    async def run(self) -> None:
        """Stores what waits, tells the history, sums up groups, escalates, forgets what is old."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One round of `run`."""
        self._take_unstored()
        await self._store_waiting()
        try:
            await self._tell_history()
            now = self._clock.now().wall
            made = await self._store.sum_up(now)
            made += await self._store.escalate(self._escalations(now), now)
            if made:
                self._announce()
            self.levels = await self._store.levels(now - FAILED_FOR)
            await self._prune()
        except StoreError as error:
            self._edge(error)
        else:
            if not self._waiting:
                await self._store_over()
                self._well()
        # A full disk lets everything through that has nothing to write, so this hangs on what waits alone.
        await self._past_the_outbox()

    async def acknowledge(self, notice: int, who: str, by: str = "") -> NoticeView | None:
        """Somebody sees to it: it escalates no further. `by`: how they had signed in. None: there is no such notice.
        Raises StoreError."""
        return await self._store.acknowledge(notice, who, self._clock.now().wall, by)

    async def listed(self, query: NoticeQuery) -> list[NoticeView]:
        """Newest first. Raises StoreError."""
        return await self._store.listed(query)

    async def test(self, route: str, who: str) -> str:
        """Sends a test now, past the outbox; the channel's own words. Raises NotOurs, ChannelError."""
        channel = self._channels.get(route)
        if channel is None:
            known = ", ".join(sorted(self._channels)) or "none is configured"
            raise NotOurs(f"There is no route {route[:64]!r}.", f"Known: {known}.", "route")
        now = self._clock.now().wall
        self._tests += 1
        notice = Notice(
            key=f"test:{route}:{now.isoformat()}:{self._tests}",
            kind=NoticeKind.TEST,
            severity=Severity.INFO,
            at=now,
            title="Ringfence: a test",
            text=f"{who} pressed the test button for the route {route}. Nothing has happened; nothing is to be done.",
        )
        return await channel.send(self._safe(notice), delivery_id(notice.key, route))

    async def changed(self) -> None:
        """Waits until something new lies in the outbox."""
        event = self._stored
        await event.wait()

    @property
    def waiting_in_memory(self) -> int:
        return len(self._waiting)

    @property
    def takes(self) -> bool:
        """Whether the outbox took what was stored last."""
        return self._healthy

    def _safe(self, notice: Notice) -> Notice:
        return self._worded(without_numbers(notice, self._ours))

    def _take(self, notice: Notice) -> None:
        safe = self._safe(notice)
        self._keep_waiting(_Waiting(ToTell(safe, routes_for(safe, self.routes)), self._clock.now()))

    def _take_unstored(self) -> None:
        """People hear of an outage although the database holds nothing of it yet. The notice has the key that the row
        of history will give it, so it is told once."""
        changes = self._unstored()
        for change in changes:
            row = None if change.key in self._told_unstored else row_of(change)
            notice = None if row is None else self._words(row)
            if notice is not None:
                self._take(notice)
        self._told_unstored = frozenset(change.key for change in changes)

    async def _store_over(self) -> None:
        for key, at in list(self._over.items()):
            try:
                await self._store.acknowledge_key(key, OVER, at)
            except StoreError as error:
                self._edge(error)
                return
            self._over.pop(key, None)

    def _announce(self) -> None:
        self._stored.set()
        self._stored = asyncio.Event()

    def _keep_waiting(self, waiting: _Waiting) -> None:
        if len(self._waiting) == MAX_WAITING:
            # The newest is worth more, unless only critical ones wait.
            calm = next((one for one in self._waiting if not one.critical), self._waiting[0])
            self._waiting.remove(calm)
            self.lost += 1
        self._waiting.append(waiting)

    async def _store_waiting(self) -> None:
        while self._waiting:
            batch = list(self._waiting)[:MAX_UNTOLD]
            try:
                await self._store.add([one.told for one in batch], self._clock.now().wall)
            except StoreError as error:
                self._edge(error)
                return
            for one in batch:
                if one in self._waiting:
                    self._waiting.remove(one)
            self._well()
            self._announce()

    async def _tell_history(self) -> None:
        while found := await self._store.untold(MAX_UNTOLD):
            told: dict[int, ToTell | None] = {}
            for row in found:
                notice = self._words(row)
                safe = None if notice is None else self._safe(notice)
                if safe is None:
                    told[row.id] = None
                    continue
                ends = safe.kind is NoticeKind.MODE and row.after == Mode.NORMAL
                told[row.id] = ToTell(safe, routes_for(safe, self.routes), sent=self._sent(safe.key), ends=ends)
            await self._store.tell(told, self._clock.now().wall)
            self._announce()

    def _sent(self, key: str) -> Mapping[str, datetime]:
        """Routes that were told of it past the outbox, while it waits here."""
        return next((one.told.sent for one in self._waiting if one.told.notice.key == key), {})

    def _escalations(self, now: datetime) -> list[Escalation]:
        return [
            Escalation(route.name, route.escalate_to, now - route.escalate_after)
            for route in self.routes
            if route.escalate_to
        ]

    async def _prune(self) -> None:
        now = self._clock.now()
        if self._pruned_at is None or now.since(self._pruned_at) >= PRUNE_EVERY_SECONDS:
            self._pruned_at = now
            # Nobody tries those of a route that was taken out; all of them would go out were it to come back.
            given_up = await self._store.give_up_all_but([route.name for route in self.routes], now.wall - TRY_FOR)
            if given_up:
                log.warning("notices were given up: their route is gone", extra={"notices": given_up})
            await self._store.prune(now.wall - self._keep)

    async def _past_the_outbox(self) -> None:
        """The database has taken nothing for a while, and that is itself what people have to hear of. The delivery's
        name is the one it would have had, so that a receiver knows a repetition."""
        now = self._clock.now()
        for waiting in list(self._waiting):
            if not waiting.critical or now.since(waiting.since) < BY_HAND_AFTER_SECONDS:
                continue
            for route in waiting.told.routes:
                channel = self._channels.get(route)
                if channel is None or route in waiting.tried:
                    continue
                waiting.tried.add(route)  # once: the outbox tries again when it is back
                try:
                    await channel.send(waiting.told.notice, delivery_id(waiting.told.notice.key, route))
                except ChannelError as error:
                    log.error("a critical notice went neither into the outbox nor out", extra={"reason": str(error)})
                    continue
                waiting.told = replace(waiting.told, sent={**waiting.told.sent, route: now.wall})

    def _edge(self, error: StoreError) -> None:
        if self._healthy:
            self._healthy = False
            log.error("the outbox takes no notices, keeping them in memory", extra={"reason": str(error)})

    def _well(self) -> None:
        if not self._healthy:
            self._healthy = True
            log.info("the outbox takes notices again")


class _Waiting:
    """A notice that is not stored yet. `tried`: routes it was sent to past the outbox."""

    __slots__ = ("since", "told", "tried")

    def __init__(self, told: ToTell, since: Moment) -> None:
        self.told = told
        self.since = since
        self.tried: set[str] = set()

    @property
    def critical(self) -> bool:
        return self.told.notice.severity is Severity.CRITICAL
