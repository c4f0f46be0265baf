"""Orders that wait for a second person as JSON: in their own table, and beside the key that asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ringfence.app.second_person import PendingOrder, WordOrder
from ringfence.domain.access import SignedInBy
from ringfence.domain.override import OverrideKind
from ringfence.store.override_json import aware, read_target, target_json


def pending_json(pending: PendingOrder) -> dict[str, Any]:
    """All of it."""
    return {
        "id": pending.id,
        "asked_at": pending.asked_at.isoformat(),
        "who": pending.who,
        "order": order_json(pending),
    }


def order_json(pending: PendingOrder) -> dict[str, Any]:
    """What has no column of its own."""
    order = pending.order
    return {
        "kind": order.kind,
        "target": target_json(order.target),
        "why": order.why,
        "until": None if order.until is None else order.until.isoformat(),
        "lasts": None if order.lasts is None else order.lasts.total_seconds(),
        "expected": order.expected,
        "by": pending.by,
        "session": pending.session,
        "person": pending.person,
    }


def read_pending(raw: Mapping[str, Any]) -> PendingOrder:
    """Of `pending_json`, or of a row. Raises what a text that is none of ours raises."""
    rest, asked_at = raw["order"], raw["asked_at"]
    order = WordOrder(
        kind=OverrideKind(rest["kind"]),
        target=read_target(rest["target"]),
        why=str(rest["why"]),
        until=None if rest["until"] is None else aware(rest["until"]),
        lasts=None if rest["lasts"] is None else timedelta(seconds=rest["lasts"]),
        expected=rest["expected"],
    )
    return PendingOrder(
        id=raw["id"],
        order=order,
        who=raw["who"],
        by=SignedInBy(rest["by"]),
        session=rest["session"],
        person=rest["person"],
        asked_at=aware(asked_at) if isinstance(asked_at, str) else asked_at,
    )
