"""What shadow mode would have done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# SQLite gives row numbers by itself only to a plain INTEGER key.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("calls", sa.Column("would", sa.String(length=120), nullable=False, server_default=""))
    op.create_table(
        "shadow_notes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_notes")),
    )
    op.create_index(op.f("ix_shadow_notes_at"), "shadow_notes", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_shadow_notes_at"), table_name="shadow_notes")
    op.drop_table("shadow_notes")
    op.drop_column("calls", "would")
