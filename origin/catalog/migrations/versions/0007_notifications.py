"""Inbox, deliveries, preferences and devices of notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_messages()
    op.create_table(
        "notification_preferences",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "notification_unsubscribing",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
    )
    op.create_index(
        "ix_notification_unsubscribing_token", "notification_unsubscribing", ["token"], unique=True
    )
    op.create_table(
        "notification_devices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("p256dh", sa.Text, nullable=False),
        sa.Column("auth", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("ix_notification_devices_account", "notification_devices", ["account"])
    op.create_index(
        "ix_notification_devices_endpoint", "notification_devices", ["endpoint"], unique=True
    )


def _create_messages() -> None:
    op.create_table(
        "notification_inbox",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("read_at", sa.Double),
    )
    op.create_index(
        "ix_notification_inbox_event_key", "notification_inbox", ["event_key"], unique=True
    )
    op.create_index("ix_notification_inbox_account", "notification_inbox", ["account", "number"])
    op.create_index("ix_notification_inbox_at", "notification_inbox", ["at"])
    op.create_table(
        "notification_deliveries",
        sa.Column("event_key", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("leased_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_notification_deliveries_account", "notification_deliveries", ["account"])
    op.create_index(
        "ix_notification_deliveries_state", "notification_deliveries", ["state", "next_at"]
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "notification_devices",
        "notification_unsubscribing",
        "notification_preferences",
        "notification_deliveries",
        "notification_inbox",
    ):
        op.drop_table(name)
