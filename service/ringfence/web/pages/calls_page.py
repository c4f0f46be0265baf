"""`/calls`: calls as they are routed, each with why it went there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from ringfence.web.order_models import MAX_DID_CHARACTERS
from ringfence.web.pages.call_words import RESULTS, line_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_form import read_did
from ringfence.web.pages.page_route import page_router
from ringfence.web.ports import Services

ROWS: Final = 50
MAX_LOOKED_AT: Final = 1_000  # of the newest calls: older ones are for an export
MAX_PAGE: Final = MAX_LOOKED_AT // ROWS


def routes(frame: Frame, services: Services, default_country: str) -> APIRouter:
    router = page_router(frame)
    operator = services.operator

    @router.get("/calls", operation_id="page_calls")
    async def calls(
        request: Request,
        did: Annotated[str, Query(max_length=MAX_DID_CHARACTERS)] = "",
        outcome: Annotated[str, Query(max_length=16)] = "",
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    ) -> Response:
        """The newest calls, filtered by DID and outcome."""
        number = read_did(did, default_country) if did.strip() else None
        wanted = outcome if outcome in RESULTS else ""

        async def context() -> Mapping[str, Any]:
            limit = MAX_LOOKED_AT if wanted else min(MAX_LOOKED_AT, page * ROWS + 1)
            records = [r for r in await operator.calls(limit, number) if wanted in ("", r.result)]
            first = (page - 1) * ROWS
            return {
                "calls": [line_of(record) for record in records[first : first + ROWS]],
                "more": len(records) > first + ROWS and page < MAX_PAGE,
                "page": page,
                "did": number or "",
                "outcome": wanted,
                "outcomes": RESULTS,
            }

        return await frame.shared(request, "calls.html", context, operator.calls_seen)

    return router
