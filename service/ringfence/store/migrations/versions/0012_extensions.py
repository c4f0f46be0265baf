"""Ranges of DIDs, and extensions of people, by which a range may know its owners."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("extension", sa.String(length=10), nullable=False, server_default=""))
    op.create_table(
        "did_ranges",
        sa.Column("first", sa.String(length=16), nullable=False),
        sa.Column("last", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64)),
        sa.Column("by_extension", sa.Boolean(), nullable=False),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("team", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("divert_number", sa.String(length=16)),
        sa.ForeignKeyConstraint(["owner"], ["people.key"], name=op.f("fk_did_ranges_owner_people")),
        sa.ForeignKeyConstraint(["site"], ["sites.name"], name=op.f("fk_did_ranges_site_sites")),
        sa.PrimaryKeyConstraint("first", "last", name=op.f("pk_did_ranges")),
    )


def downgrade() -> None:
    op.drop_table("did_ranges")
    op.drop_column("people", "extension")
