"""GET status, and waiting for it to change."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from ringfence.app.operator import Operator
from ringfence.web.closing import ended_by_the_door
from ringfence.web.errors import declared
from ringfence.web.status_models import StatusOut
from ringfence.web.status_view import status_out, version_of

MAX_WAIT_SECONDS: Final = 60.0


def routes(operator: Operator) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get("/status", responses=declared(), operation_id="status")
    async def status() -> StatusOut:
        """Scopes with mode, verdict and evidence; targets; the table; links; overrides."""
        return status_out(operator.status())

    @router.get("/status/changes", responses=declared(), operation_id="status_changes")
    async def changes(
        request: Request,
        after: Annotated[str, Query(max_length=32, description="the `version` you have; empty: answer at once")] = "",
        timeout_seconds: Annotated[float, Query(ge=0.1, le=MAX_WAIT_SECONDS)] = 25.0,
    ) -> StatusOut:
        """Answers as soon as the status is not `after` any more, or with the same one when the time is over."""
        await _differs(request, operator, after, timeout_seconds)
        return status_out(operator.status())

    return router


async def _differs(request: Request, operator: Operator, after: str, timeout_seconds: float) -> None:
    snapshot = operator.status()
    try:
        async with asyncio.timeout(timeout_seconds) as wait:
            with ended_by_the_door(request, wait):
                # Looking refreshes the snapshot and so wakes whoever waits. Those who were woken therefore compare
                # what they were given and never look again themselves, or two would wake each other for ever.
                while version_of(snapshot) == after:
                    snapshot = await operator.changed()
    except TimeoutError:
        return
