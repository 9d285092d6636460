"""Orders to the edges, what each edge says of them, and which edges follow the journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("edges", sa.JSON, nullable=False),
    )
    op.create_index("ix_orders_sequence", "orders", ["sequence"], unique=True)
    op.create_table(
        "receipts",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("edge", sa.Text, primary_key=True),
        sa.Column("worker", sa.Integer, primary_key=True),
        sa.Column("workers", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
    )
    op.create_table(
        "followers",
        sa.Column("edge", sa.Text, primary_key=True),
        sa.Column("seen_at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables, and from the journal what an older origin could not read."""
    op.drop_table("followers")
    op.drop_table("receipts")
    op.drop_index("ix_orders_sequence", "orders")
    op.drop_table("orders")
    op.execute("UPDATE changes SET kind = 'purge' WHERE kind IN ('warm', 'pin', 'unpin')")
