"""Team lines, opening hours of sites, numbers of their own for DIDs, and who has to press 1."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("opening", sa.Text(), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("holidays", sa.Text(), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("out_of_hours_number", sa.String(length=16)))
    op.add_column(
        "sites", sa.Column("out_of_hours_announcement", sa.String(length=100), nullable=False, server_default="")
    )
    op.add_column("sites", sa.Column("voicemail", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("default_numbers", sa.Column("press_one", sa.Boolean()))
    op.add_column("dids", sa.Column("team", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("dids", sa.Column("divert_number", sa.String(length=16)))
    op.create_table(
        "teams",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.Column("strategy", sa.String(length=16), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=False),
        sa.Column("max_waiting", sa.Integer(), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.Column("backstop_number", sa.String(length=16)),
        sa.ForeignKeyConstraint(["site"], ["sites.name"], name=op.f("fk_teams_site_sites")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_teams")),
    )


def downgrade() -> None:
    op.drop_table("teams")
    for table, columns in (
        ("dids", ("divert_number", "team")),
        ("default_numbers", ("press_one",)),
        ("sites", ("voicemail", "out_of_hours_announcement", "out_of_hours_number", "holidays", "opening")),
    ):
        for column in columns:
            op.drop_column(table, column)
