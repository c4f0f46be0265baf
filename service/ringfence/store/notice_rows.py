"""Rows of the outbox and values of it; how a notice is added, and how a group becomes one notice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.notify.ports import (
    OVER,
    Delivery,
    DeliveryState,
    DeliveryView,
    NoticeView,
    ToTell,
    Untold,
    delivery_id,
)
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.notice_routes import GROUP_PASSES, GROUP_WINDOW
from ringfence.domain.notice_summary import summary
from ringfence.store.tables import fitting
from ringfence.store.tables_notices import deliveries, notices

NOTICE_COLUMNS: Final = tuple(
    notices.c[name].label(f"notice_{name}") for name in ("key", "kind", "severity", "at", "title", "text", "scope")
)


async def add(connection: AsyncConnection, told: ToTell, at: datetime) -> None:
    """Stores the notice with a delivery for each route that has none of it yet."""
    number = await _stored(connection, told.notice, at)
    if told.ends:
        await _acknowledge_what_ended(connection, told.notice, at)
    for route in told.routes:
        there = select(deliveries.c.id).where(deliveries.c.notice == number, deliveries.c.route == route)
        if (await connection.execute(there)).first() is None:
            group_ends = None if route in told.sent else await _group_ends(connection, told.notice, route, at)
            sent_at = told.sent.get(route)
            await deliver(connection, number, told.notice.key, route, at, group_ends=group_ends, sent_at=sent_at)


async def _acknowledge_what_ended(connection: AsyncConnection, notice: Notice, at: datetime) -> None:
    """Nobody is to be woken for an outage that is over."""
    ended = (
        (notices.c.scope == notice.scope)
        & notices.c.kind.in_([NoticeKind.MODE, NoticeKind.INCIDENT])
        & (notices.c.severity == Severity.CRITICAL)
        & (notices.c.at <= notice.at)
        & notices.c.acknowledged_at.is_(None)
    )
    await connection.execute(update(notices).where(ended).values(acknowledged_at=at, acknowledged_by=OVER))


async def _stored(connection: AsyncConnection, notice: Notice, at: datetime) -> int:
    """The number of the notice, which is stored unless its key is known."""
    values = fitting(notices, _values(notice) | {"stored_at": at, "acknowledged_by": ""})
    known = select(notices.c.id).where(notices.c.key == values["key"])
    number: int | None = (await connection.execute(known)).scalar_one_or_none()
    if number is None:
        added = await connection.execute(insert(notices).values(values))
        assert added.inserted_primary_key is not None
        number = int(added.inserted_primary_key[0])
    return number


async def deliver(
    connection: AsyncConnection,
    notice: int,
    key: str,
    route: str,
    at: datetime,
    group_ends: datetime | None = None,
    sent_at: datetime | None = None,
    escalated_from: str = "",
) -> None:
    waiting = DeliveryState.WAITING if group_ends is None else DeliveryState.GROUPED
    row = {
        "id": delivery_id(key, route),
        "notice": notice,
        "route": route,
        "state": waiting if sent_at is None else DeliveryState.SENT,
        "tries": 0 if sent_at is None else 1,
        "refusals": 0,
        "created_at": at,
        "next_at": group_ends or at,
        "first_tried_at": sent_at,
        "sent_at": sent_at,
        "said": "" if sent_at is None else "told while the outbox could not take it",
        "escalated_from": escalated_from,
    }
    await connection.execute(insert(deliveries).values(row))


async def _group_ends(connection: AsyncConnection, notice: Notice, route: str, at: datetime) -> datetime | None:
    """When the group that this notice joins becomes one; None: it goes out by itself."""
    alike = (
        select(deliveries.c.state, deliveries.c.next_at)
        .join(notices, notices.c.id == deliveries.c.notice)
        .where(
            deliveries.c.route == route,
            deliveries.c.created_at > at - GROUP_WINDOW,
            # A clock that was set back must not group with what seems to come.
            deliveries.c.created_at <= at,
            deliveries.c.escalated_from == "",
            notices.c.kind == notice.kind,
            notices.c.scope == notice.scope,
            notices.c.severity == notice.severity,
        )
    )
    found = (await connection.execute(alike.limit(1_000))).all()
    if len(found) < GROUP_PASSES:
        return None
    open_ends = [row.next_at for row in found if row.state == DeliveryState.GROUPED and row.next_at > at]
    return min(open_ends, default=at + GROUP_WINDOW)


async def sum_up(connection: AsyncConnection, at: datetime, limit: int) -> int:
    """One notice for each route's group whose window is over. Its members are marked in the same transaction."""
    over = (
        select(deliveries.c.id.label("delivery"), deliveries.c.route, deliveries.c.next_at, notices)
        .join(notices, notices.c.id == deliveries.c.notice)
        .where(deliveries.c.state == DeliveryState.GROUPED, deliveries.c.next_at <= at)
        .order_by(deliveries.c.created_at, notices.c.id)
        .limit(limit)
    )
    groups: dict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
    for row in (await connection.execute(over)).all():
        groups[(row.kind, row.scope, row.severity, row.next_at, row.route)].append(row)
    for (*_, route), members in groups.items():
        told = [_notice(row) for row in members]
        if len(told) == 1:
            # Alone after all: it says itself what a summary could only repeat.
            alone = update(deliveries).where(deliveries.c.id == members[0].delivery)
            await connection.execute(alone.values(state=DeliveryState.WAITING, next_at=at))
            continue
        # Routes that had the same members get the same notice, so that one word acknowledges it.
        key = f"summary:{members[0].id}-{members[-1].id}:{len(members)}"
        one = summary(told, key, at)
        number = await _stored(connection, one, at)
        await deliver(connection, number, one.key, route, at)
        done = update(deliveries).where(deliveries.c.id.in_([row.delivery for row in members]))
        await connection.execute(done.values(state=DeliveryState.SUMMED_UP, said=f"in the summary {number}"))
    return len(groups)


