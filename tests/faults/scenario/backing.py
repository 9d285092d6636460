"""What an origin keeps things in besides its disks: a real PostgreSQL, a real object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from scripts.seaweedfs import find_weed
from tests.faults.scenario.plan import DATABASE, OBJECTS, Shape
from tests.helpers.postgres import find_programs, postgres_server
from tests.helpers.seaweedfs import seaweedfs_cluster

REQUEST_SECONDS: Final = 3
"""An object store that says nothing for so long is given up, as is everything in a scenario."""


@dataclass(frozen=True, slots=True)
class Backing:
    """Where they answer; empty where the shape has none."""

    database_url: str = ""
    object_store: dict[str, Any] = field(default_factory=dict)

    def ports(self) -> dict[str, int]:
        """The ports that links lead to."""
        urls = {DATABASE: self.database_url, OBJECTS: self.object_store.get("endpoint", "")}
        return {name: urlsplit(url).port or 0 for name, url in urls.items() if url}


@contextmanager
def backing_for(shape: Shape) -> Iterator[Backing]:
    """Started for one run. Skips where a program is not installed."""
    with ExitStack() as stack:
        database_url, object_store = "", {}
        if shape.postgresql:
            database_url = stack.enter_context(postgres_server()).create_database()
        if shape.objects:
            made = stack.enter_context(seaweedfs_cluster()).settings()
            object_store = {
                "endpoint": made.endpoint,
                "bucket": made.bucket,
                "access_key_id": made.access_key_id,
                "secret": made.secret,
                "connect_timeout_seconds": 1,
                "request_timeout_seconds": REQUEST_SECONDS,
                "retries_max": 1,
            }
        yield Backing(database_url, object_store)


def can_have_two_origins() -> bool:
    """Whether what two origins stand on is installed."""
    return find_programs() is not None and find_weed() is not None


def moved(url: str, port: int) -> str:
    """The same URL with another port."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{port}").geturl()
