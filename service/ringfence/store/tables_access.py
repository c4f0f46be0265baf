"""Who is let in. Of every secret only its SHA-256 is here, so that a stolen copy of the database opens nothing."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from ringfence.store.tables import UtcDateTime, metadata

# A row goes when its session is over, however it ended: what became of it is in the audit record.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("by", String(32), nullable=False),
    Column("person", Text),
    Column("begun", UtcDateTime, nullable=False),
    Column("seen", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("made", UtcDateTime, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("used", UtcDateTime),
    Column("revoked", UtcDateTime),
    Column("revoked_by", Text, nullable=False),
)

# What is remembered of the sealed accounts; the hashes of their passwords lie in a file, for when there is no database.
sealed_accounts = Table(
    "sealed_accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("renewed", UtcDateTime, nullable=False),
    Column("used", UtcDateTime),
)
