"""Every table, in SQLAlchemy Core. The migrations make them; a test proves that both agree."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out. SQLite keeps no zone, so everything is brought to UTC before it is stored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite gives row numbers by itself only to a plain INTEGER key.
RowId: Final = BigInteger().with_variant(Integer(), "sqlite")

# For `info` of a table that holds private numbers: `Database.wipe` leaves nothing of what was removed from it.
PRIVATE: Final = "private"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

sites = Table(
    "sites",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("fallback_number", String(16)),
    Column("announcement", String(100), nullable=False),
    Column("time_zone", String(64)),
    # Hours as a step in AstDB has them, joined by `;`; days in ISO form, joined by spaces.
    Column("opening", Text, nullable=False, server_default=""),
    Column("holidays", Text, nullable=False, server_default=""),
    Column("out_of_hours_number", String(16)),
    Column("out_of_hours_announcement", String(100), nullable=False, server_default=""),
    Column("voicemail", String(64), nullable=False, server_default=""),
)

people = Table(
    "people",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("site", ForeignKey("sites.name"), nullable=False),
    Column("team", String(80), nullable=False, server_default=""),
    Column("extension", String(10), nullable=False, server_default=""),
)

default_numbers = Table(
    "default_numbers",
    metadata,
    Column("person", ForeignKey("people.key", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("e164", String(16), nullable=False),
    Column("ring_seconds", Integer, nullable=False),
    Column("press_one", Boolean),
    info={PRIVATE: True},
)

# `members` are keys of people, in order.
teams = Table(
    "teams",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("site", ForeignKey("sites.name"), nullable=False),
    Column("strategy", String(16), nullable=False),
    Column("members", JSON, nullable=False),
    Column("ring_seconds", Integer, nullable=False),
    Column("wait_seconds", Integer, nullable=False),
    Column("max_waiting", Integer, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("backstop_number", String(16)),
)


def _of_a_line() -> tuple[Column[Any], ...]:
    """What is said of one DID, or of a whole range of them. A column belongs to one table."""
    return (
        Column("site", ForeignKey("sites.name"), nullable=False),
        Column("scope", String(32), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("critical", Boolean, nullable=False),
        Column("team", String(80), nullable=False, server_default=""),
        Column("divert_number", String(16)),
    )


dids = Table(
    "dids",
    metadata,
    Column("did", String(16), primary_key=True),
    Column("owner", ForeignKey("people.key"), index=True),
    *_of_a_line(),
)

# One row for up to 10,000 numbers, which a row of `dids` for one of them beats.
did_ranges = Table(
    "did_ranges",
    metadata,
    Column("first", String(16), primary_key=True),
    Column("last", String(16), primary_key=True),
    Column("owner", ForeignKey("people.key")),
    Column("by_extension", Boolean, nullable=False),
    *_of_a_line(),
)

# Every change of the directory: its row number is the directory's version. `lines` are for people, numbers
# masked.
directory_changes = Table(
    "directory_changes",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("lines", JSON, nullable=False),
)

scope_states = Table(
    "scope_states",
    metadata,
    Column("scope", String(32), primary_key=True),
    Column("mode", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("cause", String(16)),
    Column("bad_trials", Integer, nullable=False),
    Column("trial_good", Integer, nullable=False),
    Column("trial_bad", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("target", String(100), primary_key=True),
    Column("scope", String(32)),
    Column("did", String(16)),
    Column("kind", String(16), nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("id", String(32), nullable=False, server_default=""),
    Column("site", String(80)),
    Column("team", String(80)),
    Column("dids", JSON(none_as_null=True)),
    Column("replaced", JSON(none_as_null=True)),
    Column("approved_by", String(200), nullable=False, server_default=""),
    Column("alone", Boolean, nullable=False, server_default=false()),
)

# One row a change: history and outbox in one. `told_at` is null until the notifier has told it.
transitions = Table(
    "transitions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", String(100), nullable=False, unique=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("scope", String(100), nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("signal", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("version", Integer),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("told_at", UtcDateTime),
    Index("ix_transitions_told_at", "told_at", "id"),
)

calls = Table(
    "calls",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("call_id", String(200), nullable=False, unique=True),
    Column("ended_at", UtcDateTime, nullable=False, index=True),
    Column("did", String(100), nullable=False),
    Column("trunk", String(100), nullable=False),
    Column("scope", String(100), nullable=False),
    Column("caller", String(100), nullable=False),
    Column("decision", String(32), nullable=False),
    Column("path", String(32), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("step", Integer, nullable=False),
    Column("answered_by", String(16), nullable=False),
    Column("result", String(64), nullable=False),
    Column("platform_status", Integer),
    Column("duration_ms", Integer, nullable=False),
    Column("ringing_after_ms", Integer),
    Column("would", String(120), nullable=False, server_default=""),
    Column("answered_after_ms", Integer),
    Index("ix_calls_did_ended_at", "did", "ended_at"),
)

# When each kind of evidence about a target last passed, and where the target lived then.
passed = Table(
    "passed",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("host_port", String(300), nullable=False, server_default=""),
)

# When the platform last put a call through to each DID.
delivered = Table(
    "delivered",
    metadata,
    Column("did", String(100), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

# What an identity provider has pushed by SCIM, as JSON; private numbers are in `body`. Only users' names are unique.
scim_resources = Table(
    "scim_resources",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("version", String(32), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("name", String(300), nullable=False),
    Column("external_id", String(300), nullable=False),
    Column("body", JSON, nullable=False),
    Index("ix_scim_resources_created", "source", "created", "id"),
    Index("ix_scim_resources_name", "source", "kind", "name"),
    Index("ix_scim_resources_external_id", "source", "kind", "external_id"),
    Index(
        "uq_scim_resources_user_name",
        "source",
        "name",
        unique=True,
        sqlite_where=text("kind = 'User'"),
        postgresql_where=text("kind = 'User'"),
    ),
    info={PRIVATE: True},
)


def fitting(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Text that is too long is cut, and what no database takes replaced: the row is worth more. For what is written for
    people, not for what is read again."""
    lengths = _lengths(table)
    return {name: _plain(value)[: lengths[name]] if isinstance(value, str) else value for name, value in row.items()}


@cache
def _lengths(table: Table) -> dict[str, int | None]:
    return {column.name: getattr(column.type, "length", None) for column in table.columns}


def _plain(text: str) -> str:
    return text.replace("\x00", "?").encode(errors="replace").decode()
