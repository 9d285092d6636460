"""The tables of accounts: people, profiles, devices, links on their way, keys, and attempts.

Nothing refers to a row by a foreign key: erasing an account says itself what goes.
"""

from __future__ import annotations

import sqlalchemy as sa

from origin.catalog.tables import metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("locked", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("ix_accounts_address", "address", unique=True),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("age_max", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("avatar", sa.Text, nullable=False),
    sa.Column("pin_hash", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
    sa.Column("seed", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False),
    sa.Column("rotated_at", sa.Double, nullable=False),
    sa.Column("counter", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
)

revocations = sa.Table(
    "session_revocations",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("until", sa.Double, nullable=False, index=True),
)

session_keys = sa.Table(
    "session_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("signs_from", sa.Double, nullable=False),
)

mailed_tokens = sa.Table(
    "mailed_tokens",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False, index=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("level", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
)
