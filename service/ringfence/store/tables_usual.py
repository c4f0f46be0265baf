"""The table of what is usual: counts of calls by platform or trunk and clock hour. No number is in it."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from ringfence.store.tables import metadata

# A row is a `domain.usual.HourCounts`; `hour` is counted from 1970, in UTC.
usual_hours = Table(
    "usual_hours",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False, index=True),
    Column("heard_seconds", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("short", Integer, nullable=False),
    Column("alike", Integer, nullable=False),
)
