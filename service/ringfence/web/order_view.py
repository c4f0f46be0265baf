"""Orders as JSON."""

from __future__ import annotations

from ringfence.app.override_desk import OverrideDesk
from ringfence.app.second_person import PendingOrder
from ringfence.web.order_models import PendingOut


def pending_out(pending: PendingOrder, desk: OverrideDesk) -> PendingOut:
    order, target = pending.order, pending.order.target
    return PendingOut(
        id=pending.id,
        mode=order.kind,
        about=target.words,
        scope=target.scope,
        site=target.site,
        team=target.team,
        dids=list(target.listed),
        who=pending.who,
        reason=order.why,
        asked_at=pending.asked_at,
        alone_from=desk.alone_from(pending),
        expires_at=desk.expires_at(pending),
        until=order.until,
        for_seconds=None if order.lasts is None else order.lasts.total_seconds(),
    )
