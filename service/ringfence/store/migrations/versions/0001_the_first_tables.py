"""The first tables: directory, outage, journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite gives row numbers by itself only to a plain INTEGER key.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _directory()
    _outage()
    _calls()


def downgrade() -> None:
    for table in (
        "delivered",
        "passed",
        "calls",
        "transitions",
        "overrides",
        "scope_states",
        "directory_changes",
        "dids",
        "default_numbers",
        "people",
        "sites",
    ):
        op.drop_table(table)


def _directory() -> None:
    """What we route by, and who changed it."""
    op.create_table(
        "sites",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("fallback_number", sa.String(length=16)),
        sa.Column("announcement", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sites")),
    )
    op.create_table(
        "people",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.name"], name=op.f("fk_people_site_sites")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_people")),
    )
    op.create_table(
        "default_numbers",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["people.key"], name=op.f("fk_default_numbers_person_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person", "position", name=op.f("pk_default_numbers")),
    )
    op.create_table(
        "dids",
        sa.Column("did", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64)),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["people.key"], name=op.f("fk_dids_owner_people")),
        sa.ForeignKeyConstraint(["site"], ["sites.name"], name=op.f("fk_dids_site_sites")),
        sa.PrimaryKeyConstraint("did", name=op.f("pk_dids")),
    )
    op.create_index(op.f("ix_dids_owner"), "dids", ["owner"])
    op.create_table(
        "directory_changes",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_directory_changes")),
    )


def _outage() -> None:
    """The mode, its history and what people ordered."""
    op.create_table(
        "scope_states",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=16)),
        sa.Column("bad_trials", sa.Integer(), nullable=False),
        sa.Column("trial_good", sa.Integer(), nullable=False),
        sa.Column("trial_bad", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_scope_states")),
    )
    op.create_table(
        "overrides",
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=32)),
        sa.Column("did", sa.String(length=16)),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_overrides")),
    )
    op.create_table(
        "transitions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("signal", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sa.UniqueConstraint("key", name=op.f("uq_transitions_key")),
    )
    op.create_index(op.f("ix_transitions_at"), "transitions", ["at"])


def _calls() -> None:
    """The journal, and what must outlive a restart for evidence to be weighed."""
    op.create_table(
        "calls",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("did", sa.String(length=100), nullable=False),
        sa.Column("trunk", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("caller", sa.String(length=100), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("answered_by", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        sa.Column("platform_status", sa.Integer()),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("ringing_after_ms", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("call_id", name=op.f("uq_calls_call_id")),
    )
    op.create_index("ix_calls_did_ended_at", "calls", ["did", "ended_at"])
    op.create_index(op.f("ix_calls_ended_at"), "calls", ["ended_at"])
    op.create_table(
        "passed",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("role", "name", "kind", name=op.f("pk_passed")),
    )
    op.create_table(
        "delivered",
        sa.Column("did", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("did", name=op.f("pk_delivered")),
    )
