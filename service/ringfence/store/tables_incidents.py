"""Incidents, what people wrote about them, the call-back list, and the times in which the daemon heard nothing."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from ringfence.store.tables import RowId, UtcDateTime, metadata

# At most one of a scope is open. `opened_told`, `closed_told`: whether the notice of it has been handed over.
incidents = Table(
    "incidents",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("scope", String(32), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False, index=True),
    Column("closed_at", UtcDateTime),
    Column("reason", String(64), nullable=False),
    Column("late", Boolean, nullable=False),
    Column("relapses", Integer, nullable=False),
    Column("opened_told", Boolean, nullable=False),
    Column("closed_told", Boolean, nullable=False),
    Index(
        "uq_incidents_open_scope",
        "scope",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

# Appended to, and never changed. Numbers masked.
incident_notes = Table(
    "incident_notes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("incident", ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("text", Text, nullable=False),
)

# What was said last about one missed call. `call_id` is no reference: the call itself is kept for a shorter time.
call_backs = Table(
    "call_backs",
    metadata,
    Column("incident", ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("call_id", String(200), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
)

# One row: when the daemon last heard Asterisk's events.
listening = Table(
    "listening",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
)

# `covered` is null until Asterisk's own records have been asked.
call_gaps = Table(
    "call_gaps",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("began", UtcDateTime, nullable=False),
    Column("ended", UtcDateTime, nullable=False, index=True),
    Column("reason", String(16), nullable=False),
    Column("covered", Boolean),
    Column("calls", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)
