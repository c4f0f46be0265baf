"""`/plans`: what HR said and was held, and a person's decision about it. `/sources`: how old what HR says is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.operator import OrderRefused, check_words
from ringfence.domain.access import Permission
from ringfence.web.callers import caller
from ringfence.web.hr_view import plan_out, run_out
from ringfence.web.pages import people_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import all_of, sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.ports import RosterDoor
from ringfence.web.roster_view import source_out

MAX_PLANS: Final = 100
MAX_RUNS: Final = 50
MAX_CONFLICTS: Final = 200

PlanId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def routes(frame: Frame, door: RosterDoor) -> APIRouter:
    router = page_router(frame)

    @router.get("/plans", operation_id="page_plans")
    async def plans(request: Request, closed: Annotated[Literal["", "true"], Query()] = "") -> Response:
        """What is held of each source; with `closed` also what was decided."""

        async def context() -> Mapping[str, Any]:
            found = await door.desk.plans(MAX_PLANS, only_open=not closed)
            shown = [plan_out(view, with_items=False) for view in found]
            return {"plans": shown, "closed": bool(closed), "words": people_words}

        return await frame.shared(request, "plans.html", context)

    @router.get("/plans/{id}", operation_id="page_plan")
    async def plan(request: Request, id_: Annotated[PlanId, Path(alias="id")]) -> Response:
        """One held plan, item by item."""
        view = plan_out(await door.desk.plan(id_), with_items=True)
        may_decide = caller(request).may(Permission.PLANS) and view.closed_at is None
        return frame.page(request, "plan.html", plan=view, may_decide=may_decide, words=people_words)

    @router.post("/plans/{id}", operation_id="page_plan_decide")
    async def decide(
        request: Request, id_: Annotated[PlanId, Path(alias="id")], form: Annotated[FormData, Depends(sent)]
    ) -> Response:
        """Approves or rejects the plan that was shown, or the items that were ticked."""
        texts, who = texts_of(form), caller(request).name
        reason = texts.get("reason", "").strip()
        check_words(who, reason)
        if texts.get("decision") not in ("approve", "reject"):
            raise OrderRefused("decision", "is neither approve nor reject", "Press one of the buttons.")
        approve = texts["decision"] == "approve"
        items = frozenset(all_of(form, "item"))
        if texts.get("part") == "some" and not items:
            raise OrderRefused("items", "no item is ticked", "Tick those you mean, or choose the whole plan.")
        chosen = items if texts.get("part") == "some" else None
        await door.desk.decide(id_, approve, who, reason, chosen, texts.get("fingerprint", ""))
        return back_to("/plans", "plan-approved" if approve else "plan-rejected")

    @router.get("/sources", operation_id="page_sources")
    async def sources(request: Request) -> Response:
        """Every HR source with its age and its last runs, and what the sources leave open."""

        async def context() -> Mapping[str, Any]:
            return {
                "sources": [source_out(view) for view in door.desk.sources()],
                "runs": [run_out(run) for run in await door.desk.runs(MAX_RUNS)],
                "conflicts": door.desk.conflicts()[:MAX_CONFLICTS],
                "unknown": door.desk.unknown_dids()[:MAX_CONFLICTS],
                "words": people_words,
            }

        return await frame.shared(request, "sources.html", context)

    return router
