"""For supervisors and monitoring: is the process alive, is the node ready, how is it doing. Without a token, the last
only near by (`near.py`)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from starlette.responses import JSONResponse, Response

from ringfence.app.operator import Operator
from ringfence.web.errors import HOST_REFUSED, declared
from ringfence.web.metrics import CONTENT_TYPE
from ringfence.web.status_models import AliveOut, ReadyOut
from ringfence.web.status_view import not_ready_because

_NOT_READY = {503: {"model": ReadyOut, "description": "Not ready; `reasons` says why."}, **HOST_REFUSED}
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    **{status: declared()[status] for status in (400, 401, 403)},
}


def routes(operator: Operator, registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", operation_id="healthz", responses=HOST_REFUSED)
    async def healthz() -> AliveOut:
        """The process is alive and its loop turns. Nothing is said about Asterisk."""
        return AliveOut(alive=True)

    @router.get("/readyz", operation_id="readyz", response_model=ReadyOut, responses=_NOT_READY)
    async def readyz() -> JSONResponse:
        """200 once Asterisk is connected, every mode is published and the table is verified; else 503."""
        reasons = not_ready_because(operator.status())
        body = ReadyOut(ready=not reasons, reasons=reasons)
        return JSONResponse(body.model_dump(), 503 if reasons else 200)

    @router.get("/metrics", operation_id="metrics", response_class=Response, responses=_TEXT)
    async def metrics() -> Response:
        """Prometheus text format. No telephone number and no person's name is ever a label. Needs a token with the
        permission to see, but not from this machine and from where the configuration says."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return router
