"""The roster's tables: what HR sources said, what people entered, who held which DID when, and what was decided.

Values that are only ever read whole (a record, a person's entries) lie in one column as JSON (`roster_json`). Text
that a source may make as long as it likes has no limit here: one long name must not keep a batch from being stored.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from ringfence.store.tables import PRIVATE, RowId, UtcDateTime, metadata

# One row a post, as one source knows it. `person` is the key of what was said last; a record that was accepted as it
# was said is stored once, with `accepted_as_said`.
hr_records = Table(
    "hr_records",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("post", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    Column("accepted", Text),
    Column("accepted_as_said", Boolean, nullable=False),
    Column("rejected", Text),
    Column("absent_since", UtcDateTime),
    Column("absence_rejected", Boolean, nullable=False),
    Column("inactive_since", UtcDateTime),
    info={PRIVATE: True},
)

# What people entered by hand, all of one person in one row.
person_entries = Table(
    "person_entries",
    metadata,
    Column("person", Text, primary_key=True),
    Column("entries", Text, nullable=False),
    info={PRIVATE: True},
)

tenures = Table(
    "tenures",
    metadata,
    Column("did", String(16), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("person", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
)

# Quarantines of tenures that ended before this moment are lifted.
releases = Table(
    "releases",
    metadata,
    Column("did", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

hr_sources = Table(
    "hr_sources",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("loaded", Boolean, nullable=False),
    Column("attempted_at", UtcDateTime),
    Column("succeeded_at", UtcDateTime),
    Column("fault", Text, nullable=False),
    Column("cursor", Text, nullable=False),
)

# An old key of a person, and the key that replaced it.
person_aliases = Table(
    "person_aliases",
    metadata,
    Column("old", Text, primary_key=True),
    Column("person", Text, nullable=False),
)

# `accepted` and `held` count people by category, as JSON. `plan` is no reference: a plan may be pruned before its runs.
hr_runs = Table(
    "hr_runs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("leavers", Integer, nullable=False),
    Column("accepted", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("plan", RowId),
)

# `lines` are kept of a plan that is closed, numbers masked.
hr_plans = Table(
    "hr_plans",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("first_load", Boolean, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("closed_at", UtcDateTime),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("superseded_by", RowId),
    Column("summary", Text, nullable=False),
    Column("lines", Text, nullable=False),
)

# What was decided, entered and erased. For people: numbers masked.
roster_notes = Table(
    "roster_notes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("person", Text, nullable=False),
    Index("ix_roster_notes_person_at", "person", "at"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("dids", Integer, nullable=False),
    Column("covered", Integer, nullable=False),
    Column("reasons", Text, nullable=False),
)
