"""The catalog's tables as SQLAlchemy sees them; portable between SQLite and PostgreSQL.

Migrations under `migrations/versions` create them; a test compares the two. Generations live in
a table of their own so that they outlast the object: a key that is deleted and made again never
re-uses a number an edge may still hold blocks of. Counters are rows and not the database's own
sequences: the row is locked until the commit, so numbers become visible in their order and a
follower that has seen N has seen all before it. `title_changes` keeps the newest change of each
title, deleted ones too. `activity` is numbered by the database, behind a lock that gives the same
promise (`origin.catalog.activity`).
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("key", sa.Text, sa.ForeignKey("generations.key"), primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("stored_generation", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("extent_bytes", sa.BigInteger, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("extent_crc32c", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)

generations = sa.Table(
    "generations",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

titles = sa.Table(
    "titles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

title_changes = sa.Table(
    "title_changes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, index=True, unique=True),
)

garbage = sa.Table(
    "garbage",
    metadata,
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("extent_bytes", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.Double, nullable=False, index=True),
)

packaging = sa.Table(
    "packaging",
    metadata,
    sa.Column("title_id", sa.Text, primary_key=True),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("source_generation", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("package", sa.JSON, nullable=False),
    sa.Column("published", sa.JSON, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("leased_until", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("batch", sa.Text, nullable=False, index=True),
    sa.Column("extent_bytes", sa.BigInteger, nullable=False),
    sa.Column("start_bytes", sa.BigInteger, nullable=False),
    sa.Column("offset_bytes", sa.BigInteger, nullable=False),
    sa.Column("length_bytes", sa.BigInteger, nullable=True),
    sa.Column("crc32c", sa.JSON, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("joined_into", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
)

upload_batches = sa.Table(
    "upload_batches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, index=True, unique=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("edges", sa.JSON, nullable=False),
)

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("worker", sa.Integer, primary_key=True),
    sa.Column("workers", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
)

followers = sa.Table(
    "followers",
    metadata,
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.Double, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("number", _SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("taken_at", sa.Double),
    sa.Index("ix_outbox_key", "key", unique=True),
    sa.Index("ix_outbox_taken_at", "taken_at", "number"),
    sqlite_autoincrement=True,
)

activity = sa.Table(
    "activity",
    metadata,
    sa.Column("number", _SEQUENCE, primary_key=True, autoincrement=True),
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
    sa.Index("ix_activity_event", "event", unique=True),
    sa.Index("ix_activity_profile", "profile", "number"),
    sa.Index("ix_activity_account", "account"),
    sa.Index("ix_activity_at", "at"),
    sqlite_autoincrement=True,
)

sa.Index(
    "ix_activity_plays",
    activity.c.at,
    # What is counted is one event in hundreds: found without reading the others.
    sqlite_where=activity.c.kind == "play",
    postgresql_where=activity.c.kind == "play",
)

unrecorded = sa.Table(
    "unrecorded",
    metadata,
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
)

traffic = sa.Table(
    "traffic",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, primary_key=True),
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

traffic_lots = sa.Table(
    "traffic_lots",
    metadata,
    sa.Column("life", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
)
