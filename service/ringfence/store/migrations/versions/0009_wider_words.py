"""Overrides of sites, teams and lists of DIDs; orders that wait for a second person; answers given once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("team", sa.String(length=80), nullable=False, server_default=""))
    with op.batch_alter_table("overrides") as table:
        table.alter_column("target", existing_type=sa.String(length=64), type_=sa.String(length=100))
        table.add_column(sa.Column("id", sa.String(length=32), nullable=False, server_default=""))
        table.add_column(sa.Column("site", sa.String(length=80)))
        table.add_column(sa.Column("team", sa.String(length=80)))
        table.add_column(sa.Column("dids", sa.JSON()))
        table.add_column(sa.Column("replaced", sa.JSON()))
        table.add_column(sa.Column("approved_by", sa.String(length=200), nullable=False, server_default=""))
        table.add_column(sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("transitions") as table:
        table.alter_column("scope", existing_type=sa.String(length=64), type_=sa.String(length=100))
    op.create_table(
        "pending_orders",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("order", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_orders")),
    )
    op.create_table(
        "order_answers",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_order_answers")),
    )
    op.create_index(op.f("ix_order_answers_at"), "order_answers", ["at"])


def downgrade() -> None:
    # A word about a site, a team or a list means nothing to the version before.
    op.execute("DELETE FROM overrides WHERE site IS NOT NULL OR team IS NOT NULL OR target LIKE 'dids:%'")
    op.drop_table("order_answers")
    op.drop_table("pending_orders")
    with op.batch_alter_table("transitions") as table:
        table.alter_column("scope", existing_type=sa.String(length=100), type_=sa.String(length=64))
    with op.batch_alter_table("overrides") as table:
        for name in ("alone", "approved_by", "replaced", "dids", "team", "site", "id"):
            table.drop_column(name)
        table.alter_column("target", existing_type=sa.String(length=100), type_=sa.String(length=64))
    with op.batch_alter_table("people") as table:
        table.drop_column("team")
