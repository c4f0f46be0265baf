"""The outbox in memory, as far as the doors show it. What it does on a file is tested on a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ringfence.app.notify.ports import (
    Delivery,
    DeliveryState,
    DeliveryView,
    Escalation,
    NoticeQuery,
    NoticeView,
    OutboxLevel,
    ToTell,
    Untold,
)
from tests.fakes.stores import Faulty


class FakeNoticeStore(Faulty):
    """Implements `notify.ports.NoticeStore`. Nothing is ever due: a test sees what was put in."""

    def __init__(self) -> None:
        self.views: list[NoticeView] = []
        self.untold_rows: list[Untold] = []
        self.told: list[int] = []
        self.audited: list[tuple[int, str, str]] = []

    async def add(self, told: Sequence[ToTell], at: datetime) -> None:
        self._answer()
        for one in told:
            if any(view.notice.key == one.notice.key for view in self.views):
                continue
            ways = tuple(
                DeliveryView(route, DeliveryState.WAITING, 0, at, at, None, "", "") for route in sorted(one.routes)
            )
            self.views.append(NoticeView(len(self.views) + 1, one.notice, at, None, "", ways))

    async def untold(self, limit: int) -> list[Untold]:
        self._answer()
        return [row for row in self.untold_rows if row.id not in self.told][:limit]

    async def tell(self, told: Mapping[int, ToTell | None], at: datetime) -> None:
        await self.add([one for one in told.values() if one is not None], at)
        self.told += told

    async def due(self, route: str, at: datetime, only_critical: bool, limit: int) -> list[Delivery]:
        self._answer()
        return []

    async def next_due(self, route: str) -> datetime | None:
        self._answer()
        return None

    async def begin(self, delivery: str, at: datetime, next_at: datetime) -> None:
        self._answer()

    async def sent(self, delivery: str, at: datetime, said: str) -> None:
        self._answer()

    async def failed(self, delivery: str, state: DeliveryState, next_at: datetime, said: str, refused: bool) -> None:
        self._answer()

    async def sum_up(self, at: datetime) -> int:
        self._answer()
        return 0

    async def escalate(self, rules: Collection[Escalation], at: datetime) -> int:
        self._answer()
        return 0

    async def acknowledge(self, notice: int, who: str, at: datetime, by: str = "") -> NoticeView | None:
        self._answer()
        if not 1 <= notice <= len(self.views):
            return None
        view = self.views[notice - 1]
        if view.acknowledged_at is None:
            self.views[notice - 1] = replace(view, acknowledged_at=at, acknowledged_by=who)
            self.audited.append((notice, who, by))
        return self.views[notice - 1]

    async def acknowledge_key(self, key: str, who: str, at: datetime) -> None:
        self._answer()
        for view in [view for view in self.views if view.notice.key == key]:
            await self.acknowledge(view.id, who, at)

    async def listed(self, query: NoticeQuery) -> list[NoticeView]:
        self._answer()
        found = [
            view
            for view in reversed(self.views)
            if (query.before is None or view.id < query.before)
            and query.kind in (None, view.notice.kind)
            and query.severity in (None, view.notice.severity)
            and query.scope in (None, view.notice.scope)
            and not (query.unacknowledged and view.acknowledged_at is not None)
            and (query.route is None or any(way.route == query.route for way in view.deliveries))
            and (query.state is None or any(way.state is query.state for way in view.deliveries))
        ]
        return found[: query.limit]

    async def levels(self, failed_since: datetime) -> dict[str, OutboxLevel]:
        self._answer()
        routes = [way.route for view in self.views for way in view.deliveries]
        return {route: OutboxLevel(routes.count(route), min(v.stored_at for v in self.views)) for route in routes}

    async def give_up_all_but(self, routes: Collection[str], before: datetime) -> int:
        self._answer()
        return 0

    async def prune(self, before: datetime) -> int:
        self._answer()
        return 0
