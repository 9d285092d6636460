"""Of the lots of a worker's life the last one's number, in place of the name of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begin anew: a lot that is under way meanwhile may count twice."""
    op.drop_table("traffic_lots")
    op.create_table(
        "traffic_lots",
        sa.Column("life", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False, index=True),
    )


def downgrade() -> None:
    """Begin anew with names."""
    op.drop_table("traffic_lots")
    op.create_table(
        "traffic_lots",
        sa.Column("lot", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False, index=True),
    )
