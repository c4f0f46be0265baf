"""What an order would do, before it is given: who moves, who would reach nobody, how many calls that is at this hour,
whether the trunks' channels suffice. Nothing changes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from ringfence.app.failover import Failover
from ringfence.app.orders import NO_WORD
from ringfence.app.override_desk import OverrideDesk
from ringfence.app.ports import Clock, StoreError
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import Directory
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.numbers import Did
from ringfence.domain.override import Override, OverrideKind, OverrideTarget, covered
from ringfence.domain.override_effect import Effect, End, Said, effect_of, end_in
from ringfence.domain.route_table import did_path
from ringfence.domain.verdict import VerdictState

WEEKS: Final = 4
HOUR: Final = timedelta(hours=1)
HOUR_SECONDS: Final = 3600.0
TALLY_KEPT_SECONDS: Final = 600.0
_NEWEST: Final = timedelta(microseconds=1)
SPREAD: Final = 3.0
"""Calls come in heaps: with `n` at once on average, more than `n + 3 * sqrt(n)` are seldom there."""


class Tally(NamedTuple):
    """Finished calls and their durations together."""

    calls: int
    milliseconds: int


class CallTallies(Protocol):
    """The journal, counted. May raise StoreError."""

    async def tally(self, windows: Sequence[tuple[datetime, datetime]]) -> dict[str, Tally]:
        """By DID, of calls that ended in any of these times (the end excluded)."""
        ...

    async def oldest(self) -> datetime | None:
        """When the oldest call ended that is kept."""
        ...


@dataclass(frozen=True, slots=True)
class EgressRoom:
    """`max_calls`: diverted calls at once over all trunks; `channels` of each egress trunk."""

    max_calls: int
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallsNow:
    """Calls an hour to the DIDs that would be diverted, on average over `weeks` (0: the journal knows nothing of this
    hour). `at_once` is their average number, `at_most` what is seldom exceeded, and `channels` what there is for them
    on the trunks that are not down."""

    weeks: int
    moving_an_hour: float
    diverted_an_hour: float
    mean_seconds: float
    at_once: float
    at_most: int
    channels: int

    @property
    def enough(self) -> bool:
        return self.at_most <= self.channels


@dataclass(frozen=True, slots=True)
class Preview:
    """`kind` None: a release. `expected`: what to give with the order, so that it is refused when somebody was faster.
    `standing`: the word that stands for this target now. `calls` None: the journal cannot be read. `second_person`: the
    order will wait for one."""

    kind: OverrideKind | None
    target: OverrideTarget
    at: datetime
    effect: Effect
    expected: str
    standing: Override | None
    calls: CallsNow | None
    second_person: bool


class OverridePreview:
    """One of it for all doors."""

    def __init__(
        self,
        clock: Clock,
        failover: Failover,
        keeper: TableKeeper,
        desk: OverrideDesk,
        journal: CallTallies,
        room: EgressRoom,
    ) -> None:
        self._clock = clock
        self._failover = failover
        self._keeper = keeper
        self._desk = desk
        self._journal = journal
        self._room = room
        self._tallied: tuple[datetime, float, int, dict[str, Tally]] | None = None

    async def of(self, kind: OverrideKind | None, target: OverrideTarget) -> Preview:
        """Raises NotOurs. 100,000 DIDs take less than a second, in a thread."""
        failover, now = self._failover, self._clock.now()
        standing = failover.overrides.get(target)
        if standing is None:
            self._desk.check_target(target)
        words = [word for word in failover.overrides.values() if word.target != target]
        new = None if kind is None else Override(target, kind, "", "", now.wall + _NEWEST, id="preview")
        directory, table = self._keeper.directory or Directory(), self._keeper.table
        before = Said(failover.overrides.values(), failover.states, directory)
        after = Said([*words, new] if new is not None else words, failover.states, directory)

        def end_of(did: Did) -> End:
            return end_in(None if table is None else table.get(did_path(did)))

        usual, channels = await self._usual(), self._channels()

        def work() -> tuple[Effect, CallsNow | None]:
            effect = effect_of(target, new, before, after, directory, end_of)
            if usual is None:
                return effect, None
            about = {item.did for item in covered(target, directory)}
            moving: list[Tally] = []
            diverted: list[Tally] = []
            for did, tally in usual[1].items():
                item = directory.assignment(did)
                if item is None or not after.diverts(item):
                    continue
                if item.did in about and not before.diverts(item):
                    moving.append(tally)
                if end_of(item.did) is not End.ANNOUNCEMENT:
                    diverted.append(tally)
            return effect, _calls_now(usual[0], moving, diverted, channels)

        effect, calls = await asyncio.to_thread(work)
        return Preview(
            kind,
            target,
            now.wall,
            effect,
            NO_WORD if standing is None else standing.id,
            standing,
            calls,
            kind is not None and self._desk.needs_second_person(target),
        )

    async def _usual(self) -> tuple[int, dict[str, Tally]] | None:
        """How many weeks the journal knows of, and the calls of this hour of this weekday in them; None when it cannot
        be read. Kept for a while: many look at once when something is wrong."""
        now = self._clock.now()
        hour = now.wall.replace(minute=0, second=0, microsecond=0)
        kept = self._tallied
        if kept is not None and kept[0] == hour and now.monotonic - kept[1] < TALLY_KEPT_SECONDS:
            return kept[2], kept[3]
        begins = [hour - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
        try:
            oldest = await self._journal.oldest()
            known = [begin for begin in begins if oldest is not None and oldest < begin + HOUR]
            tallies = await self._journal.tally([(begin, begin + HOUR) for begin in known]) if known else {}
        except StoreError:
            return None
        self._tallied = (hour, now.monotonic, len(known), tallies)
        return len(known), tallies

    def _channels(self) -> int:
        verdicts = self._failover.verdicts
        up = (
            channels
            for trunk, channels in self._room.channels.items()
            if (verdict := verdicts.get(TargetId(TargetRole.TRUNK, trunk))) is None
            or verdict.state is not VerdictState.DOWN
        )
        return min(self._room.max_calls, sum(up))


def _calls_now(weeks: int, moving: Iterable[Tally], diverted: Sequence[Tally], channels: int) -> CallsNow:
    share = max(1, weeks)
    an_hour = sum(tally.calls for tally in diverted) / share
    seconds = sum(tally.milliseconds for tally in diverted) / 1000.0 / share
    at_once = seconds / HOUR_SECONDS
    return CallsNow(
        weeks=weeks,
        moving_an_hour=sum(tally.calls for tally in moving) / share,
        diverted_an_hour=an_hour,
        mean_seconds=seconds / an_hour if an_hour else 0.0,
        at_once=at_once,
        at_most=math.ceil(at_once + SPREAD * math.sqrt(at_once)),
        channels=channels,
    )
