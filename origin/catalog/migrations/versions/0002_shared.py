"""Numbers given out in the order of commits, and titles that other processes can follow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count on from what the journal has."""
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    last = op.get_bind().execute(sa.text("SELECT max(sequence) FROM changes")).scalar() or 0
    op.bulk_insert(counters, [{"name": "changes", "value": last}, {"name": "titles", "value": 0}])
    op.create_table(
        "title_changes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_title_changes_sequence", "title_changes", ["sequence"], unique=True)


def downgrade() -> None:
    """Forget the counters; PostgreSQL's own sequence goes on from what the journal has."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('changes', 'sequence'), "
            "greatest((SELECT value FROM counters WHERE name = 'changes'), 1), "
            "(SELECT value FROM counters WHERE name = 'changes') > 0)"
        )
    op.drop_table("title_changes")
    op.drop_table("counters")
