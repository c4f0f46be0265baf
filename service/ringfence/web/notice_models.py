"""Notices as JSON."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from ringfence.app.notify.ports import DeliveryState, DeliveryView, NoticeView, OutboxLevel
from ringfence.app.notify.worker import OutboxWorker
from ringfence.domain.notice import NoticeKind, Severity


class DeliveryOut(BaseModel):
    """What became of a notice on one route."""

    route: str
    state: DeliveryState
    tries: int
    created_at: datetime
    next_at: datetime | None = Field(description="when it is tried next, while it waits")
    sent_at: datetime | None
    said: str = Field(description="the receiver's own words, or why it failed")
    escalated_from: str = Field(description="the route on which nobody acknowledged it; empty: it came here directly")


class NoticeOut(BaseModel):
    """One notice."""

    id: int
    key: str = Field(description="the same for the same event, however often it is told")
    kind: NoticeKind
    severity: Severity
    scope: str = Field(description="the platform it is about; empty: none")
    at: datetime
    title: str
    text: str
    stored_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    deliveries: list[DeliveryOut]


class NoticesOut(BaseModel):
    """Newest first."""

    notices: list[NoticeOut]
    next: int | None = Field(description="`before` of the next page; null: there are no older ones")


class RouteOut(BaseModel):
    """One configured way of telling people."""

    name: str
    waiting: int
    oldest: datetime | None = Field(description="since when the oldest of them waits")
    failed: int = Field(description="given up, of the last day")
    failing: str = Field(description="why the last attempt failed; empty: it did not")
    escalate_to: str


class RoutesOut(BaseModel):
    """All of them, in the order of the configuration."""

    routes: list[RouteOut]


class TestIn(BaseModel):
    """Which route to try."""

    __test__ = False  # it is no test of pytest's

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"route": "desk"}]})

    route: str = Field(max_length=64, description="its name, as in `[[notify]]`")


class TestOut(BaseModel):
    """What the channel said."""

    __test__ = False

    route: str
    taken: bool
    said: str = Field(description="the channel's own words")


def notice_out(view: NoticeView) -> NoticeOut:
    notice = view.notice
    return NoticeOut(
        id=view.id,
        key=notice.key,
        kind=notice.kind,
        severity=notice.severity,
        scope=notice.scope,
        at=notice.at,
        title=notice.title,
        text=notice.text,
        stored_at=view.stored_at,
        acknowledged_at=view.acknowledged_at,
        acknowledged_by=view.acknowledged_by,
        deliveries=[_delivery(one) for one in view.deliveries],
    )


def route_out(worker: OutboxWorker, level: OutboxLevel) -> RouteOut:
    return RouteOut(
        name=worker.route.name,
        waiting=level.waiting,
        oldest=level.oldest,
        failed=level.failed,
        failing=worker.failing,
        escalate_to=worker.route.escalate_to,
    )


def _delivery(view: DeliveryView) -> DeliveryOut:
    return DeliveryOut(
        route=view.route,
        state=view.state,
        tries=view.tries,
        created_at=view.created_at,
        next_at=view.next_at,
        sent_at=view.sent_at,
        said=view.said,
        escalated_from=view.escalated_from,
    )
