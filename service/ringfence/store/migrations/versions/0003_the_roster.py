"""The roster: what HR sources said, what people entered, who held which DID when; and each site's time zone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# SQLite gives row numbers by itself only to a plain INTEGER key.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sites", sa.Column("time_zone", sa.String(length=64)))
    _said()
    _tenures()
    _history()


def downgrade() -> None:
    for table in (
        "coverage",
        "roster_notes",
        "hr_plans",
        "hr_runs",
        "person_aliases",
        "hr_sources",
        "releases",
        "tenures",
        "person_entries",
        "hr_records",
    ):
        op.drop_table(table)
    op.drop_column("sites", "time_zone")


def _said() -> None:
    """What sources and people said."""
    op.create_table(
        "hr_records",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("accepted", sa.Text()),
        sa.Column("accepted_as_said", sa.Boolean(), nullable=False),
        sa.Column("rejected", sa.Text()),
        sa.Column("absent_since", MOMENT),
        sa.Column("absence_rejected", sa.Boolean(), nullable=False),
        sa.Column("inactive_since", MOMENT),
        sa.PrimaryKeyConstraint("source", "id", "post", name=op.f("pk_hr_records")),
    )
    op.create_table(
        "person_entries",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_person_entries")),
    )
    op.create_table(
        "hr_sources",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("attempted_at", MOMENT),
        sa.Column("succeeded_at", MOMENT),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hr_sources")),
    )
    op.create_table(
        "person_aliases",
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("old", name=op.f("pk_person_aliases")),
    )


def _tenures() -> None:
    """Who held which DID when, and which DIDs were released."""
    op.create_table(
        "tenures",
        sa.Column("did", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.PrimaryKeyConstraint("did", "position", name=op.f("pk_tenures")),
    )
    op.create_table(
        "releases",
        sa.Column("did", sa.String(length=16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("did", name=op.f("pk_releases")),
    )


def _history() -> None:
    """What was run, held, decided and reached."""
    op.create_table(
        "hr_runs",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("leavers", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("plan", ROW_ID),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hr_runs")),
    )
    op.create_index(op.f("ix_hr_runs_at"), "hr_runs", ["at"])
    op.create_table(
        "hr_plans",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("first_load", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("superseded_by", ROW_ID),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hr_plans")),
    )
    op.create_index(op.f("ix_hr_plans_status"), "hr_plans", ["status"])
    _notes_and_coverage()


def _notes_and_coverage() -> None:
    op.create_table(
        "roster_notes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_notes")),
    )
    op.create_index(op.f("ix_roster_notes_at"), "roster_notes", ["at"])
    op.create_index("ix_roster_notes_person_at", "roster_notes", ["person", "at"])
    op.create_table(
        "coverage",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("dids", sa.Integer(), nullable=False),
        sa.Column("covered", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
    )
    op.create_index(op.f("ix_coverage_at"), "coverage", ["at"])
