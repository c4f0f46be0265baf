"""The HR side of the node: its sources opened, the roster's desk with its store, what is read and what pushes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from ringfence.app.coverage_watch import CoverageWatch
from ringfence.app.directory_import import DirectoryStore
from ringfence.app.failover import Failover
from ringfence.app.former_owners import FormerOwners
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.hr.ports import HrSource, SourceError
from ringfence.app.hr.sync import HrSync, Timetabled
from ringfence.app.hr.views import SourceSpec
from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.app.table_keeper import TableKeeper
from ringfence.bootstrap import values
from ringfence.config import Settings
from ringfence.domain.coverage import CoveragePolicy
from ringfence.domain.hr.field_mapping import MappingError
from ringfence.domain.hr.record import Batch
from ringfence.hr import open_source
from ringfence.hr.scim import ScimDoor, ScimSettings, read_token
from ringfence.store.database import Database
from ringfence.store.roster_store import SqlRosterStore
from ringfence.store.scim_store import SqlScimStore

log = logging.getLogger(__name__)

SCIM_PATH = "/scim"
"""Where the SCIM service is mounted; its own paths begin with /v2."""

MAX_UNTOLD = 20

# A source that answers whenever it is asked: that it has nothing new is a good run.
_QUIET_IS_GOOD = frozenset({"ldap", "json"})


class HrSide:
    """Wired, not yet running. Raises SourceError for a mapping that cannot work. A token that cannot be read closes the
    SCIM service and is told as the source's fault: failover must not wait for HR's secrets."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        directories: DirectoryStore,
        keeper: TableKeeper,
        clock: Clock,
        poke: Callable[[], None],
        failover: Callable[[], Failover],
    ) -> None:
        """`failover` is asked for later: it is made after this."""
        store = SqlRosterStore(database)
        pushing = next((source for source in settings.hr_source if isinstance(source, ScimSettings)), None)
        self._pushing = "" if pushing is None else pushing.name
        self._closed: SourceError | None = None
        self.scim = None if pushing is None else self._scim(pushing, settings, database, clock)
        specs = [
            SourceSpec(s.name, s.type, timedelta(hours=s.late_after_hours), self._heard_at if s is pushing else _never)
            for s in settings.hr_source
        ]
        numbers = [] if self.scim is None or pushing is None else [_PushedNumbers(pushing.name, self.scim)]
        policy, self._former_owners = values.roster_policy(settings), FormerOwners(failover)
        self.desk = RosterDesk(
            store, directories, keeper, clock, policy, specs, poke, numbers, self._former_owners.tell
        )
        read = [
            Timetabled(_opened(s, settings.default_country, clock), s.every_minutes * 60, s.type in _QUIET_IS_GOOD)
            for s in settings.hr_source
            if s is not pushing
        ]
        self.sync = HrSync(self.desk, read, clock)
        self.coverage = CoverageWatch(
            clock,
            lambda: keeper.directory,
            keeper.policy,  # with what its gate knows of each number
            store,
            settings.hr.coverage_target_percent,
            CoveragePolicy(settings.hr.confirmed_days, settings.hr.require_consent),
        )

    def parts(self) -> tuple[Part, ...]:
        """What runs for as long as the node, each by its name."""
        return (
            ("roster", self.desk.run),
            ("former owners", self._former_owners.run),
            ("hr sources", self.sync.run),
            ("pushed people", self.tell_what_was_pushed),
            ("coverage", self.coverage.run),
        )

    async def tell_what_was_pushed(self) -> None:
        """Once after the start: a crash may have come between storing what was pushed and taking it in. Raises
        StoreError; then it is to be called again."""
        await self.desk.wait_loaded()
        if self._closed is not None:
            await self.desk.failed(self._pushing, self._closed)
        if self.scim is not None:
            # Asked first: whoever is pushed in the meantime must not be missed.
            active = self.desk.active_ids(self._pushing)
            batch = await self.scim.keeper.everything()
            batch = replace(batch, gone=batch.gone | _deleted_untold(active, batch))
            if batch.records or batch.gone:
                try:
                    await self.desk.hear(batch, "all that was pushed", fresh=False)
                except SourceError as error:
                    await self.desk.failed(batch.source, error, "all that was pushed")
        await asyncio.Event().wait()

    def _scim(self, pushing: ScimSettings, settings: Settings, database: Database, clock: Clock) -> ScimDoor | None:
        store = SqlScimStore(database, pushing.name)
        try:
            token = read_token(pushing)
        except SourceError as error:
            log.error("the SCIM service stays closed", extra={"source": pushing.name, "reason": str(error)})
            self._closed = error
            return None
        try:
            return ScimDoor(pushing, store, self._take_in, token, clock, settings.default_country)
        except MappingError as error:
            raise _unusable(pushing.name, error) from error

    async def _take_in(self, batch: Batch) -> None:
        await self.desk.hear(batch)

    def _heard_at(self) -> datetime | None:
        return None if self.scim is None else self.scim.heard_at


class _PushedNumbers:
    """Implements `hr.ports.KeepsNumbers` for the SCIM service."""

    def __init__(self, source: str, door: ScimDoor) -> None:
        self.source = source
        self._door = door

    async def erase(self, ids: Collection[str], before: datetime) -> None:
        await self._door.keeper.erase_numbers(ids)


def _deleted_untold(active: frozenset[str], everything: Batch) -> frozenset[str]:
    """Who was deleted just before a crash. It can be one request's; where it is many, something else is wrong, and
    nobody is called a leaver for it."""
    stored = {record.id for record in everything.records} | {problem.id for problem in everything.rejected}
    missing = active - stored - everything.gone
    if len(missing) > MAX_UNTOLD:
        extra = {"source": everything.source, "people": len(missing)}
        log.error("people of the roster are not among those that were pushed, and nothing is made of it", extra=extra)
        return frozenset()
    return missing


def _never() -> datetime | None:
    return None


def _opened(source: object, default_country: str, clock: Clock) -> HrSource:
    try:
        return open_source(source, default_country, clock)
    except MappingError as error:
        raise _unusable(getattr(source, "name", ""), error) from error


def _unusable(name: str, error: MappingError) -> SourceError:
    return SourceError(f"hr_source {name!r}: fields.{error}.", "Correct the mapping; see `ringfence hr preview`.")
