"""What people ask for that leaves no row of its own in the audit record: who asked is noted here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ringfence.app.audit import Auditor
from ringfence.app.notifier import Notifier
from ringfence.app.notify.ports import ChannelError
from ringfence.app.ports import StoreError
from ringfence.domain.access import Caller
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.web.notice_models import TestOut

log = logging.getLogger(__name__)

ALL_SOURCES: Final = "all sources"


class Noting:
    """`auditor` None: there is no record, and nothing is noted."""

    def __init__(self, auditor: Auditor | None, now: Callable[[], datetime]) -> None:
        self._auditor = auditor
        self._now = now

    async def sync_asked(self, asking: Caller, source: str | None, dry_run: bool) -> None:
        """Before it is read. Raises StoreError."""
        about = ALL_SOURCES if source is None else f"source {source}"
        await self._note(asking, AuditKind.HR, "dry run asked for" if dry_run else "sync asked for", about)

    async def tested(self, asking: Caller, notifier: Notifier, route: str) -> TestOut:
        """Sends a test by one route now. It is noted afterwards, and not where the record cannot be written: it is
        then that a route is tried. Raises NotOurs."""
        try:
            done = TestOut(route=route, taken=True, said=await notifier.test(route, asking.name))
        except ChannelError as error:
            done = TestOut(route=route, taken=False, said=str(error))
        action = "test sent" if done.taken else "test failed"
        try:
            await self._note(asking, AuditKind.NOTIFICATION, action, f"route {route}")
        except StoreError as error:
            log.error("a test could not be noted", extra={"route": route, "reason": str(error)})
        return done

    async def _note(self, asking: Caller, kind: AuditKind, action: str, about: str) -> None:
        if self._auditor is not None:
            await self._auditor.note(AuditFact(self._now(), kind, action, about, asking.name, by=asking.by))
