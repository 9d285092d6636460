"""The editorial rows of the home page as SQLAlchemy sees them; portable between the databases.

A migration creates the table; a test compares the two.
"""

from __future__ import annotations

import sqlalchemy as sa

from origin.catalog.tables import metadata

editorial_rows = sa.Table(
    "editorial_rows",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
)
