"""Works through the outbox of one route. Each route has a worker of its own: a dead webhook delays no mail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence.app.notify.ports import (
    Channel,
    ChannelError,
    ChannelRefused,
    ChannelUnavailable,
    Delivery,
    DeliveryState,
    NoticeStore,
)
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.moment import Moment
from ringfence.domain.notice_routes import (
    MAX_REFUSALS,
    Route,
    given_up,
    refusal_seconds,
    wait_seconds,
)

log = logging.getLogger(__name__)

BATCH: Final = 20
LOOK_SECONDS: Final = 60.0  # at most so long asleep: quiet hours end, and the wall clock may be set
STORE_SECONDS: Final = 2.0  # between two attempts to write down that something was sent
DEADLINE_SECONDS: Final = 120.0  # a channel has deadlines of its own; this one is for a channel that forgot


class OutboxWorker:
    """`run` in the daemon's task group. `changed` waits until something new lies in the outbox; `share` gives a random
    number from 0 to 1. `failing` says why the last try failed, empty when it did not."""

    def __init__(
        self,
        route: Route,
        channel: Channel,
        store: NoticeStore,
        clock: Clock,
        changed: Callable[[], Coroutine[Any, Any, None]],
        share: Callable[[], float],
        closed: str = "",
    ) -> None:
        """`closed`: why the channel could not be opened; else nobody would know before there is something to tell."""
        self.route = route
        self._channel = channel
        self._store = store
        self._clock = clock
        self._changed = changed
        self._share = share
        self._failures_in_a_row = 0
        self._pause_until: Moment | None = None
        self.failing = closed
        self.failing_since: Moment | None = clock.now() if closed else None
        self.failures = 0
        self.sent = 0

    async def run(self) -> None:
        """Sends what is due, for ever. Raises StoreError while the outbox cannot be read; call it again."""
        while True:
            news = asyncio.create_task(self._changed(), name=f"news for {self.route.name}")
            try:
                # One turn, so that nothing that comes from now on is missed.
                await asyncio.sleep(0)
                seconds = await self.work()
                await self._rest(seconds, news)
            finally:
                news.cancel()

    async def work(self) -> float:
        """Sends what is due; the seconds until there may be more. Raises StoreError."""
        while True:
            pause = self._pause_seconds()
            if pause > 0:
                return pause
            now = self._clock.now().wall
            due = await self._store.due(self.route.name, now, self.route.quiet_at(now), BATCH)
            if not due:
                return await self._idle_seconds(now)
            for delivery in due:
                await self._deliver(delivery)
                if self._pause_seconds() > 0:
                    break

    async def _rest(self, seconds: float, news: asyncio.Task[None]) -> None:
        """Until the time is over or there is news. A receiver that failed is left alone in spite of news."""
        sleep = asyncio.create_task(self._clock.sleep(max(seconds, 0.05)), name=f"rest of {self.route.name}")
        waits_for = {sleep} if self._pause_seconds() > 0 else {sleep, news}
        try:
            await asyncio.wait(waits_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()

    async def _idle_seconds(self, now: datetime) -> float:
        soonest = await self._store.next_due(self.route.name)
        if soonest is None or soonest <= now:
            return LOOK_SECONDS  # what is due and was not given out is held by quiet hours
        return min(LOOK_SECONDS, (soonest - now).total_seconds())

    def _pause_seconds(self) -> float:
        return 0.0 if self._pause_until is None else -self._clock.now().since(self._pause_until)

    async def _deliver(self, delivery: Delivery) -> None:
        """One try. It is written down before it begins: what kills the daemon each time must not stand first in the
        queue for ever."""
        now = self._clock.now().wall
        tries = delivery.tries + 1
        await self._store.begin(delivery.id, now, now + timedelta(seconds=wait_seconds(tries, 0.0)))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                said = await self._channel.send(delivery.notice, delivery.id)
        except ChannelRefused as error:
            self._failed(error)
            refused = delivery.refusals + 1 >= MAX_REFUSALS
            await self._put_off(delivery, tries, error, DeliveryState.REFUSED if refused else DeliveryState.WAITING)
        except (ChannelUnavailable, TimeoutError) as error:
            fault = error if isinstance(error, ChannelUnavailable) else ChannelUnavailable("It took longer than 120 s.")
            self._failed(fault)
            over = given_up(delivery.first_tried_at or now, self._clock.now().wall)
            state = DeliveryState.GIVEN_UP if over else DeliveryState.WAITING
            self._pause(wait_seconds(self._failures_in_a_row, self._share(), fault.retry_after_seconds))
            await self._put_off(delivery, tries, fault, state)
        else:
            self._well()
            await self._write_down(delivery.id, said)

    async def _put_off(self, delivery: Delivery, tries: int, error: ChannelError, state: DeliveryState) -> None:
        refused = isinstance(error, ChannelRefused)
        # What is refused is most often set up wrongly: somebody may be mending it just now.
        asked = refusal_seconds(delivery.refusals + 1) if refused else getattr(error, "retry_after_seconds", None)
        next_at = self._clock.now().wall + timedelta(seconds=wait_seconds(tries, self._share(), asked))
        if state in (DeliveryState.REFUSED, DeliveryState.GIVEN_UP):
            log.error(
                "a notice was given up", extra={"route": self.route.name, "state": state.value, "reason": str(error)}
            )
        await self._store.failed(delivery.id, state, next_at, str(error), refused)

    async def _write_down(self, delivery: str, said: str) -> None:
        """Until it is stored: it must not be sent again by a daemon that knows that it was."""
        told = False
        while True:
            try:
                await self._store.sent(delivery, self._clock.now().wall, said)
                return
            except StoreError as error:
                if not told:
                    told = True
                    extra = {"route": self.route.name, "reason": str(error)}
                    log.error("a notice was sent and that cannot be stored, trying on", extra=extra)
                await self._clock.sleep(STORE_SECONDS)

    def _pause(self, seconds: float) -> None:
        self._pause_until = self._clock.now().plus(seconds)

    def _failed(self, error: ChannelError) -> None:
        self.failures += 1
        if isinstance(error, ChannelUnavailable):
            self._failures_in_a_row += 1
        if not self.failing:
            self.failing_since = self._clock.now()
            log.warning("a route takes no notices", extra={"route": self.route.name, "reason": str(error)})
        self.failing = str(error)

    def _well(self) -> None:
        self.sent += 1
        self._failures_in_a_row, self._pause_until = 0, None
        if self.failing:
            self.failing, self.failing_since = "", None
            log.info("a route takes notices again", extra={"route": self.route.name})
