"""Recommendations: runs of the batch job, their lists, and which run is shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "recommendation_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("is_finished", sa.Boolean, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_table(
        "recommendation_lists",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
    )
    op.create_index("ix_recommendation_lists_account", "recommendation_lists", ["account"])
    op.create_table(
        "recommendation_labels",
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("recommendation_labels")
    op.drop_table("recommendation_lists")
    op.drop_table("recommendation_runs")
