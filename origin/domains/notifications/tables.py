"""The tables of notifications as SQLAlchemy sees them.

A row of `notification_inbox` is what a person sees, one of `notification_deliveries` what is still
to be brought or was: at most one of each per event, account, channel and device, which is what
"once" hangs on.
"""

from __future__ import annotations

import sqlalchemy as sa

from origin.catalog.tables import metadata

inbox = sa.Table(
    "notification_inbox",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_key", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("read_at", sa.Double),
    sa.Index("ix_notification_inbox_event_key", "event_key", unique=True),
    sa.Index("ix_notification_inbox_account", "account", "number"),
    sa.Index("ix_notification_inbox_at", "at"),
)

deliveries = sa.Table(
    "notification_deliveries",
    metadata,
    sa.Column("event_key", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("leased_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("ix_notification_deliveries_state", "state", "next_at"),
)

preferences = sa.Table(
    "notification_preferences",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("wanted", sa.Boolean, nullable=False),
)

unsubscribing = sa.Table(
    "notification_unsubscribing",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False, unique=True, index=True),
)

devices = sa.Table(
    "notification_devices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("p256dh", sa.Text, nullable=False),
    sa.Column("auth", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_notification_devices_endpoint", "endpoint", unique=True),
)
