"""Orders that wait for a second person, and the answers to requests that carry an idempotency key."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select

from ringfence.app.once import Answer, KeptAnswer
from ringfence.app.second_person import PendingOrder, WordOrder
from ringfence.domain.access import SignedInBy
from ringfence.domain.override import OverrideKind
from ringfence.store.database import Database, understood, upsert
from ringfence.store.override_json import aware, read_target, target_json
from ringfence.store.tables_orders import order_answers, pending_orders


class SqlOrderStore:
    """Implements `second_person.PendingStore` and `once.AnswerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_pending(self) -> list[PendingOrder]:
        oldest = select(pending_orders).order_by(pending_orders.c.asked_at)
        async with self._database.reading() as connection:
            rows = (await connection.execute(oldest)).all()
        with understood("A pending order"):
            return [_pending(row) for row in rows]

    async def save_pending(self, pending: PendingOrder) -> None:
        row = {
            "id": pending.id,
            "asked_at": pending.asked_at,
            "who": pending.who[:200],
            "order": json.dumps(_order_json(pending)),
        }
        await self._database.write(lambda connection: upsert(connection, pending_orders, [row]))

    async def remove_pending(self, id_: str) -> None:
        gone = delete(pending_orders).where(pending_orders.c.id == id_)
        await self._database.write(lambda connection: connection.execute(gone))

    async def load_answer(self, key: str) -> KeptAnswer | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(order_answers).where(order_answers.c.key == key))).first()
        return None if row is None else KeptAnswer(row.request, Answer(row.status, row.body), row.at)

    async def save_answer(self, key: str, kept: KeptAnswer) -> None:
        row = {
            "key": key,
            "at": kept.at,
            "request": kept.request,
            "status": kept.answer.status,
            "body": kept.answer.body,
        }
        await self._database.write(lambda connection: upsert(connection, order_answers, [row]))

    async def prune_answers(self, before: datetime) -> None:
        old = delete(order_answers).where(order_answers.c.at < before)
        await self._database.write(lambda connection: connection.execute(old))


def _order_json(pending: PendingOrder) -> dict[str, Any]:
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


def _pending(row: Row[Any]) -> PendingOrder:
    raw = json.loads(row.order)
    order = WordOrder(
        kind=OverrideKind(raw["kind"]),
        target=read_target(raw["target"]),
        why=str(raw["why"]),
        until=None if raw["until"] is None else aware(raw["until"]),
        lasts=None if raw["lasts"] is None else timedelta(seconds=raw["lasts"]),
        expected=raw["expected"],
    )
    return PendingOrder(row.id, order, row.who, SignedInBy(raw["by"]), raw["session"], raw["person"], row.asked_at)
