"""What the lane sees of the origin: objects by key, and their bytes.

An answer holds its files open, so that sweeping the object cannot hurt it.
"""

from __future__ import annotations

from collections.abc import Callable

from origin.reply import Said
from origin.shelf import Shelf
from origin.store.base import ByteStore, StoredObject


class ContentLibrary:
    """Shelf and store as `origin.lane.connection.Library`."""

    def __init__(self, shelf: Shelf, store: ByteStore) -> None:
        self.find: Callable[[str], tuple[StoredObject, Said] | None] = shelf.find
        self.lease_now = store.lease_now
        self.lease = store.lease
