"""`/`: where calls go now, why, and the big decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.requests import Request

from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.status_view import version_of


def routes(frame: Frame) -> APIRouter:
    router = page_router(frame)

    @router.get("/", operation_id="page_start")
    async def start(request: Request) -> Response:
        return await frame.shared(request, "start.html", version_of(frame.operator.status()), context)

    async def context() -> Mapping[str, Any]:
        return {}

    return router
