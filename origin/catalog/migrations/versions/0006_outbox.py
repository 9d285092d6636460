"""Events that people may want to hear of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "outbox",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("taken_at", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_key", "outbox", ["key"], unique=True)
    op.create_index("ix_outbox_taken_at", "outbox", ["taken_at", "number"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_index("ix_outbox_taken_at", "outbox")
    op.drop_index("ix_outbox_key", "outbox")
    op.drop_table("outbox")
