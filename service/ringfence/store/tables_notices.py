"""The outbox: what people are to be told, and what became of it on each route. No private number is in any row."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from ringfence.store.tables import RowId, UtcDateTime, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("title", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("scope", String(64), nullable=False),
    Column("stored_at", UtcDateTime, nullable=False, index=True),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String(200), nullable=False),
)

# One row a notice and route: nothing is told twice. `id` is made of both, so that a receiver knows a repetition even
# after a backup was put back. `next_at` of a grouped one is the end of its group's window.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("notice", ForeignKey("notices.id", ondelete="CASCADE"), nullable=False),
    Column("route", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("first_tried_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("said", Text, nullable=False),
    Column("escalated_from", String(64), nullable=False),
    UniqueConstraint("notice", "route", name="uq_deliveries_notice_route"),
    Index("ix_deliveries_route_state_next_at", "route", "state", "next_at"),
    Index("ix_deliveries_state_created_at", "state", "created_at"),
)

# Alarms that people were told of and that have not ended.
standing_alarms = Table(
    "standing_alarms",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("scope", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# Of whom a change of calls' way was told, or is to be. Who they are stands in the directory, not here; the rows go with
# the person.
staff_messages = Table(
    "staff_messages",
    metadata,
    Column("change", String(100), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("scope", String(32), nullable=False),
    Column("diverted", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Index("ix_staff_messages_state_next_at", "state", "next_at"),
)
