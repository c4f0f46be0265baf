"""HR sources: how old each is, reading them now, what is held of them, and a person's decision about it."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request

from ringfence.app.operator import OrderRefused, check_words
from ringfence.domain.hr.guard import Category
from ringfence.web.errors import Conflict, declared
from ringfence.web.hr_models import (
    MAX_ITEMS,
    MAX_NAME_CHARACTERS,
    ConflictOut,
    ConflictsOut,
    DecisionOrder,
    HeldPlanOut,
    HeldPlansOut,
    ReadingOut,
    RunsOut,
    SourcesOut,
    SyncDone,
    SyncOrder,
    UnknownDidOut,
)
from ringfence.web.hr_view import plan_out, run_out, synced_out
from ringfence.web.noting import Noting
from ringfence.web.paging import BeforeText, Limit, asked_page, next_text
from ringfence.web.ports import RosterDoor
from ringfence.web.roster_view import source_out
from ringfence.web.security import caller
from ringfence.web.security import who as stated_who

Who = Annotated[str, Depends(stated_who)]
Source = Annotated[str | None, Query(max_length=MAX_NAME_CHARACTERS, description="only this source")]
PlanId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def routes(door: RosterDoor, noting: Noting) -> APIRouter:
    router = APIRouter(tags=["hr"], prefix="/hr")
    _sources(router, door, noting)
    _plans(router, door)
    return router


def _sources(router: APIRouter, door: RosterDoor, noting: Noting) -> None:
    @router.get("/sources", responses=declared(503), operation_id="hr_sources")
    async def sources() -> SourcesOut:
        """Every HR source with its age, its fault, and how much of it is held."""
        reading = door.reading
        return SourcesOut(
            sources=[source_out(view) for view in door.desk.sources()],
            reading=ReadingOut(rows_done=reading.rows_done, rows_in_all=reading.rows_in_all) if reading.busy else None,
        )

    @router.post("/sync", responses=declared(404, 409, 413, 503), operation_id="hr_sync")
    async def sync(order: SyncOrder, request: Request) -> SyncDone:
        """Read one source now, or all of them. Answers when it is done; `reading` of the sources tells how far it is.
        A dry run shows what would change and stores nothing."""
        if door.reading.busy:
            raise Conflict("source", "a sync is running", "Wait for its end: see `ringfence hr sources`.")
        door.reading.begin()
        try:
            await noting.sync_asked(caller(request), order.source, order.dry_run)
            done = await door.sync.sync(order.source, dry_run=order.dry_run, progress=door.reading.tell)
        finally:
            door.reading.end()
        return SyncDone(dry_run=order.dry_run, runs=[synced_out(one) for one in done])

    @router.get("/runs", responses=declared(503), operation_id="hr_runs")
    async def runs(limit: Limit = 100, source: Source = None, before: BeforeText = None) -> RunsOut:
        """What every source brought, newest first."""
        page = await asked_page(
            lambda rows, begin: door.desk.runs(rows, source, begin), limit, before, attrgetter("at")
        )
        return RunsOut(runs=[run_out(run) for run in page.rows], next=next_text(page))

    @router.get("/conflicts", responses=declared(503), operation_id="hr_conflicts")
    async def conflicts() -> ConflictsOut:
        """DIDs that two people claim with equal right, and DIDs that somebody claims and nobody has imported. Enter the
        owner by hand to end the one; import the DID, or correct the source, to end the other."""
        found = [ConflictOut(did=c.did, holder=c.holder, claimants=list(c.claimants)) for c in door.desk.conflicts()]
        unknown = [UnknownDidOut(did=did, person=person) for person, did in door.desk.unknown_dids()[:MAX_ITEMS]]
        return ConflictsOut(conflicts=found, unknown_dids=unknown)


def _plans(router: APIRouter, door: RosterDoor) -> None:
    @router.get("/plans", responses=declared(503), operation_id="hr_plans")
    async def plans(
        limit: Limit = 100,
        closed: Annotated[Literal["true"] | None, Query(description="also those that are closed")] = None,
        before: BeforeText = None,
    ) -> HeldPlansOut:
        """What is held of each source, newest first."""
        page = await asked_page(
            lambda rows, begin: door.desk.plans(rows, only_open=closed is None, before=begin),
            limit,
            before,
            lambda view: view.row.opened_at,
        )
        return HeldPlansOut(plans=[plan_out(view, with_items=False) for view in page.rows], next=next_text(page))

    @router.get("/plans/{id}", responses=declared(404, 503), operation_id="hr_plan")
    async def plan(
        id_: Annotated[PlanId, Path(alias="id")],
        category: Annotated[Category | None, Query(description="show its items alone")] = None,
    ) -> HeldPlanOut:
        """One held plan with its items."""
        return plan_out(await door.desk.plan(id_), with_items=True, category=category)

    @router.post("/plans/{id}/decision", responses=declared(404, 409, 413, 503), operation_id="decide_hr_plan")
    async def decide(id_: Annotated[PlanId, Path(alias="id")], order: DecisionOrder, who: Who) -> HeldPlanOut:
        """Approve or reject a held plan or a part of it. What was decided is routed by when this answers. The rest
        stays open as a plan of its own, `superseded_by`."""
        check_words(who, order.reason)
        items = await _chosen(id_, order, door)
        done = await door.desk.decide(id_, order.approve, who, order.reason, items, order.fingerprint)
        return plan_out(done, with_items=True)


async def _chosen(id_: int, order: DecisionOrder, door: RosterDoor) -> frozenset[str] | None:
    """The items that are meant; None: all. Raises OrderRefused when that is none."""
    if order.items is None and order.categories is None:
        return None
    chosen = set(order.items or ())
    if order.categories:
        view = await door.desk.plan(id_)
        chosen |= {item.id for item in view.items if item.category in order.categories}
    if not chosen:
        raise OrderRefused(
            "items", "no item is chosen", "Name items or categories of this plan; see `ringfence hr plan`."
        )
    return frozenset(chosen)
