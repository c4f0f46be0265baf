"""People's words: the desk where they are ordered, what waits for a second person, and the notice before their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from ringfence.app.failover import Failover
from ringfence.app.notify.ports import Tells
from ringfence.app.once import Once
from ringfence.app.override_desk import OverrideDesk
from ringfence.app.override_preview import EgressRoom, OverridePreview
from ringfence.app.override_watch import OverrideWatch
from ringfence.app.ports import Clock, OutageChange
from ringfence.app.second_person import SecondPerson, SecondPersonPolicy
from ringfence.app.supervisor import Part
from ringfence.app.table_keeper import TableKeeper
from ringfence.config import Settings
from ringfence.domain.override import Level
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.order_store import SqlOrderStore
from ringfence.web.ports import WordsDoor


class OverrideSide:
    """Wired, not yet running."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        failover: Failover,
        keeper: TableKeeper,
        clock: Clock,
        tells: Tells,
        poke: Callable[[], None],
        unstored: Callable[[], Sequence[OutageChange]],
    ) -> None:
        chosen, store = settings.override, SqlOrderStore(database)
        policy = SecondPersonPolicy(
            frozenset(Level[name.upper()] for name in chosen.second_person),
            timedelta(seconds=chosen.alone_after_seconds),
        )
        self._second_person = SecondPerson(policy, store, clock, poke)
        self._once = Once(store, clock, unstored)
        self.desk = OverrideDesk(clock, failover, keeper, self._second_person, tells)
        room = EgressRoom(settings.egress.max_calls, {trunk.name: trunk.channels for trunk in settings.egress_trunk})
        self._preview = OverridePreview(clock, failover, keeper, self.desk, SqlJournalStore(database), room)
        before = timedelta(minutes=chosen.notice_before_minutes)
        self._watch = OverrideWatch(clock, failover.overrides.values, tells, before)

    def door(self) -> WordsDoor:
        return WordsDoor(self.desk, self._once, self._preview)

    def recovered(self) -> None:
        """The spool is read."""
        self._once.recovered()

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node, each by its name."""
        yield "second person", self._second_person.run
        yield "answers", self._once.run
        yield "override ends", self._watch.run
