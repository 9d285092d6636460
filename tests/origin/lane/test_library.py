"""The library finds what the catalog has, and opens what the store has open."""

from __future__ import annotations

from pathlib import Path

from origin.app import LIBRARY
from tests.origin.lane.doors import doors


async def test_an_object_is_found_until_it_is_deleted(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        library = pair.app[LIBRARY]
        assert library.find("a") is None
        await pair.put("a", b"bytes")
        found = library.find("a")
        assert found is not None
        stored, said = found
        assert (stored.size_bytes, said.content_type) == (5, "video/mp4")
        assert library.find("a") is found, "made once"
        assert library.lease_now(stored, 0, 5) is None
        lease = await library.lease(stored, 0, 5)
        again = library.lease_now(stored, 1, 3)
        assert lease is not None
        assert again is not None
        for each in (lease, again):
            each.release()
        await pair.parts.catalog.delete("a", lambda current: None)
        assert library.find("a") is None
