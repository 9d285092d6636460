"""What readers find of an object follows what is published."""

from __future__ import annotations

from origin.shelf import Shelf
from tests.origin.conftest import RunningOrigin


async def test_an_object_is_described_once_a_generation(origin: RunningOrigin) -> None:
    shelf = Shelf(origin.parts.catalog, 60)
    assert shelf.find("a") is None
    await origin.client.put("/v1/content/a", data=b"first")
    found = shelf.find("a")
    assert found is not None
    assert shelf.find("a") is found
    assert found[1].full["Cache-Control"] == "public, max-age=60"
    assert found[1].full["Cinedge-Generation"] == "1"
    await origin.client.put("/v1/content/a", data=b"second")
    again = shelf.find("a")
    assert again is not None
    assert (again[0].size_bytes, again[1].full["Cinedge-Generation"]) == (6, "2")
    await origin.client.delete("/v1/content/a")
    assert shelf.find("a") is None
