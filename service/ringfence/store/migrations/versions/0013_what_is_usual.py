"""Counts of calls by the hour, and when each call was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COUNTS = ("heard_seconds", "calls", "offered", "answered", "at_once", "short", "alike")


def upgrade() -> None:
    op.add_column("calls", sa.Column("answered_after_ms", sa.Integer()))
    op.create_table(
        "usual_hours",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("role", "name", "hour", name=op.f("pk_usual_hours")),
    )
    op.create_index(op.f("ix_usual_hours_hour"), "usual_hours", ["hour"])


def downgrade() -> None:
    op.drop_index(op.f("ix_usual_hours_hour"), table_name="usual_hours")
    op.drop_table("usual_hours")
    op.drop_column("calls", "answered_after_ms")
