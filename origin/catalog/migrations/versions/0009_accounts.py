"""Accounts of viewers: people, profiles, devices, links on their way, keys and attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEXES = (
    ("accounts", "address", True),
    ("profiles", "account", False),
    ("sessions", "account", False),
    ("sessions", "expires_at", False),
    ("session_revocations", "until", False),
    ("mailed_tokens", "account", False),
    ("mailed_tokens", "address", False),
    ("mailed_tokens", "expires_at", False),
    ("attempts", "at", False),
)
_COUNTERS = ("session_revocations", "session_keys")


def upgrade() -> None:
    """Create the tables, and the counters that number revocations and order keys."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "profiles",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("age_max", sa.Integer, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text, nullable=False),
        sa.Column("pin_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    _create_sessions()
    op.create_table(
        "mailed_tokens",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    for table, column, unique in _INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=unique)
    rows = [{"name": name, "value": 0} for name in _COUNTERS]
    op.bulk_insert(_counters(), rows)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("rotated_at", sa.Double, nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
    )
    op.create_table(
        "session_revocations",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.create_table(
        "session_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("signs_from", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables and their counters."""
    for table, column, _ in _INDEXES:
        op.drop_index(f"ix_{table}_{column}", table)
    for table in (
        *("accounts", "profiles", "sessions", "session_revocations", "session_keys"),
        *("mailed_tokens", "attempts"),
    ):
        op.drop_table(table)
    counters = _counters()
    op.execute(counters.delete().where(counters.c.name.in_(_COUNTERS)))


def _counters() -> sa.TableClause:
    return sa.table("counters", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
