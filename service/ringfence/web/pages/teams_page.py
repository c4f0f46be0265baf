"""`/teams`: the team lines, who is in them, and whether enough of them can be reached; fifty at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from ringfence.app.operator import Operator
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.teams_api import team_out

ROWS: Final = 50
MAX_PAGE: Final = 1_000


def routes(frame: Frame, operator: Operator) -> APIRouter:
    router = page_router(frame)

    @router.get("/teams", operation_id="page_teams")
    async def teams(request: Request, page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1) -> Response:
        """Every team line by name, those below their floor first."""

        async def context() -> Mapping[str, Any]:
            found = sorted(await operator.teams(), key=lambda view: view.line.is_staffed)
            first = (page - 1) * ROWS
            shown = [team_out(view) for view in found[first : first + ROWS]]
            return {"teams": shown, "page": page, "more": len(found) > first + ROWS}

        return await frame.shared(request, "teams.html", context)

    return router
