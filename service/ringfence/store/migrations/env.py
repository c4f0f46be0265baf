"""Called by Alembic for each run; the connection is always handed in (`migrating.upgrade`)."""

from __future__ import annotations

from alembic import context

from ringfence.store import (
    tables_access,  # noqa: F401  puts its tables into the shared metadata
    tables_audit,  # noqa: F401  the same
    tables_incidents,  # noqa: F401  the same
    tables_notices,  # noqa: F401  the same
    tables_orders,  # noqa: F401  the same
    tables_shadow,  # noqa: F401  the same
    tables_usual,  # noqa: F401  the same
)
from ringfence.store.tables_roster import hr_records

context.configure(
    connection=context.config.attributes["connection"],
    # The shared one, taken from the module that adds the last of the tables to it.
    target_metadata=hr_records.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