def _values(notice: Notice) -> dict[str, Any]:
    return {
        "key": notice.key,
        "kind": notice.kind,
        "severity": notice.severity,
        "at": notice.at,
        "title": notice.title,
        "text": notice.text,
        "scope": notice.scope,
    }


def _notice(row: Row[Any], prefix: str = "") -> Notice:
    found = {name: row._mapping[f"{prefix}{name}"] for name in ("key", "at", "title", "text", "scope")}
    return Notice(
        kind=NoticeKind(row._mapping[f"{prefix}kind"]), severity=Severity(row._mapping[f"{prefix}severity"]), **found
    )


def delivery(row: Row[Any]) -> Delivery:
    """Of a row with `NOTICE_COLUMNS`."""
    return Delivery(
        id=row.id,
        notice=_notice(row, "notice_"),
        route=row.route,
        tries=row.tries,
        refusals=row.refusals,
        created_at=row.created_at,
        next_at=row.next_at,
        first_tried_at=row.first_tried_at,
    )


def view(row: Row[Any], on_their_way: Sequence[Row[Any]]) -> NoticeView:
    return NoticeView(
        id=row.id,
        notice=_notice(row),
        stored_at=row.stored_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        deliveries=tuple(_delivery_view(one) for one in on_their_way),
    )


def _delivery_view(row: Row[Any]) -> DeliveryView:
    state = DeliveryState(row.state)
    waits = state in (DeliveryState.WAITING, DeliveryState.GROUPED)
    return DeliveryView(
        route=row.route,
        state=state,
        tries=row.tries,
        created_at=row.created_at,
        next_at=row.next_at if waits else None,
        sent_at=row.sent_at,
        said=row.said,
        escalated_from=row.escalated_from,
    )


def untold(row: Row[Any]) -> Untold:
    names = ("id", "key", "at", "scope", "before", "after", "signal", "reason", "who", "why")
    return Untold(**{name: row._mapping[name] for name in names}, evidence=tuple(row.evidence))
