"""The tables of what people ordered and what is still to be answered: pending orders, and answers given once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, String, Table, Text

from ringfence.store.tables import UtcDateTime, metadata

MAX_ONCE_KEY: Final = 64

# Orders about much that wait for a second person. `order` is JSON.
pending_orders = Table(
    "pending_orders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("order", Text, nullable=False),
)

# What a request with an idempotency key was answered; with a status of 0 only what it has done, as JSON (`once_rows`),
# stored with that. `key` is a digest of the caller and the key, `request` one of the body.
order_answers = Table(
    "order_answers",
    metadata,
    Column("key", String(MAX_ONCE_KEY), primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
