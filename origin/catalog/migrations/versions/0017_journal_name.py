"""The journal's name, by which a follower knows that it is still the one it followed."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NAME = "journal_name"


def upgrade() -> None:
    """Draw a name; followers that know none yet take it for that of the journal they knew."""
    op.bulk_insert(_counters(), [{"name": _NAME, "value": secrets.randbits(63)}])


def downgrade() -> None:
    """Forget the name."""
    counters = _counters()
    op.execute(counters.delete().where(counters.c.name == _NAME))


def _counters() -> sa.TableClause:
    return sa.table("counters", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
