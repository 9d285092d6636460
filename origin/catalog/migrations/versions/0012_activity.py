"""What viewers did, which profiles want none of it kept, and the country of streams under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables and the column."""
    op.create_table(
        "activity",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("position_seconds", sa.Double, nullable=False),
        sa.Column("watched_seconds", sa.Double, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_event", "activity", ["event"], unique=True)
    op.create_index("ix_activity_profile", "activity", ["profile", "number"])
    op.create_index("ix_activity_account", "activity", ["account"])
    op.create_index("ix_activity_at", "activity", ["at"])
    plays = sa.text("kind = 'play'")
    op.create_index(
        "ix_activity_plays", "activity", ["at"], sqlite_where=plays, postgresql_where=plays
    )
    op.create_table(
        "unrecorded",
        sa.Column("profile", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
    )
    op.create_index("ix_unrecorded_account", "unrecorded", ["account"])
    op.add_column("leases", sa.Column("region", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("leases", "region")
    op.drop_table("unrecorded")
    op.drop_table("activity")
