"""Tells the staff whose calls go elsewhere, and tells the same people when they come back.

A change that is over within the waiting time is told to nobody. Who is to be told is stored before the first mail goes,
so that a restart goes on where it was; addresses and numbers are looked up when a mail is written, and stored nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.notify.ports import ChannelError, ChannelUnavailable, delivery_id
from ringfence.app.notify.staff_ports import StaffMail, StaffRow, StaffRun, StaffStore
from ringfence.app.ports import Clock
from ringfence.domain.directory import DidAssignment, Directory, PersonKey
from ringfence.domain.moment import Moment
from ringfence.domain.notice_routes import wait_seconds
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.staff_message import owned_in, staff_text

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
BATCH: Final = 50
TOO_LATE: Final = timedelta(hours=12)
"""A message that could not be sent by then says what was so, not what is."""
KEEP: Final = timedelta(days=7)

Addresses = Callable[[frozenset[PersonKey]], Awaitable[Mapping[PersonKey, str]]]


@dataclass(frozen=True, slots=True)
class StaffRules:
    """`scopes`: platforms whose staff are told. `zone` (IANA) is that of sites that name none."""

    scopes: frozenset[str]
    wait_seconds: float
    per_second: float
    zone: str


class StaffMessages:
    """`run` in the daemon's task group. `diverted` says of each platform whether its calls go elsewhere; `addresses`
    gives the mail addresses of those people who have one."""

    def __init__(
        self,
        rules: StaffRules,
        mail: StaffMail,
        store: StaffStore,
        clock: Clock,
        diverted: Callable[[], Mapping[str, bool]],
        directory: Callable[[], Directory | None],
        policy: RoutingPolicy,
        addresses: Addresses,
    ) -> None:
        self._rules = rules
        self._mail = mail
        self._store = store
        self._clock = clock
        self._diverted = diverted
        self._directory = directory
        self._policy = policy
        self._addresses = addresses
        self._runs: dict[str, StaffRun] | None = None
        self._since: dict[str, Moment] = {}
        self._failures = 0

    async def run(self) -> None:
        """Raises StoreError; call it again."""
        while True:
            await self.look()
            await self._clock.sleep(await self.send())

    async def look(self) -> None:
        """Begins a run for each platform whose change has stood for long enough. Raises StoreError."""
        if self._runs is None:
            self._runs = await self._store.last_runs()
        now = self._clock.now()
        for scope, diverted in self._diverted().items():
            last = self._runs.get(scope)
            if scope not in self._rules.scopes or diverted == (last is not None and last.diverted):
                self._since.pop(scope, None)
                continue
            since = self._since.setdefault(scope, now)
            if now.since(since) >= self._rules.wait_seconds:
                await self._begin(scope, diverted, since, last)

    async def send(self) -> float:
        """Writes some of what is due, so many a second; the seconds to wait before the next. Raises StoreError."""
        rows, directory = await self._store.due(self._clock.now().wall, BATCH), self._directory()
        if not rows or directory is None:
            return LOOK_SECONDS
        owned = await asyncio.to_thread(owned_in, directory, self._rules.scopes)
        addresses = await self._addresses(frozenset(PersonKey(row.person) for row in rows))
        for row in rows:
            key = PersonKey(row.person)
            mine = [item for item in owned.get(key, ()) if item.scope == row.scope]
            pause = await self._write(row, directory, mine, addresses.get(key))
            if pause > 0:
                return pause
            await self._clock.sleep(1 / self._rules.per_second)
        return 0.0

    async def _begin(self, scope: str, diverted: bool, since: Moment, last: StaffRun | None) -> None:
        directory = self._directory()
        if directory is None:
            return
        run = StaffRun(f"{scope}:{since.wall:%Y%m%dT%H%M%S}", scope, diverted, since.wall)
        people: frozenset[PersonKey] | None = None
        if diverted:
            owners = frozenset(await asyncio.to_thread(owned_in, directory, frozenset({scope})))
            people = frozenset(await self._addresses(owners))
        told = await self._store.begin(run, people, last, self._clock.now().wall)
        await self._store.prune(self._clock.now().wall - KEEP)
        assert self._runs is not None
        self._runs[scope] = run
        self._since.pop(scope, None)
        log.info("staff are told", extra={"scope": scope, "diverted": diverted, "people": told})

    async def _write(
        self, row: StaffRow, directory: Directory, owned: Sequence[DidAssignment], address: str | None
    ) -> float:
        now = self._clock.now().wall
        if now - row.changed_at > TOO_LATE:
            await self._store.done(row, "late", now)
            return 0.0
        if address is None or not owned:
            await self._store.done(row, "gone", now)
            return 0.0
        words = staff_text(owned, directory, self._policy, row.diverted, row.changed_at, self._rules.zone)
        try:
            await self._mail.write(address, words.subject, words.text, delivery_id(row.change, row.person))
        except ChannelUnavailable as error:
            return await self._put_off(row, now, error)
        except ChannelError as error:
            # The address is theirs, and the server's words may repeat it.
            log.warning("a member of staff was not told", extra={"scope": row.scope, "reason": type(error).__name__})
            await self._store.done(row, "refused", now)
            return 0.0
        self._failures = 0
        await self._store.done(row, "sent", now)
        return 0.0

    async def _put_off(self, row: StaffRow, now: datetime, error: ChannelUnavailable) -> float:
        self._failures += 1
        if self._failures == 1:
            log.warning("staff cannot be told now, trying on", extra={"reason": type(error).__name__})
        pause = wait_seconds(self._failures, 0.0, error.retry_after_seconds)
        await self._store.put_off(row, now + timedelta(seconds=pause))
        return pause
