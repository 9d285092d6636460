"""Subscriptions, entitlements, operations and webhook events of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "subscriptions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("stripe_id", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("period_end", sa.Double, nullable=False),
        sa.Column("ending", sa.Boolean, nullable=False),
        sa.Column("past_due_since", sa.Double),
        sa.Column("reads", sa.BigInteger, nullable=False),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("checked_at", sa.Double, nullable=False),
    )
    op.create_index("ix_subscriptions_checked_at", "subscriptions", ["checked_at"])
    op.create_index("ix_subscriptions_customer", "subscriptions", ["customer"], unique=True)
    op.create_table(
        "entitlements",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("streams_max", sa.Integer, nullable=False),
        sa.Column("height_max", sa.Integer, nullable=False),
    )
    _create_operations()
    op.create_table(
        "payment_events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("handled_at", sa.Double),
    )
    op.create_index("ix_payment_events_at", "payment_events", ["at"])


def _create_operations() -> None:
    op.create_table(
        "payment_operations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("running", sa.Text),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("ix_payment_operations_account", "payment_operations", ["account"])
    op.create_index("ix_payment_operations_running", "payment_operations", ["running"], unique=True)


def downgrade() -> None:
    """Drop the tables."""
    for name in ("payment_events", "payment_operations", "entitlements", "subscriptions"):
        op.drop_table(name)
