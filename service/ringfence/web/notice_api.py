"""What people were told, by which routes, and what still waits; the test button."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request

from ringfence.app.notify.desk import NoticeDesk
from ringfence.app.notify.ports import DeliveryState, NoticeQuery, OutboxLevel
from ringfence.app.operator import NotOurs
from ringfence.domain.access import Caller
from ringfence.domain.notice import NoticeKind, Severity
from ringfence.web.errors import declared
from ringfence.web.notice_models import (
    NoticeOut,
    NoticesOut,
    RoutesOut,
    TestIn,
    TestOut,
    notice_out,
    route_out,
)
from ringfence.web.noting import Noting
from ringfence.web.security import caller

MAX_ID: Final = 2**63 - 1
MAX_PAGE: Final = 500

NoticeId = Annotated[int, Path(ge=1, le=MAX_ID, description="the notice's number")]


async def _asking(request: Request) -> Caller:
    return caller(request)


Asking = Annotated[Caller, Depends(_asking)]


def routes(desk: NoticeDesk, noting: Noting) -> APIRouter:
    router = APIRouter(tags=["notices"])

    @router.get("/notices", responses=declared(503), operation_id="notices")
    async def notices(
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="at most so many")] = 100,
        before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="only older than this number")] = None,
        kind: Annotated[NoticeKind | None, Query(description="only of this kind")] = None,
        severity: Annotated[Severity | None, Query(description="only so loud")] = None,
        scope: Annotated[str | None, Query(max_length=64, description="only about this platform")] = None,
        route: Annotated[str | None, Query(max_length=64, description="only for this route")] = None,
        state: Annotated[DeliveryState | None, Query(description="only with a delivery in this state")] = None,
        unacknowledged: Annotated[bool, Query(description="only those nobody has acknowledged")] = False,
    ) -> NoticesOut:
        """What people were told and are to be told, newest first, each with what became of it on every route."""
        query = NoticeQuery(limit, before, kind, severity, scope, route, state, unacknowledged)
        found = [notice_out(view) for view in await desk.notifier.listed(query)]
        return NoticesOut(notices=found, next=found[-1].id if len(found) == limit else None)

    @router.get("/notices/routes", responses=declared(), operation_id="notice_routes")
    async def notice_routes() -> RoutesOut:
        """Every configured route, how much waits for it, and whether it works."""
        levels = desk.notifier.levels
        return RoutesOut(
            routes=[route_out(worker, levels.get(worker.route.name, OutboxLevel())) for worker in desk.workers]
        )

    @router.post("/notices/test", responses=declared(404), operation_id="test_notice")
    async def test_notice(order: TestIn, asking: Asking) -> TestOut:
        """Sends a test by one route now, past the outbox, and answers what the channel said."""
        return await noting.tested(asking, desk.notifier, order.route)

    @router.post("/notices/{id}/acknowledge", responses=declared(404, 503), operation_id="acknowledge_notice")
    async def acknowledge_notice(id: NoticeId, asking: Asking) -> NoticeOut:
        """Somebody sees to it: a critical notice escalates no further. Repeating it changes nothing."""
        view = await desk.notifier.acknowledge(id, asking.name, asking.by.value)
        if view is None:
            raise NotOurs(f"There is no notice {id}.", "`ringfence notify list` names them.", "id")
        return notice_out(view)

    return router
