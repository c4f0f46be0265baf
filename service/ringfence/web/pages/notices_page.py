"""`/notices`: who was told what by which route, and what still waits; the test button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.notify.desk import NoticeDesk
from ringfence.app.notify.ports import DeliveryState, NoticeQuery, OutboxLevel
from ringfence.app.operator import NotOurs
from ringfence.domain.access import Caller, Permission
from ringfence.domain.notice import NoticeKind, Severity
from ringfence.web.callers import caller
from ringfence.web.notice_api import MAX_ID
from ringfence.web.notice_models import TestOut, notice_out, route_out
from ringfence.web.noting import Noting
from ringfence.web.pages import record_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router

ROWS: Final = 50

Sent = Annotated[FormData, Depends(sent)]


def routes(frame: Frame, desk: NoticeDesk, noting: Noting) -> APIRouter:
    router = page_router(frame)

    async def shown(query: NoticeQuery, asking: Caller, tested: TestOut | None = None) -> Mapping[str, Any]:
        """Of the caller, what they may do alone: it is shown to all who may."""
        found = [notice_out(view) for view in await desk.notifier.listed(query)]
        levels = desk.notifier.levels
        return {
            "notices": found[:ROWS],
            "older": found[ROWS - 1].id if len(found) > ROWS else None,
            "query": query,
            "routes": [route_out(worker, levels.get(worker.route.name, OutboxLevel())) for worker in desk.workers],
            "tested": tested,
            "words": record_words,
            "may_acknowledge": asking.may(Permission.INCIDENTS),
            "may_test": asking.may(Permission.MANAGE),
        }

    @router.get("/notices", operation_id="page_notices")
    async def notices(
        request: Request,
        kind: Annotated[NoticeKind | Literal[""], Query()] = "",
        severity: Annotated[Severity | Literal[""], Query()] = "",
        state: Annotated[DeliveryState | Literal[""], Query()] = "",
        open_: Annotated[Literal["", "true"], Query(alias="open")] = "",
        before: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    ) -> Response:
        """Every route with what waits for it, and the notices, newest first; with `open` only those nobody has
        acknowledged."""
        query = NoticeQuery(
            ROWS + 1, before, kind or None, severity or None, state=state or None, unacknowledged=bool(open_)
        )
        return await frame.shared(request, "notices.html", lambda: shown(query, caller(request)))

    @router.post("/notices/test", operation_id="page_notice_test")
    async def test(request: Request, form: Sent) -> Response:
        """Sends a test by one route now, and shows what the channel said."""
        route = texts_of(form).get("route", "")
        said = await noting.tested(caller(request), desk.notifier, route)
        return frame.page(request, "notices.html", **await shown(NoticeQuery(ROWS + 1), caller(request), said))

    @router.post("/notices/{id}/acknowledge", operation_id="page_notice_acknowledge")
    async def acknowledge(
        request: Request, id_: Annotated[int, Path(alias="id", ge=1, le=MAX_ID)], form: Sent
    ) -> Response:
        """Somebody sees to it."""
        asking = caller(request)
        if await desk.notifier.acknowledge(id_, asking.name, asking.by.value) is None:
            raise NotOurs(f"There is no notice {id_}.", "Look at the list again.", "id")
        return back_to("/notices", "acknowledged")

    return router
