"""What an identity provider has pushed by SCIM."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scim_resources",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("external_id", sa.String(length=300), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_scim_resources")),
    )
    op.create_index("ix_scim_resources_created", "scim_resources", ["source", "created", "id"])
    op.create_index("ix_scim_resources_name", "scim_resources", ["source", "kind", "name"])
    op.create_index("ix_scim_resources_external_id", "scim_resources", ["source", "kind", "external_id"])
    users = sa.text("kind = 'User'")
    op.create_index(
        "uq_scim_resources_user_name",
        "scim_resources",
        ["source", "name"],
        unique=True,
        sqlite_where=users,
        postgresql_where=users,
    )


def downgrade() -> None:
    op.drop_table("scim_resources")
