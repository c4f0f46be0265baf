"""The table of shadow mode: since when nothing was done to calls, and platforms' verdicts meanwhile."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from ringfence.store.tables import RowId, UtcDateTime, metadata

# A row is a `domain.shadow.ShadowNote`.
shadow_notes = Table(
    "shadow_notes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("scope", String(32), nullable=False),
    Column("word", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
)
