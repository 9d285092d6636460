"""Rights, positions and streams under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "licences",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title_id", sa.Text, nullable=False),
        sa.Column("territories", sa.JSON, nullable=False),
        sa.Column("starts_at", sa.Double, nullable=False),
        sa.Column("ends_at", sa.Double),
        sa.Column("plans", sa.JSON, nullable=False),
        sa.Column("height_max", sa.Integer, nullable=False),
        sa.Column("downloads", sa.Boolean, nullable=False),
        sa.Column("ends_streams", sa.Boolean, nullable=False),
    )
    op.create_index("ix_licences_title_id", "licences", ["title_id"])
    op.create_table(
        "positions",
        sa.Column("profile", sa.Text, primary_key=True),
        sa.Column("title_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("position_seconds", sa.Double, nullable=False),
        sa.Column("duration_seconds", sa.Double, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("ix_positions_profile_at", "positions", ["profile", "at"])
    op.create_index("ix_positions_account", "positions", ["account"])
    op.create_table(
        "leases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("title_id", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("duration_seconds", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.create_index("ix_leases_account", "leases", ["account"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("leases")
    op.drop_table("positions")
    op.drop_table("licences")
