"""Shadow mode: notes what would have become of each call, since when nothing is done to them, and how verdicts go."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from ringfence.app.ports import Clock, StoreError
from ringfence.domain.calls import CallRecord
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.incident import Span
from ringfence.domain.incident_calls import started_at
from ringfence.domain.moment import Moment
from ringfence.domain.records import shadowed
from ringfence.domain.route_table import RouteTable
from ringfence.domain.shadow import NoteKind, ShadowNote, would_of
from ringfence.domain.simulation_values import SiteRules
from ringfence.domain.verdict import Verdict

LOOK_SECONDS: Final = 1.0
PRUNE_EVERY_SECONDS: Final = 3600.0
SEEN_EVERY_SECONDS: Final = 600.0
MAX_CHANGES: Final = 1_000
"""Decisions remembered for each platform: a call may have come in long before it ends."""
MAX_WAITING: Final = 10_000

MODES: Final = "mode/"


class ShadowStore(Protocol):
    """May raise StoreError."""

    async def add(self, notes: Sequence[ShadowNote]) -> None: ...

    async def notes(self, until: datetime) -> list[ShadowNote]:
        """All that are kept up to then, oldest first."""
        ...

    async def last(self, kinds: Iterable[NoteKind]) -> ShadowNote | None:
        """The newest of these kinds."""
        ...

    def calls(self, span: Span) -> AsyncIterator[Sequence[CallRecord]]:
        """The calls that ended then, oldest first, in portions."""
        ...

    async def prune(self, before: datetime) -> None: ...


def held_in_shadow(key: str, value: str) -> str:
    """What Asterisk is to hold: a mode that moves no call. The states of the trunks stay, for the site's own phones."""
    return shadowed(value) if key.startswith(MODES) else value


class ShadowWatch:
    """`note` a call when it ends; `mode_put` when Asterisk has taken a mode. `enabled` False: the node is live, and
    only that is written down."""

    def __init__(
        self,
        enabled: bool,
        store: ShadowStore,
        clock: Clock,
        rules: Callable[[], SiteRules],
        table: Callable[[], RouteTable | None],
        wanted: Callable[[str], str | None],
        verdicts: Callable[[], Mapping[TargetId, Verdict]],
        keep_days: int,
    ) -> None:
        self.enabled = enabled
        self._store = store
        self._clock = clock
        self._rules = rules
        self._table = table
        self._wanted = wanted
        self._verdicts = verdicts
        self._keep = timedelta(days=keep_days)
        self._decided: dict[str, deque[tuple[datetime, str]]] = {}
        self._told: dict[str, str] = {}
        self._seen: Moment | None = None
        self._waiting: deque[ShadowNote] = deque(maxlen=MAX_WAITING)

    def mode_put(self, key: str) -> None:
        """From now on calls would find this."""
        value = self._wanted(key)
        if self.enabled and value is not None and key.startswith(MODES):
            self._decided.setdefault(key, deque(maxlen=MAX_CHANGES)).append((self._clock.now().wall, value))

    def note(self, record: CallRecord) -> CallRecord:
        """The record with what would have become of the call; as it is while live, or before there is a table."""
        table = self._table()
        if not self.enabled or table is None:
            return record
        came = started_at(record)

        def value(key: str) -> str | None:
            return self._decided_at(key, came) if key.startswith(MODES) else table.get(key)

        return replace(record, would=would_of(record, value, self._rules()).text)

    def _decided_at(self, key: str, at: datetime) -> str | None:
        """What was decided when a call came in; for one that is older than what is remembered, the first."""
        changes = self._decided.get(key, ())
        return next((value for since, value in reversed(changes) if since <= at), changes[0][1] if changes else None)

    async def run(self) -> None:
        """Writes down how the node runs, then that it does, and each change of a verdict; in live nothing more."""
        await self._begin()
        pruned_at = self._clock.now()
        while True:
            if self.enabled:
                self._look()
                await self._write()
            await self._clock.sleep(LOOK_SECONDS)
            now = self._clock.now()
            if now.since(pruned_at) >= PRUNE_EVERY_SECONDS:
                pruned_at = now
                await self._store.prune(now.wall - self._keep)

    async def _begin(self) -> None:
        """Raises StoreError."""
        kind = NoteKind.SHADOW if self.enabled else NoteKind.LIVE
        last = await self._store.last((NoteKind.SHADOW, NoteKind.LIVE))
        before = NoteKind.LIVE if last is None else last.kind
        if before is not kind:
            await self._store.add([ShadowNote(self._clock.now().wall, kind)])

    def _look(self) -> None:
        moment = self._clock.now()
        now = moment.wall
        if self._seen is None or moment.since(self._seen) >= SEEN_EVERY_SECONDS:
            self._seen = moment
            self._waiting.append(ShadowNote(now, NoteKind.SEEN))
        for target, verdict in self._verdicts().items():
            if target.role is TargetRole.PLATFORM and self._told.get(target.name) != verdict.state:
                self._told[target.name] = verdict.state
                note = ShadowNote(now, NoteKind.VERDICT, target.name, verdict.state, verdict.reason)
                self._waiting.append(note)

    async def _write(self) -> None:
        waiting = list(self._waiting)
        if not waiting:
            return
        try:
            await self._store.add(waiting)
        except StoreError:
            return  # the ledger tells the edge
        for _ in waiting:
            self._waiting.popleft()


async def settled(look: Callable[[], str], states: Iterable[str], clock: Clock, patience_seconds: float) -> bool:
    """Waits until `look` gives one of these states; False when it takes too long."""
    began, wanted = clock.now(), frozenset(states)
    while look() not in wanted:
        if clock.now().since(began) >= patience_seconds:
            return False
        await clock.sleep(LOOK_SECONDS / 10)
    return True
