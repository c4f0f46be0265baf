"""Where a target lived when its evidence passed: another address is another target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty: stored by a version that did not know it. Such a row is not believed, and is overwritten at the next pass.
    op.add_column("passed", sa.Column("host_port", sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("passed", "host_port")
