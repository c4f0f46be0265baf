"""Rows of `order_answers`: what a request with an idempotency key was answered, or only what it has done."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.once import Answer, Done, KeptAnswer
from ringfence.app.once_mark import OnceMark
from ringfence.store.database import upsert
from ringfence.store.override_json import override_json, read_override, read_target, target_json
from ringfence.store.pending_json import pending_json, read_pending
from ringfence.store.tables_orders import order_answers

NOT_ANSWERED: Final = 0
"""In place of a status: `body` tells what was done."""


async def mark_done(connection: AsyncConnection, once: OnceMark, done: Done, at: datetime) -> None:
    """Within the transaction that stores what was done. An answer that is there already says more: the change waited
    in the spool while its answer was stored."""
    told = select(order_answers.c.at).where(order_answers.c.key == once.key)
    answered_at = (await connection.execute(told)).scalar_one_or_none()
    if answered_at is None or answered_at < at:
        await upsert(connection, order_answers, [answer_row(once.key, KeptAnswer(once.request, done, at))])


def answer_row(key: str, kept: KeptAnswer) -> dict[str, Any]:
    answer = kept.answer
    if isinstance(answer, Done):
        status, body = NOT_ANSWERED, json.dumps(_done_json(answer))
    else:
        status, body = answer.status, answer.body
    return {"key": key, "at": kept.at, "request": kept.request, "status": status, "body": body}


def read_answer(row: Row[Any]) -> KeptAnswer:
    """Raises what a text that is none of ours raises."""
    if row.status == NOT_ANSWERED:
        return KeptAnswer(row.request, _read_done(json.loads(row.body)), row.at)
    return KeptAnswer(row.request, Answer(row.status, row.body), row.at)


def _done_json(done: Done) -> dict[str, Any]:
    return {
        "said": done.said and override_json(done.said),
        "released": done.released and target_json(done.released),
        "pending": done.pending and pending_json(done.pending),
    }


def _read_done(raw: dict[str, Any]) -> Done:
    said, released, pending = raw["said"], raw["released"], raw["pending"]
    return Done(said and read_override(said), released and read_target(released), pending and read_pending(pending))
