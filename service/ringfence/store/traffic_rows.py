"""Finished calls for sums over weeks: row by row, and only what is summed, for there may be two million."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.traffic import FinishedCall
from ringfence.store import tables
from ringfence.store.database import understood


async def finished_calls(connection: AsyncConnection, since: datetime) -> AsyncIterator[FinishedCall]:
    """Those that ended since then, in no order. Refused ones, which have no platform, are not among them."""
    calls = tables.calls.c
    wanted = select(
        calls.ended_at,
        calls.scope,
        calls.duration_ms,
        calls.ringing_after_ms,
        calls.answered_by,
        calls.answered_after_ms,
    )
    rows = await connection.stream(wanted.where((calls.ended_at >= since) & (calls.scope != "")))
    async for row in rows:
        with understood("A call record"):
            yield FinishedCall(
                row.ended_at,
                row.scope,
                row.duration_ms,
                row.ringing_after_ms,
                AnsweredBy(row.answered_by),
                row.answered_after_ms,
            )
