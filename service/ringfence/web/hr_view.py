"""From the roster's views of sources, runs and plans to what doors show."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.app.hr.ports import HrRun
from ringfence.app.hr.views import PlanView, Rehearsal
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.items import HeldItem
from ringfence.web.hr_models import MAX_ITEMS, HeldPlanOut, ItemOut, RunOut, SyncedOut


def run_out(run: HrRun) -> RunOut:
    return RunOut(
        id=run.id,
        source=run.source,
        at=run.at,
        outcome=run.outcome,
        label=run.label,
        rows=run.rows,
        rejected=run.rejected,
        leavers=run.leavers,
        accepted=dict(run.accepted),
        held=dict(run.held),
        detail=run.detail,
        plan=run.plan,
    )


def synced_out(done: HrRun | Rehearsal) -> SyncedOut:
    if isinstance(done, HrRun):
        return SyncedOut(run=run_out(done), items=[], items_left_off=0, lines=[], lines_left_off=0)
    return SyncedOut(
        run=run_out(done.run),
        items=_items(done.held),
        items_left_off=max(0, len(done.held) - MAX_ITEMS),
        lines=list(done.lines),
        lines_left_off=done.more_lines,
    )


def plan_out(view: PlanView, *, with_items: bool, category: Category | None = None) -> HeldPlanOut:
    """`category`: its items alone, so that each of very many can be seen."""
    row = view.row
    shown = [item for item in view.items if category in (None, item.category)] if with_items else []
    return HeldPlanOut(
        id=row.id,
        source=row.source,
        opened_at=row.opened_at,
        first_load=row.first_load,
        status=row.status,
        closed_at=row.closed_at,
        who=row.who,
        reason=row.why,
        superseded_by=row.superseded_by,
        summary=row.summary,
        counts=dict(view.counts),
        fingerprint=view.fingerprint,
        items=_items(shown),
        items_left_off=max(0, len(shown) - MAX_ITEMS) + view.left_off if with_items else 0,
        lines=list(row.lines) if with_items else [],
    )


def _items(items: Sequence[HeldItem]) -> list[ItemOut]:
    return [
        ItemOut(id=item.id, category=item.category, person=item.person, name=item.name, lines=list(item.lines))
        for item in items[:MAX_ITEMS]
    ]
