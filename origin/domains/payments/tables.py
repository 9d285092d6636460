"""The tables of payments as SQLAlchemy sees them.

`running` of an operation is its account as long as it is not over, and unique: one account has one
thing under way. No table holds anything of a card.
"""

from __future__ import annotations

import sqlalchemy as sa

from origin.catalog.tables import metadata

subscriptions = sa.Table(
    "subscriptions",
    metadata,
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
    sa.Column("checked_at", sa.Double, nullable=False, index=True),
    sa.Index("ix_subscriptions_customer", "customer", unique=True),
)

entitlements = sa.Table(
    "entitlements",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("streams_max", sa.Integer, nullable=False),
    sa.Column("height_max", sa.Integer, nullable=False),
)

operations = sa.Table(
    "payment_operations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("running", sa.Text),
    sa.Column("leased_until", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_payment_operations_running", "running", unique=True),
)

events = sa.Table(
    "payment_events",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("handled_at", sa.Double),
)
