"""The audit record. Its rows are text as it is hashed (`domain.audit_chain`), so that nothing a database does to a
value on its way can break the chain. Triggers refuse to change or remove a row (`migrations`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from ringfence.store.tables import metadata

audit_rows = Table(
    "audit_rows",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Index("ix_audit_rows_about_number", "about", "number"),
)

# One row, id 1: the chain's end, locked by whoever appends. `salt` makes pseudonyms of people's keys.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("salt", String(64), nullable=False),
)
