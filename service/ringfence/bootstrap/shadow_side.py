"""Shadow mode, wired: what it notes and reports, and the order in which a node goes live after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from ringfence.app.mode_publisher import RETRY_SECONDS, ModePublisher
from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageStore
from ringfence.app.publisher import TablePublisher, TableState
from ringfence.app.shadow import MODES, ShadowWatch, settled
from ringfence.app.shadow_report import ShadowDesk
from ringfence.app.snapshot import Snapshot
from ringfence.app.supervisor import Part
from ringfence.app.table_keeper import TableKeeper
from ringfence.asterisk.site_rules import rules_of
from ringfence.config import Settings
from ringfence.config.snippets import site_dialplan
from ringfence.domain.health import TargetId
from ringfence.domain.records import SHADOW_MARK
from ringfence.domain.verdict import Verdict
from ringfence.store.database import Database
from ringfence.store.shadow_store import SqlShadowStore

log = logging.getLogger(__name__)

TABLE_FIRST_SECONDS: Final = 120.0
"""Without a table for longer, whatever keeps it away, the last one in Asterisk has to do."""


class ShadowSide:
    """Wired, not yet running."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        keeper: TableKeeper,
        modes: ModePublisher,
        history: OutageStore,
        verdicts: Callable[[], Mapping[TargetId, Verdict]],
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self._settings = settings
        self._clock = clock
        store = SqlShadowStore(database)
        self.watch = ShadowWatch(
            settings.shadow,
            store,
            clock,
            cache(lambda: rules_of(site_dialplan(settings))),
            lambda: keeper.table,
            modes.wanted,
            verdicts,
            settings.keep_calls_days,
        )
        trunks = [trunk.name for trunk in settings.trunk]
        self.desk = ShadowDesk(settings.shadow, store, history, clock, snapshot, trunks)

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node."""
        yield "shadow", self.watch.run

    async def table_first(self, astdb: AstDb, publisher: TablePublisher) -> None:
        """After a time in shadow mode: returns when Asterisk holds the whole table, so that no mode moves a call by an
        old record. At once where no mode is a shadow's."""
        if self._settings.shadow or not await self._was_shadow(astdb):
            return
        log.warning("going live: the table is published first, then the modes")
        done = (TableState.EQUAL, TableState.DIFFERS)
        if not await settled(lambda: publisher.view.state, done, self._clock, TABLE_FIRST_SECONDS):
            log.error("going live without a verified table", extra={"state": publisher.view.state})

    async def _was_shadow(self, astdb: AstDb) -> bool:
        while True:
            try:
                held = [await astdb.get(f"{MODES}{platform.name}") for platform in self._settings.platform]
            except AsteriskError:
                await self._clock.sleep(RETRY_SECONDS)
                continue
            return any(text is not None and text.endswith(f"|{SHADOW_MARK}") for text in held)
