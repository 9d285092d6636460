"""What says that an object in a bucket exists: a small text beside its extents, made last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from origin.store.base import StoredObject
from origin.store.extents import extent_name


@dataclass(frozen=True, slots=True)
class Manifest:
    """What vouches for an object of which every extent is stored.

    The checksums are empty when whoever made it did not know them.
    """

    stored: StoredObject
    sha256: str
    extent_crc32c: tuple[int, ...]


def manifest_name(object_id: str, generation: int) -> str:
    """Path of a manifest: beside the extents, where their number would be."""
    return extent_name(object_id, generation, 0).removesuffix("0") + "manifest"


def format_manifest(manifest: Manifest) -> bytes:
    """The text of a manifest."""
    stored = manifest.stored
    members: dict[str, Any] = {
        "object_id": stored.object_id,
        "generation": stored.generation,
        "size_bytes": stored.size_bytes,
        "extent_bytes": stored.extent_bytes,
        "sha256": manifest.sha256,
        "extent_crc32c": manifest.extent_crc32c,
    }
    return json.dumps(members).encode()


def parse_manifest(data: bytes) -> Manifest | None:
    """The manifest in a text, or None when it is none."""
    try:
        members = json.loads(data)
        stored = StoredObject(
            str(members["object_id"]),
            int(members["generation"]),
            int(members["size_bytes"]),
            int(members["extent_bytes"]),
        )
        crc32c = tuple(int(each) for each in members["extent_crc32c"])
        return Manifest(stored, str(members["sha256"]), crc32c)
    except (ValueError, KeyError, TypeError):
        return None
