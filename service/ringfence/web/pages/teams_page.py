"""`/teams`: the team lines, who is in them, and whether enough of them can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.requests import Request

from ringfence.app.operator import Operator
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.teams_api import team_out


def routes(frame: Frame, operator: Operator) -> APIRouter:
    router = page_router(frame)

    @router.get("/teams", operation_id="page_teams")
    async def teams(request: Request) -> Response:
        """Every team line by name, those below their floor marked."""

        async def context() -> Mapping[str, Any]:
            return {"teams": [team_out(view) for view in await operator.teams()]}

        return await frame.shared(request, "teams.html", context)

    return router
