"""Orders that wait for a second person, and the answers to requests that carry an idempotency key."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.once import Done, KeptAnswer
from ringfence.app.once_mark import OnceMark
from ringfence.app.second_person import PendingOrder
from ringfence.domain.audit import AuditFact
from ringfence.store.audit_rows import append
from ringfence.store.database import Database, understood, upsert
from ringfence.store.once_rows import answer_row, mark_done, read_answer
from ringfence.store.pending_json import order_json, read_pending
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
            return [read_pending({**row._mapping, "order": json.loads(row.order)}) for row in rows]

    async def save_pending(self, pending: PendingOrder, asked: AuditFact, once: OnceMark | None = None) -> None:
        row = {
            "id": pending.id,
            "asked_at": pending.asked_at,
            "who": pending.who[:200],
            "order": json.dumps(order_json(pending)),
        }

        async def work(connection: AsyncConnection) -> None:
            await upsert(connection, pending_orders, [row])
            await append(connection, [asked])
            if once is not None:
                await mark_done(connection, once, Done(pending=pending), asked.at)

        await self._database.write(work)

    async def mark_pending(self, pending: PendingOrder, once: OnceMark, at: datetime) -> None:
        await self._database.write(lambda connection: mark_done(connection, once, Done(pending=pending), at))

    async def remove_pending(
        self, pending: PendingOrder, rejected: AuditFact | None = None, once: OnceMark | None = None
    ) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(pending_orders).where(pending_orders.c.id == pending.id))
            if rejected is not None:
                await append(connection, [rejected])
                if once is not None:
                    await mark_done(connection, once, Done(pending=pending), rejected.at)

        await self._database.write(work)

    async def load_answer(self, key: str) -> KeptAnswer | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(order_answers).where(order_answers.c.key == key))).first()
        with understood("An answer"):
            return None if row is None else read_answer(row)

    async def load_answers(self, limit: int) -> dict[str, KeptAnswer]:
        newest = select(order_answers).order_by(order_answers.c.at.desc()).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(newest)).all()
        with understood("An answer"):
            return {row.key: read_answer(row) for row in reversed(rows)}

    async def save_answer(self, key: str, kept: KeptAnswer) -> None:
        row = answer_row(key, kept)
        await self._database.write(lambda connection: upsert(connection, order_answers, [row]))

    async def prune_answers(self, before: datetime) -> None:
        old = delete(order_answers).where(order_answers.c.at < before)
        await self._database.write(lambda connection: connection.execute(old))
