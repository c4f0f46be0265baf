"""Incidents, their notes and the call-back list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _incidents()
    _gaps()


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("relapses", sa.Integer(), nullable=False),
        sa.Column("opened_told", sa.Boolean(), nullable=False),
        sa.Column("closed_told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_opened_at"), "incidents", ["opened_at"])
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_incidents_open_scope",
        "incidents",
        ["scope"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "incident_notes",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("incident", _ROW_ID, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_incident_notes_incident_incidents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_notes")),
    )
    op.create_index(op.f("ix_incident_notes_incident"), "incident_notes", ["incident"])
    op.create_table(
        "call_backs",
        sa.Column("incident", _ROW_ID, nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_call_backs_incident_incidents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident", "call_id", name=op.f("pk_call_backs")),
    )


def _gaps() -> None:
    op.create_table(
        "listening",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening")),
    )
    op.create_table(
        "call_gaps",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("began", _TIME, nullable=False),
        sa.Column("ended", _TIME, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("covered", sa.Boolean()),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_gaps")),
    )
    op.create_index(op.f("ix_call_gaps_ended"), "call_gaps", ["ended"])


def downgrade() -> None:
    for table in ("call_gaps", "listening", "call_backs", "incident_notes", "incidents"):
        op.drop_table(table)
