"""What is usual, wired: the watch that hears calls, its table, the hints for verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.app.table_keeper import TableKeeper
from ringfence.app.usual import UsualWatch
from ringfence.app.usual_keeper import UsualKeeper
from ringfence.config import Settings
from ringfence.domain.health import TargetId
from ringfence.domain.usual import Calendar
from ringfence.domain.usual_words import UsualView
from ringfence.domain.verdict import Evidence
from ringfence.store.database import Database
from ringfence.store.usual_store import SqlUsualStore


class UsualSide:
    """Wired, not yet running."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, keeper: TableKeeper, changed: Callable[[], None]
    ) -> None:
        policy, zone = settings.usual.policy, settings.hr.time_zone
        platforms = [platform.name for platform in settings.platform]
        trunks = [trunk.name for trunk in settings.trunk]
        self.watch = UsualWatch(platforms, trunks, policy, Calendar(ZoneInfo(zone)), enabled=settings.usual.enabled)
        self._keeper = UsualKeeper(
            self.watch, SqlUsualStore(database), clock, policy, lambda: keeper.directory, zone, changed
        )

    def hints(self, target: TargetId) -> tuple[Evidence, ...]:
        """For the judge."""
        return self.watch.hints(target)

    def view(self) -> UsualView:
        """For the status."""
        return self.watch.view()

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node."""
        yield "usual calls", self._keeper.look_on
        yield "usual calls kept", self._keeper.keep
