"""What is to be told, and to whom it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite gives row numbers by itself only to a plain INTEGER key.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index(op.f("ix_notices_stored_at"), "notices", ["stored_at"])
    op.create_table(
        "standing_alarms",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_standing_alarms")),
    )
    _deliveries()
    _staff_messages()
    # What happened before there was an outbox is nobody's news any more.
    op.execute("UPDATE transitions SET told_at = at WHERE told_at IS NULL")
    op.create_index("ix_transitions_told_at", "transitions", ["told_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_transitions_told_at", "transitions")
    for table in ("staff_messages", "deliveries", "standing_alarms", "notices"):
        op.drop_table(table)


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("notice", ROW_ID, nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("first_tried_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("escalated_from", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.ForeignKeyConstraint(
            ["notice"], ["notices.id"], name=op.f("fk_deliveries_notice_notices"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("notice", "route", name="uq_deliveries_notice_route"),
    )
    op.create_index("ix_deliveries_route_state_next_at", "deliveries", ["route", "state", "next_at"])
    op.create_index("ix_deliveries_state_created_at", "deliveries", ["state", "created_at"])


def _staff_messages() -> None:
    op.create_table(
        "staff_messages",
        sa.Column("change", sa.String(length=100), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("diverted", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("change", "person", name=op.f("pk_staff_messages")),
    )
    op.create_index("ix_staff_messages_state_next_at", "staff_messages", ["state", "next_at"])
