"""The outbox (`app.notify.ports.NoticeStore`). Grouping is decided where a notice is stored, so that a crash neither
loses a member of a group nor tells it twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, case, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.notify.ports import (
    FAILED,
    MAX_NOTICES,
    OPEN,
    Delivery,
    DeliveryState,
    Escalation,
    NoticeQuery,
    NoticeView,
    OutboxLevel,
    ToTell,
    Untold,
)
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.notice import Severity
from ringfence.store import audit_rows
from ringfence.store import notice_rows as rows
from ringfence.store.database import Database, understood
from ringfence.store.tables import fitting, transitions
from ringfence.store.tables_notices import deliveries, notices

CHUNK_ROWS: Final = 500  # in one transaction, so that the mode writer never waits long
ESCALATE_WITHIN: Final = timedelta(days=1)
"""What has not escalated by then, for we were off, is no alarm of this hour."""


class SqlNoticeStore:
    """Implements `notify.ports.NoticeStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, told: Sequence[ToTell], at: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            for one in told:
                await rows.add(connection, one, at)

        await self._database.write(work)

    async def untold(self, limit: int) -> list[Untold]:
        query = select(transitions).where(transitions.c.told_at.is_(None)).order_by(transitions.c.id).limit(limit)
        async with self._database.reading() as connection:
            with understood("The history"):
                return [rows.untold(row) for row in (await connection.execute(query)).all()]

    async def tell(self, told: Mapping[int, ToTell | None], at: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            for one in told.values():
                if one is not None:
                    await rows.add(connection, one, at)
            marked = update(transitions).where(transitions.c.id.in_(list(told))).values(told_at=at)
            await connection.execute(marked)

        await self._database.write(work)

    async def due(self, route: str, at: datetime, only_critical: bool, limit: int) -> list[Delivery]:
        critical_first = case((notices.c.severity == Severity.CRITICAL, 0), else_=1)
        query = (
            select(deliveries, *rows.NOTICE_COLUMNS)
            .join(notices, notices.c.id == deliveries.c.notice)
            .where(deliveries.c.route == route, deliveries.c.state == DeliveryState.WAITING, deliveries.c.next_at <= at)
            .order_by(critical_first, deliveries.c.created_at, deliveries.c.notice)
            .limit(limit)
        )
        if only_critical:
            query = query.where(notices.c.severity == Severity.CRITICAL)
        async with self._database.reading() as connection:
            with understood("A notice"):
                return [rows.delivery(row) for row in (await connection.execute(query)).all()]

    async def next_due(self, route: str) -> datetime | None:
        soonest = select(func.min(deliveries.c.next_at)).where(
            deliveries.c.route == route, deliveries.c.state == DeliveryState.WAITING
        )
        async with self._database.reading() as connection:
            found: datetime | None = (await connection.execute(soonest)).scalar_one_or_none()
            return found

    async def begin(self, delivery: str, at: datetime, next_at: datetime) -> None:
        await self._change(
            delivery,
            tries=deliveries.c.tries + 1,
            next_at=next_at,
            first_tried_at=func.coalesce(deliveries.c.first_tried_at, at),
        )

    async def sent(self, delivery: str, at: datetime, said: str) -> None:
        await self._change(delivery, state=DeliveryState.SENT, sent_at=at, said=said)

    async def failed(self, delivery: str, state: DeliveryState, next_at: datetime, said: str, refused: bool) -> None:
        refusals = deliveries.c.refusals + 1 if refused else deliveries.c.refusals
        await self._change(delivery, state=state, next_at=next_at, said=said, refusals=refusals)

    async def sum_up(self, at: datetime) -> int:
        return await self._database.write(lambda connection: rows.sum_up(connection, at, CHUNK_ROWS))

    async def escalate(self, rules: Collection[Escalation], at: datetime) -> int:
        async def work(connection: AsyncConnection) -> int:
            added = 0
            for rule in rules:
                found = (await connection.execute(_escalating(rule, at - ESCALATE_WITHIN))).all()
                for row in found:
                    await rows.deliver(connection, row.id, row.key, rule.target, at, escalated_from=rule.source)
                added += len(found)
            return added

        # Most looks find nothing, and a look must not wait for other writers.
        async with self._database.reading() as connection:
            waiting = [r for r in rules if (await connection.execute(_escalating(r, at - ESCALATE_WITHIN))).first()]
        return await self._database.write(work) if waiting else 0

    async def acknowledge(self, notice: int, who: str, at: datetime, by: str = "") -> NoticeView | None:
        async def work(connection: AsyncConnection) -> None:
            open_still = (notices.c.id == notice) & notices.c.acknowledged_at.is_(None)
            marked = update(notices).where(open_still).values(**_acknowledged(who, at))
            if (await connection.execute(marked)).rowcount:
                fact = AuditFact(at, AuditKind.NOTIFICATION, "acknowledged", f"notice {notice}", who, by=by)
                await audit_rows.append(connection, [fact])

        await self._database.write(work)
        async with self._database.reading() as connection:
            found = await _views(connection, select(notices).where(notices.c.id == notice))
            return found[0] if found else None

    async def acknowledge_key(self, key: str, who: str, at: datetime) -> None:
        open_still = (notices.c.key == key) & notices.c.acknowledged_at.is_(None)
        await self._write(update(notices).where(open_still).values(**_acknowledged(who, at)))

    async def listed(self, query: NoticeQuery) -> list[NoticeView]:
        async with self._database.reading() as connection:
            return await _views(connection, _chosen(query))

    async def levels(self, failed_since: datetime) -> dict[str, OutboxLevel]:
        open_still = deliveries.c.state.in_(OPEN)
        query = select(
            deliveries.c.route,
            func.count().filter(open_still).label("waiting"),
            func.min(deliveries.c.created_at).filter(open_still).label("oldest"),
            func.count().filter(deliveries.c.state.in_(FAILED)).label("failed"),
        )
        query = query.where(open_still | (deliveries.c.created_at >= failed_since)).group_by(deliveries.c.route)
        async with self._database.reading() as connection:
            with understood("A notice"):
                found = (await connection.execute(query)).all()
                return {row.route: OutboxLevel(row.waiting, row.oldest, row.failed) for row in found}

    async def give_up_all_but(self, routes: Collection[str], before: datetime) -> int:
        total = 0
        while changed := await self._database.write(lambda connection: _give_up_chunk(connection, routes, before)):
            total += changed
        return total

    async def prune(self, before: datetime) -> int:
        total = 0
        while deleted := await self._database.write(lambda connection: _prune_chunk(connection, before)):
            total += deleted
        return total

    async def _change(self, delivery: str, **values: Any) -> None:
        """What is done with stays as it is: a late answer does not wake it again."""
        still = (deliveries.c.id == delivery) & (deliveries.c.state == DeliveryState.WAITING)
        await self._write(update(deliveries).where(still).values(**fitting(deliveries, values)))

    async def _write(self, statement: Any) -> None:
        await self._database.write(lambda connection: connection.execute(statement))


def _acknowledged(who: str, at: datetime) -> dict[str, Any]:
    return fitting(notices, {"acknowledged_at": at, "acknowledged_by": who})


def _escalating(rule: Escalation, not_before: datetime) -> Select[Any]:
    there = deliveries.alias("there")
    return (
        select(notices.c.id, notices.c.key)
        .join(deliveries, deliveries.c.notice == notices.c.id)
        .where(
            deliveries.c.route == rule.source,
            deliveries.c.created_at >= not_before,
            # A member of a group escalates by its summary.
            deliveries.c.state.not_in([DeliveryState.GROUPED, DeliveryState.SUMMED_UP]),
            (deliveries.c.created_at <= rule.before) | deliveries.c.state.in_(FAILED),
            notices.c.severity == Severity.CRITICAL,
            notices.c.acknowledged_at.is_(None),
            ~exists().where(there.c.notice == notices.c.id, there.c.route == rule.target),
        )
        .order_by(notices.c.id)
        .limit(CHUNK_ROWS)
    )


def _chosen(query: NoticeQuery) -> Select[Any]:
    chosen = select(notices).order_by(notices.c.id.desc()).limit(min(query.limit, MAX_NOTICES))
    if query.before is not None:
        chosen = chosen.where(notices.c.id < query.before)
    if query.kind is not None:
        chosen = chosen.where(notices.c.kind == query.kind)
    if query.severity is not None:
        chosen = chosen.where(notices.c.severity == query.severity)
    if query.scope is not None:
        chosen = chosen.where(notices.c.scope == query.scope)
    if query.unacknowledged:
        chosen = chosen.where(notices.c.acknowledged_at.is_(None))
    if query.route is not None or query.state is not None:
        on_way = exists().where(deliveries.c.notice == notices.c.id)
        if query.route is not None:
            on_way = on_way.where(deliveries.c.route == query.route)
        if query.state is not None:
            on_way = on_way.where(deliveries.c.state == query.state)
        chosen = chosen.where(on_way)
    return chosen


async def _views(connection: AsyncConnection, chosen: Select[Any]) -> list[NoticeView]:
    with understood("A notice"):
        found = (await connection.execute(chosen)).all()
        mine = select(deliveries).where(deliveries.c.notice.in_([row.id for row in found]))
        by_notice: dict[int, list[Row[Any]]] = {row.id: [] for row in found}
        for row in (await connection.execute(mine.order_by(deliveries.c.created_at, deliveries.c.route))).all():
            by_notice[row.notice].append(row)
        return [rows.view(row, by_notice[row.id]) for row in found]


async def _give_up_chunk(connection: AsyncConnection, routes: Collection[str], before: datetime) -> int:
    c = deliveries.c
    old = select(c.id).where(c.state.in_(OPEN), c.created_at < before, c.route.not_in(routes)).limit(CHUNK_ROWS)
    ids = list((await connection.execute(old)).scalars())
    if ids:
        said = {"state": DeliveryState.GIVEN_UP, "said": "There is no such route any more."}
        await connection.execute(update(deliveries).where(c.id.in_(ids)).values(**said))
    return len(ids)


async def _prune_chunk(connection: AsyncConnection, before: datetime) -> int:
    waits = exists().where(deliveries.c.notice == notices.c.id, deliveries.c.state.in_(OPEN))
    old = select(notices.c.id).where(notices.c.stored_at < before, ~waits).limit(CHUNK_ROWS)
    ids = list((await connection.execute(old)).scalars())
    if ids:
        await connection.execute(delete(deliveries).where(deliveries.c.notice.in_(ids)))
        await connection.execute(delete(notices).where(notices.c.id.in_(ids)))
    return len(ids)
