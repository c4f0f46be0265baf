"""Called by Alembic for each run; the connection is always handed in (`migrating.upgrade`)."""

from __future__ import annotations

from alembic import context

from ringfence.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
