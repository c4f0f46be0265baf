"""The age of each source: what is shown of it, and the events when it is late and when it is read again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.views import SourceSpec, SourceView

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0


class SourceWatch:
    """Looks at the configured sources once a minute."""

    def __init__(self, book: RosterBook, sources: Sequence[SourceSpec]) -> None:
        self._book = book
        self._specs = tuple(sources)
        self._late: set[str] = set()

    async def run(self) -> None:
        """Logs each edge once."""
        await self._book.loaded.wait()
        while True:
            for view in self.views():
                self._tell(view)
            await self._book.clock.sleep(LOOK_SECONDS)

    def views(self) -> tuple[SourceView, ...]:
        """In the configuration's order. Cheap."""
        now = self._book.now()
        return tuple(self._view(spec, now) for spec in self._specs)

    def _view(self, spec: SourceSpec, now: datetime) -> SourceView:
        book = self._book
        state, plan, index = book.state(spec.name), book.open_plans.get(spec.name), book.indexes.get(spec.name)
        good = max((at for at in (state.succeeded_at, spec.heard_at()) if at is not None), default=None)
        # One that was never read is late when it had the time to be.
        since = good or book.loaded_at
        return SourceView(
            name=spec.name,
            kind=spec.kind,
            loaded=state.loaded,
            last_good=good,
            age_seconds=None if good is None else max(0.0, (now - good).total_seconds()),
            late=since is not None and now - since > spec.late_after,
            fault=state.fault,
            records=0 if index is None else len(index.posts),
            held=0 if index is None else len(index.held),
            open_plan=None if plan is None else plan.id,
        )

    def _tell(self, view: SourceView) -> None:
        if view.late and view.name not in self._late:
            self._late.add(view.name)
            age = None if view.age_seconds is None else round(view.age_seconds)
            log.error("hr source is late", extra={"source": view.name, "age_seconds": age, "reason": view.fault})
        elif not view.late and view.name in self._late:
            self._late.discard(view.name)
            log.info("hr source is in time again", extra={"source": view.name})
